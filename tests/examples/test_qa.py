"""The example package for question answering: installed by pip, run by the real command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.core.runs.kit import zoo

PACKAGE = "taskzoo-qa"


def test_it_trains_predicts_and_scores(
    on_path: Callable[[str], None], tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    on_path(PACKAGE)
    offered = next(task for task in zoo("tasks", "--json").json if task["name"] == "qa")
    assert (offered["distribution"], offered["default_model"]) == ("taskzoo-qa", "minilm")
    run = tmp_path / "run"
    model = ("--model", tiny_checkpoint("bert"), "--set", "max_steps=2")
    trained = zoo("run", "qa", "--data", "demo/zh", *model, "--output", run, "--json")
    assert trained.code == 0, trained.err
    assert {"f1", "exact_match", "has_answer_f1", "f1_ci95", "loss"} <= set(trained.json["metrics"]["test"])
    row = {"question": "谁？", "context": "安\r\n住在 \U0001f600 奥斯陆。"}
    found = zoo("predict", run, "--json", json.dumps(row), "--set", "no_answer=never").json
    assert found["question"] == "谁？"
    assert found["text"] == row["context"][found["start"] : found["end"]] != ""
    (tmp_path / "gold.json").write_text(json.dumps([{**row, "id": "a", "answers": ["奥斯陆"]}]))
    (tmp_path / "answers.json").write_text(json.dumps({"a": "奥斯陆。"}))
    scored = zoo("squad-score", tmp_path / "answers.json", tmp_path / "gold.json", "--json").json
    assert (scored["language"], scored["exact_match"], scored["f1"]) == ("zh", 1.0, 1.0)


@pytest.mark.slow
def test_its_own_tests_pass(own_tests: Callable[[str], None]) -> None:
    own_tests(PACKAGE)
