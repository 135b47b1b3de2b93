"""What is searched: as it is written, as it is checked, and by default."""

from __future__ import annotations

from typing import Any

import pytest

from taskzoo import registry
from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.runs.plan import make_plan
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request
from taskzoo.tuning.space import Choices, Range, default_space, parse_space, parse_words

SPEC = registry.task_entry("classification").spec
ROWS = [{"text": f"{word} {i}", "label": word} for i in range(40) for word in ("soup", "fog")]


def test_a_number_is_no_space() -> None:
    with pytest.raises(RequestError, match=r"The space of epochs is 5; give its values as a list, or \(low, high\)"):
        parse_space({"epochs": 5}, SPEC)  # type: ignore[dict-item]


def test_ranges_and_choices_have_the_type_of_their_setting() -> None:
    given = {
        "learning_rate": "1e-5:5e-4:log",
        "batch_size": "8,16,16,32",
        "lora_rank": "4:16",
        "pooling": "mean,first",
        "epochs": (1, 4),
        "label_names": ["true", False],
    }
    assert parse_space(given, SPEC) == (
        Range("learning_rate", 1e-5, 5e-4, log=True),
        Choices("batch_size", (8, 16, 32)),
        Range("lora_rank", 4, 16),
        Choices("pooling", ("mean", "first")),
        Range("epochs", 1.0, 4.0),
        Choices("label_names", (True, False)),
    )
    assert parse_words(["learning-rate=1:2:log", "pooling=mean,first"]) == {
        "learning_rate": "1:2:log",
        "pooling": "mean,first",
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"learning_rat": "1:2"}, "'learning_rat'. Did you mean 'learning_rate'?"),
        ({"poolin": "mean,first"}, "Did you mean 'pooling'?"),
        ({"learning_rate": "2:1"}, "must go from a smaller number to a larger one"),
        ({"learning_rate": "0:1:log"}, "has no logarithm at 0"),
        ({"batch_size": "8"}, "give at least two values, or set batch_size=8"),
        ({"batch_size": "8,many"}, "batch_size='many' is not a whole number"),
        ({"batch_size": "0:8"}, "batch_size=0 must be at least 1"),
        ({"lora_dropout": "0:2"}, "lora_dropout=2.0 must be below 1"),
        ({"pooling": "mean,best"}, "'best' is not one of auto, mean"),
        ({"label_names": (False, True)}, "label_names is not a number"),
        ({"seed": "1,2"}, "seed is not a setting that a validation score can choose"),
    ],
)
def test_what_cannot_be_searched_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=r".") as raised:
        parse_space(given, SPEC)
    assert said in str(raised.value)
    assert isinstance(raised.value, UnknownNameError) is ("Did you mean" in said)


@pytest.mark.parametrize("word", ["learning_rate", "=1:2", "epochs="])
def test_words_without_name_or_values_are_refused(word: str) -> None:
    with pytest.raises(RequestError, match="is not of the form"):
        parse_words([word])


def test_a_name_that_is_given_twice_is_refused() -> None:
    with pytest.raises(RequestError, match="twice"):
        parse_words(["epochs=1,2", "epochs=3,4"])


@pytest.mark.parametrize(
    ("settings", "searched"),
    [
        # few rows: their recipe trains for 100 steps, so that epochs would change nothing
        ({}, {"learning_rate", "min_steps", "batch_size", "warmup", "weight_decay", "class_weights"}),
        (
            {"method": "lora", "min_steps": 0},
            {"learning_rate", "epochs", "batch_size", "warmup", "weight_decay", "lora_rank", "class_weights"},
        ),
        ({"learning_rate": 1e-4, "min_steps": 5}, {"epochs", "batch_size", "warmup", "weight_decay", "class_weights"}),
        ({"method": "linear-probe"}, {"class_weights", "pooling"}),
    ],
)
def test_the_default_suits_method_and_rows(settings: dict[str, Any], searched: set[str]) -> None:
    rows = DataRequest(train=ROWS)
    resolved = resolve_request(RunRequest("classification", "scratch:bert-tiny", rows, settings))
    space = default_space(make_plan(resolved, rows.memory), settings)
    assert {one.name for one in space} == searched
    values = {**resolved.config.options, **vars(resolved.config.training)}
    assert all(one.has(values[one.name]) for one in space), "the default settings are part of it"
    assert all(one in parse_space({one.name: list(one.values)}, SPEC) for one in space if isinstance(one, Choices))


def test_nothing_to_search_is_refused() -> None:
    rows, fixed = DataRequest(train=ROWS), {"method": "linear-probe", "pooling": "mean", "class_weights": "none"}
    resolved = resolve_request(RunRequest("classification", "scratch:bert-tiny", rows, fixed))
    with pytest.raises(RequestError, match="nothing to search with method=linear-probe"):
        default_space(make_plan(resolved, rows.memory), fixed)
