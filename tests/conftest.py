"""What all tests share: no network, one thread, few bootstrap draws, and tiny models that are made once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tiny models are faster on one thread than on many


def pytest_configure(config: pytest.Config) -> None:
    """Hide GPUs from tests that are not about them: several processes of a test would need one each."""
    if "cuda" not in config.getoption("-m", default="").replace("not cuda", ""):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell
        signal.signal(signal.SIGINT, signal.default_int_handler)


TinyCheckpoint = Callable[..., Path]

BY_HEART = {
    "precision": "fp32",
    "epochs": 30,
    "batch_size": 8,
    "learning_rate": 1e-2,
    "evaluate_every": 1000,
    "seed": 1,
}


@pytest.fixture(scope="session", autouse=True)
def _few_draws() -> Iterator[None]:
    """Intervals of runs from 100 draws instead of 1,000, which would take a third of the time of a tiny run."""
    from taskzoo.engine import scoring
    from taskzoo.metrics.intervals import bootstrap_replicates

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "bootstrap_replicates", partial(bootstrap_replicates, samples=100))
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, driven by Playwright."""
    from tools.page_pictures import chromium_path

    playwright = pytest.importorskip("playwright.sync_api")
    if chromium_path() is None:
        pytest.skip("there is no Chromium on the path")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def demo_sentences() -> list[dict[str, Any]]:
    """The first sentences of the built-in entity set, as ``{"tokens": [...], "tags": [...]}``."""
    from taskzoo import registry
    from taskzoo.runs.data import demo_rows

    entry = registry.task_entry("ner")
    task = entry.load()(entry.spec.resolve_options({}))
    return [dict(row.fields) for row in demo_rows(entry.spec, task)["train"][:200]]


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory, demo_sentences: list[dict[str, Any]]) -> TinyCheckpoint:
    """A function from a family to a tiny checkpoint of it, made on first use; tests must not write to it."""
    from taskzoo.testing import make_tiny_checkpoint

    made: dict[str, Path] = {}
    texts = [" ".join(row["tokens"]) for row in demo_sentences]

    def make(family: str = "bert") -> Path:
        if family not in made:
            made[family] = make_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / family, family, texts)
        return made[family]

    return make


@pytest.fixture(scope="session")
def tiny_tokenizer(tiny_checkpoint: TinyCheckpoint) -> Callable[..., Any]:
    """A function from a family to its tiny tokenizer, loaded as a run loads it."""
    from taskzoo.models.refs import resolve_model
    from taskzoo.models.tokenizers import load_tokenizer

    return lambda family="bert": load_tokenizer(resolve_model(str(tiny_checkpoint(family))))


@pytest.fixture(scope="session")
def memorised(
    tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: TinyCheckpoint, demo_sentences: list[dict[str, Any]]
) -> Iterator[Callable[..., Any]]:
    """A function from settings to a ``ner`` run that memorised 32 demo sentences, made once per settings."""
    from taskzoo import finetune

    made: dict[Any, Any] = {}
    rows = demo_sentences[:32]

    def make(family: str = "bert", **settings: Any) -> Any:
        key = (family, *sorted(settings.items()))
        if key not in made:
            values = {**BY_HEART, **settings}
            splits = dict.fromkeys(("train", "validation", "test"), rows)
            output = tmp_path_factory.mktemp("memorised") / "run"
            made[key] = finetune("ner", model=str(tiny_checkpoint(family)), output=output, **splits, **values)
        return made[key]

    yield make
    made.clear()
