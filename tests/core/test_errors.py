"""What every error says, and how the command exits with it."""

from __future__ import annotations

import pytest

from taskzoo.errors import (
    LONGEST,
    DataError,
    Interrupted,
    PluginError,
    RequestError,
    TaskZooError,
    TrainingError,
    UnknownNameError,
    nearest,
    shown,
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


def test_a_message_is_never_long_and_keeps_its_advice():
    many = {str(number): "text" for number in range(5000)}
    for value in (many, list(many), "x" * 9000, 'it\'s "so"' * 900):
        message = str(DataError(f"the label {value!r} is neither text nor number; write text.", file="a.json", line=7))
        assert len(message) <= LONGEST
        assert message.startswith("a.json:7: the label ")
        assert message.endswith("is neither text nor number; write text.")
    assert len(str(DataError("no " * 900, file="/long" * 900, line=1))) <= LONGEST
    assert len(str(UnknownNameError("label", "y" * 9000, ["y" * 8999], "z" * 900))) <= LONGEST
    assert str(RequestError(short := "x" * LONGEST)) == short


def test_values_in_messages_are_cut():
    assert shown("a") == "'a'"
    assert shown("a" * 99) == f"'{'a' * 55}...'"
    assert shown(list(range(99)), 12) == "[0, 1, 2...]"


def test_a_data_error_without_the_folder():
    assert DataError("bad.", file="/srv/ada/a.csv", line=3).place_free == "a.csv:3: bad."
    assert DataError("bad.").place_free == "bad."


def test_nearest_ignores_case_and_is_short():
    assert nearest("BERT-BASE", ["bert-base", "roberta-base", "t5"])[0] == "bert-base"
    assert nearest("bert", ["Bert", "berta", "bertb", "bertc"], limit=2)[0] == "Bert"
    assert len(nearest("bert", ["berta", "bertb", "bertc"], limit=2)) == 2
    assert nearest("x", []) == []
