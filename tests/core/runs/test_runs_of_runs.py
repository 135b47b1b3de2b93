"""A finished run is the checkpoint of another: its encoder is taken, its head is new, and what it lacks is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .kit import Result, zoo

SHORT = ["--precision", "fp32", "--set", "max_steps=2", "--batch-size", "4"]


def write_rows(file: Path, labels: str) -> Path:
    rows = [{"text": f"a text of {label} {i}", "label": label} for i in range(6) for label in labels]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Any) -> Callable[[str], Path]:
    """A function from an encoder-decoder's family to a run of a classifier on its encoder, made once."""
    made: dict[str, Path] = {}

    def make(family: str) -> Path:
        if family not in made:
            folder = tmp_path_factory.mktemp(family)
            rows = write_rows(folder / "rows.jsonl", "ab")
            output = folder / "run"
            result = zoo(
                *("run", "classification", "--model", tiny_checkpoint(family), "--train", rows, "--output", output),
                *SHORT,
            )
            assert result.code == 0, result.err
            made[family] = output
        return made[family]

    return make


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Result]:
    def run(task: str, model: Path, file: Path) -> Result:
        return zoo("run", task, "--model", model, "--train", file, "--output", tmp_path / "run", *SHORT)

    return run


@pytest.mark.parametrize("part", ["", "model"])
def test_ner_on_the_encoder_of_a_classifier(pooled: Any, train: Any, data: Path, part: str, tmp_path: Path) -> None:
    result = train("ner", pooled("t5") / part, data / "train.conll")
    assert result.code == 0, result.err
    assert "weights   the prefix 'backbone.' of the names in the file was removed" in result.err + result.out
    assert "weights   new, with random initial values: classifier" in result.err + result.out
    assert zoo("predict", tmp_path / "run", "Kim went to Oslo .").code == 0


@pytest.mark.parametrize("family", ["t5", "bart"])
def test_other_labels_on_the_encoder_of_a_classifier(pooled: Any, train: Any, family: str, tmp_path: Path) -> None:
    result = train("classification", pooled(family), write_rows(tmp_path / "rows.jsonl", "xyz"))
    assert result.code == 0, result.err
    assert "weights   new, with random initial values: classifier" in result.err + result.out


def test_what_the_run_lacks_is_refused(pooled: Any, train: Any, data: Path, tmp_path: Path) -> None:
    result = train("ner", pooled("bart"), data / "train.conll")
    assert result.code == 2
    assert "family 'bart' have no token classifier" in result.err
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text(
        "".join(json.dumps({"text": f"a long text {i}", "summary": f"text {i}"}) + "\n" for i in range(20))
    )
    for family in ("t5", "bart"):
        result = train("summarization", pooled(family), pairs)
        assert result.code == 2, result.err
        assert "without a decoder, and this task needs one" in result.err
