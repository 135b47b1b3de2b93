"""Rows given from Python: kept in the run, which they repeat."""

from __future__ import annotations

import numpy as np
import pytest

import taskzoo
from taskzoo import RequestError

from .kit import digest, read, read_lines, sentences, zoo

SETTINGS = {"max_steps": 4, "batch_size": 8, "precision": "fp32", "learning_rate": 0.01}
ROWS = sentences(40, seed=4)
PAIR = ([tokens for tokens, _ in ROWS], [tags for _, tags in ROWS])
MAPPINGS = [{"tokens": tokens, "tags": tags} for tokens, tags in ROWS]


@pytest.mark.parametrize("train", [PAIR, MAPPINGS], ids=["pair", "mappings"])
def test_they_are_written_and_repeat_the_run(model, tmp_path, train):
    run = taskzoo.finetune("ner", model=str(model), train=train, output=tmp_path / "run", **SETTINGS)
    assert read_lines(tmp_path / "run" / "data" / "train.jsonl") == MAPPINGS
    assert run.metrics.keys() == {"validation", "test", "baseline", "verdict"}
    manifest = read(tmp_path / "run" / "manifest.json")
    file = tmp_path / "run" / "data" / "train.jsonl"
    assert manifest["data"]["train"] == {"source": "train.jsonl", "rows": 40, "sha256": digest(file)}
    result = zoo("run", "--config", tmp_path / "run" / "config.yaml", "--output", tmp_path / "again", "--json")
    assert result.code == 0, result.err
    assert result.json["metrics"] == run.metrics
    model_file = "model/model.safetensors"
    assert digest(tmp_path / "again" / model_file) == digest(tmp_path / "run" / model_file)


def test_all_three_splits(model, tmp_path):
    splits = {"train": MAPPINGS[:30], "validation": MAPPINGS[30:35], "test": MAPPINGS[35:]}
    run = taskzoo.finetune("ner", model=str(model), output=tmp_path / "run", **splits, **SETTINGS)
    assert read(tmp_path / "run" / "manifest.json")["rows"] == {"train": 30, "validation": 5, "test": 5}
    assert run.evaluate(splits["test"]).to_dict() == run.metrics["test"]


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"train": ([["a"]], [])}, "train: 1 inputs but 0 targets"),
        ({"train": [["a", "b"]]}, "item 1 is of type list; give"),
        ({"train": []}, "no training rows"),
        ({"train": MAPPINGS, "test": "test.conll"}, "all of them in memory"),
        ({"train": [{"tokens": ["a"], "tags": ["WRONG"]}]}, "WRONG"),
        ({"train": [{"text": "Ada is", "spans": [[np.float64(0.5), np.int64(3), "PER"]]}]}, "whole numbers"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_written(model, tmp_path, splits, message):
    with pytest.raises(RequestError, match=message):
        taskzoo.finetune("ner", model=str(model), output=tmp_path / "run", **splits, **SETTINGS)
    assert not (tmp_path / "run").exists()
