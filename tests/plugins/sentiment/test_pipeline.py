"""Sentiment from files to a finished run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import pipeline

from taskzoo import RequestError, finetune, load

WORDS = {-1: "awful", 0: "plain", 1: "lovely"}
SHORT: dict[str, Any] = {
    "precision": "fp32",
    "epochs": 6,
    "batch_size": 8,
    "learning_rate": 1e-2,
    "warmup": 0.0,
    "seed": 1,
}


def file_of(folder: Path, labels: dict[int, str]) -> Path:
    """A file of 60 rows, with the columns of a table of reviews."""
    path = folder / "reviews.csv"
    signs = [list(labels)[i % len(labels)] for i in range(60)]
    lines = [f"the soup of day {i} was {WORDS[sign]},{labels[sign]}" for i, sign in enumerate(signs)]
    path.write_text("\n".join(["review,stars", *lines]), encoding="utf-8")
    return path


def test_stars_as_numbers(tmp_path: Path, tiny_checkpoint: Callable[..., Path]) -> None:
    train = file_of(tmp_path, {-1: "1", 0: "3", 1: "5"})
    options: dict[str, Any] = {"kind": "stars", "stars_as": "numbers", "baseline": True, **SHORT}
    run = finetune("sentiment", model=str(tiny_checkpoint()), train=train, output=tmp_path / "run", **options)
    scores = run.metrics["test"]
    assert {"mse", "pearson", "accuracy", "accuracy_within_one", "accuracy_ci95"} <= set(scores)
    assert {"mse", "accuracy"} <= set(run.metrics["baseline"]["test"])
    lines = [json.loads(line) for line in (run.path / "predictions.jsonl").read_text(encoding="utf-8").splitlines()]
    for line in lines:
        assert set(line) == {"text", "value", "label", "reference"}
        assert 1 <= line["value"] <= 5
        assert set(line["reference"]) == {"value", "label"}
    again = load(run.path)
    found, expected = again.predict("the soup was lovely"), run.predict("the soup was lovely")
    assert found == {**expected, "value": pytest.approx(expected["value"], abs=2e-4)}  # float32 rounds while saving
    with pytest.raises(RequestError, match="min_confidence needs"):
        again.predict("the soup was lovely", min_confidence=0.5)


def test_plain_transformers_gives_the_labels_as_they_were_written(
    tmp_path: Path, tiny_checkpoint: Callable[..., Path]
) -> None:
    train = file_of(tmp_path, {-1: "差评", 1: "好评"})
    run: Any = finetune("sentiment", model=str(tiny_checkpoint()), train=train, output=tmp_path / "run", **SHORT)
    classify = pipeline("text-classification", model=str(run.path / "model"))
    assert classify.model.config.id2label == {0: "差评", 1: "好评"}
    for text in ("the soup of day 3 was awful", "the soup of day 4 was lovely"):
        assert classify(text)[0]["label"] == run.predict(text)["label"]
