"""What every error says, and how the command exits with it."""

from __future__ import annotations

import pytest

from taskzoo.errors import (
    DataError,
    Interrupted,
    PluginError,
    RequestError,
    TaskZooError,
    TrainingError,
    UnknownNameError,
    nearest,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TaskZooError("x"), 1),
        (TrainingError("x"), 1),
        (PluginError("x"), 1),
        (RequestError("x"), 2),
        (DataError("x"), 2),
        (UnknownNameError("task", "x", []), 2),
        (Interrupted("x"), 130),
    ],
)
def test_exit_codes(error, code):
    assert error.exit_code == code
    assert isinstance(error, TaskZooError)


def test_a_data_error_says_where():
    assert str(DataError("bad.", file="a.csv", line=3)) == "a.csv:3: bad."
    assert str(DataError("bad.", file="a.csv")) == "a.csv: bad."
    assert str(DataError("bad.")) == "bad."


def test_an_unknown_name_names_the_nearest_and_what_to_do():
    error = UnknownNameError("task", "nre", ["ner", "sentiment"], "`zoo tasks` lists them.")
    assert str(error) == "There is no task named 'nre'. Did you mean 'ner'? `zoo tasks` lists them."
    assert str(UnknownNameError("task", "zzz", ["ner"])) == "There is no task named 'zzz'."


def test_nearest_ignores_case_and_is_short():
    assert nearest("BERT-BASE", ["bert-base", "roberta-base", "t5"])[0] == "bert-base"
    assert nearest("bert", ["Bert", "berta", "bertb", "bertc"], limit=2)[0] == "Bert"
    assert len(nearest("bert", ["berta", "bertb", "bertc"], limit=2)) == 2
    assert nearest("x", []) == []
