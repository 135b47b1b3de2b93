"""What is said of scores, and of what changed between two runs."""

from __future__ import annotations

from typing import Any

import pytest

from taskzoo.runs.wording import changed_data, changed_model, result_notes, split_note


def difference(metric: str, value: float, *, higher_is_better: bool) -> dict[str, Any]:
    return {
        "metric": metric,
        "value": value,
        "ci95": [value - 1, value + 1],
        "higher_is_better": higher_is_better,
    }


@pytest.mark.parametrize("metric", ["ter", "hamming_loss", "wer"])
def test_a_smaller_error_is_better_than_the_baseline(metric: str) -> None:
    (note,) = result_notes({"baseline": {"difference": {"test": difference(metric, -2.0, higher_is_better=False)}}})
    assert note.startswith(f"The model is better than the baseline: {metric} -2.000")


def test_what_is_wrong_is_no_note_below_the_scores() -> None:
    assert result_notes({"baseline": {"difference": {"test": difference("bleu", -2.0, higher_is_better=True)}}}) == []
    assert result_notes({"test": {"rows": 4, "most_repeated_output": {"rows": 3, "text": "yes"}}}) == []


MODEL = {"name": "bert", "revision": None, "sha256": {"model.safetensors": "a", "more.safetensors": "b"}}


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (MODEL, []),
        ({**MODEL, "name": "gpt2", "sha256": {}}, []),
        (
            {**MODEL, "sha256": {"model.safetensors": "x", "more.safetensors": "b"}},
            ["the model 'bert' (model.safetensors)"],
        ),
        ({**MODEL, "sha256": {"model.safetensors": "a"}}, ["the model 'bert' (more.safetensors)"]),
    ],
)
def test_what_changed_of_a_model_is_named(now: dict[str, Any], said: list[str]) -> None:
    assert changed_model(MODEL, now) == said


def test_another_commit_is_named() -> None:
    before, now = ({"name": "m", "revision": commit * 40, "sha256": {}} for commit in "ab")
    assert changed_model(before, now) == ["the model 'm' (revision aaaaaaaaaaaa is now bbbbbbbbbbbb)"]


def test_what_changed_of_data_is_named() -> None:
    before = {"train": {"source": "t.csv", "sha256": "a", "rows": 3}, "test": {"source": "u.csv", "sha256": "b"}}
    assert changed_data(before, before) == []
    now = {"train": {"source": "t.csv", "sha256": "x", "rows": 3}, "test": {"source": "elsewhere.csv", "sha256": "y"}}
    assert changed_data(before, now) == ["the train data t.csv (content)"]


def test_shots_say_that_no_validation_rows_are_split_off_only_where_none_are() -> None:
    shots: dict[str, Any] = {"shots": {"shots": 8}}
    assert split_note(shots) == "8 training rows per class, no validation rows split off"
    sizes = {"train": 80, "validation": 5, "test": 10}
    made = {"method": "hash", "grouped": False, "seed": 1, "sizes": sizes, "holdout": "5,10", **shots}
    assert split_note(made).endswith("held out: 5 validation, 10 test; 8 training rows per class")
