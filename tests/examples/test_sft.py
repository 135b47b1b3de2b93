"""The example package for language models: installed by pip, run by the real command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.core.runs.kit import read_lines, zoo

PACKAGE = "taskzoo-sft"


def test_it_trains_shows_samples_and_answers(
    on_path: Callable[[str], None], tiny_checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    on_path(PACKAGE)
    offered = next(task for task in zoo("tasks", "--json").json if task["name"] == "sft")
    assert (offered["distribution"], offered["default_model"]) == ("taskzoo-sft", "scratch:gpt2-tiny")
    run = tmp_path / "run"
    model = ("--model", tiny_checkpoint("gpt2"), "--set", "max_steps=2", "--set", "max_new_tokens=4")
    trained = zoo("run", "sft", "--data", "demo", *model, "--track", "samples", "--output", run, "--json")
    assert trained.code == 0, trained.err
    assert {"perplexity", "perplexity_ci95", "loss"} <= set(trained.json["metrics"]["test"])
    samples = read_lines(run / "samples.jsonl")
    assert {"step", "text", "target"} < set(samples[0])
    said = [{"role": "user", "content": "What is 1 plus 1?"}]
    one = zoo("predict", run, "What is 1 plus 1?").json
    other = zoo("predict", run, "--json", json.dumps({"messages": said})).json
    assert one == {"prompt": "What is 1 plus 1?", "text": other["text"]}
    assert other["messages"] == said


@pytest.mark.slow
def test_its_own_tests_pass(own_tests: Callable[[str], None]) -> None:
    own_tests(PACKAGE)
