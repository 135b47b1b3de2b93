"""One tiny model, one small data set, and one finished run that most tests look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from taskzoo.testing import make_tiny_checkpoint

from .kit import COUNTS, sentences, text_rows, write_conll, zoo


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads cost more than they save on models this small, and may change a rounding."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    """A BERT of two layers with dropout."""
    texts = [" ".join(tokens) for tokens, _ in sentences(50, seed=9)]
    return make_tiny_checkpoint(tmp_path_factory.mktemp("model") / "bert", "bert", texts, vocabulary=200, dropout=0.1)


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """``train.conll``, ``validation.conll`` and ``test.conll``."""
    folder = tmp_path_factory.mktemp("data")
    for seed, (split, count) in enumerate(COUNTS.items(), start=1):
        write_conll(folder / f"{split}.conll", sentences(count, seed))
    return folder


@pytest.fixture(scope="session")
def request_(model, data) -> list[object]:
    """The arguments of a run that takes a second."""
    words = "--method full --epochs 4 --batch-size 8 --precision fp32 --learning-rate 0.01 --set log_every=5"
    return ["run", "ner", "--model", model, "--data", data, *words.split()]


@pytest.fixture(scope="session")
def finished(request_, tmp_path_factory) -> Path:
    """A finished run. Nobody may change it."""
    path = tmp_path_factory.mktemp("finished") / "run"
    result = zoo(*request_, "--output", path)
    assert result.code == 0, result.err
    return path


@pytest.fixture(scope="session")
def bert(tmp_path_factory) -> Path:
    """A BERT for the texts of ``text_rows``."""
    texts = [row["text"] for row in text_rows(200, 9)]
    return make_tiny_checkpoint(tmp_path_factory.mktemp("bert") / "m", "bert", texts, vocabulary=200, dropout=0.1)
