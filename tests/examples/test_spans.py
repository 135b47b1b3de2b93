"""The example package for nested entities: installed by pip, run by the real command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.core.runs.kit import zoo

PACKAGE = "taskzoo-spans"


def test_it_trains_predicts_and_takes_other_labels(
    on_path: Callable[[str], None], tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    on_path(PACKAGE)
    offered = next(task for task in zoo("tasks", "--json").json if task["name"] == "spans")
    assert (offered["distribution"], offered["default_model"]) == ("taskzoo-spans", "minilm")
    run = tmp_path / "run"
    model = ("--model", tiny_checkpoint("bert"), "--set", "max_steps=2")
    trained = zoo("run", "spans", "--data", "demo/zh", *model, "--output", run, "--json")
    assert trained.code == 0, trained.err
    assert {"f1", "f1_ci95", "f1_macro", "inner_recall", "loss"} <= set(trained.json["metrics"]["test"])
    text = "安在\r\n北京大学 \U0001f600。"
    asked = ("--set", "labels=river,school=place to learn", "--set", "threshold=1e-6", "--set", "overlap=any")
    found = zoo("predict", run, text, *asked).json
    assert set() < {entity["label"] for entity in found["entities"]} <= {"river", "school"}
    assert all(entity["text"] == text[entity["start"] : entity["end"]] for entity in found["entities"])


@pytest.mark.slow
def test_its_own_tests_pass(own_tests: Callable[[str], None]) -> None:
    own_tests(PACKAGE)
