"""Settings: their types, ranges and names, and the file that repeats a run."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskzoo.config import (
    TRAINING_FIELDS,
    DataConfig,
    RunConfig,
    Training,
    make_training,
    parse_assignments,
    parse_columns,
    parse_minutes,
    read_config,
    split_settings,
    write_config,
)
from taskzoo.errors import DataError, RequestError, UnknownNameError
from taskzoo.methods.full import Full
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request
from taskzoo.spec import Option, TaskSpec

SPEC = TaskSpec(id="ner", contract=2, entry_point="x:Y", options={"head": Option("linear", "")})


def resolve(task=None, *, data=None, **request):
    return resolve_request(RunRequest(task, data=data or DataRequest(), **request)).config


def test_assignments_are_text():
    words = ["learning_rate=3e-4", "batch-size=8", "freeze=", "targets=a=b", "x=[1", "prefix=say: ", "language=no"]
    assert parse_assignments(words) == {
        "learning_rate": "3e-4",
        "batch_size": "8",
        "freeze": "",
        "targets": "a=b",
        "x": "[1",
        "prefix": "say: ",
        "language": "no",
    }
    for word in ("lora_dora", "=3"):
        with pytest.raises(RequestError, match="name=value"):
            parse_assignments([word])


TYPED = TaskSpec(
    id="typed",
    contract=2,
    options={
        "text": Option("", ""),
        "flag": Option(False, ""),
        "count": Option(1, ""),
        "rate": Option(0.5, ""),
        "any": Option(None, ""),
        "least": Option(None, "", minimum=0),
        "way": Option(None, "", choices=(None, "none", True, 3)),
    },
)


def resolved(name, word):
    return TYPED.resolve_options(parse_assignments([f"{name}={word}"]))[name]


@pytest.mark.parametrize(
    "text", ["|", ">", "#", "no", "~", "- ", "null", "1", "1e3", "0x10", "12:30", "[a", '"q"', "!x"]
)
def test_text_is_text(text):
    assert resolved("text", text) == resolved("any", text) == text
    assert resolved("text", f"say{text} ") == f"say{text} "


@given(st.text(st.characters(exclude_categories=["Cs"])))
@settings(max_examples=50, deadline=None)
def test_any_text_is_text(text):
    assert resolved("text", text) == text
    with suppress(RequestError):
        assert type(resolved("count", text)) is int
    with suppress(RequestError):
        assert type(resolved("rate", text)) is float
    with suppress(RequestError):
        assert type(resolved("flag", text)) is bool


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=25, deadline=None)
def test_numbers_are_read_as_they_are_shown(whole, number):
    assert resolved("count", whole) == whole
    assert resolved("rate", number) == number
    assert resolved("rate", whole) == float(whole)


@pytest.mark.parametrize(
    ("name", "word", "value"),
    [
        *[("flag", word, True) for word in ("true", "True", "yes", "on", "1")],
        *[("flag", word, False) for word in ("false", "NO", "off", "0")],
        ("count", " 8 ", 8),
        ("rate", "3e-4", 3e-4),
        ("least", "3", 3),
        ("least", "0.5", 0.5),
        ("least", "none", None),
        ("way", "true", True),
        ("way", "3", 3),
        ("way", "none", "none"),
        ("way", "null", None),
    ],
)
def test_words_are_read_by_the_type_of_the_option(name, word, value):
    found = resolved(name, word)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "word", "said"),
    [
        ("flag", "maybe", "'maybe' is neither true nor false"),
        ("flag", "", "neither true nor false"),
        ("count", "1.5", "'1.5' is not a whole number"),
        ("count", "", "'' is not a whole number"),
        ("rate", "1,5", "'1,5' is not a number"),
        ("rate", "nan", "rate=nan is not a finite number"),
        ("least", "-1", "must be at least 0"),
        ("least", "few", "'few' is not a number"),
        ("way", "other", "not one of None, none, True, 3"),
    ],
)
def test_words_that_cannot_be_read(name, word, said):
    with pytest.raises(RequestError, match=said):
        resolved(name, word)


def test_zero_as_a_word_is_zero():
    """A word is never taken for a number that is there."""
    training = resolve("ner", settings=parse_assignments(["batch_size=4", "batch_tokens=0"])).training
    assert (training.batch_size, training.batch_tokens) == (4, 0)


def test_a_truth_value_for_text_says_what_to_write(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("task: translation\noptions: {target_lang: no}\n")
    with pytest.raises(RequestError, match=r'write text in quotes: target_lang: "\.\.\."'):
        resolve(config=file)
    file.write_text("task: translation\noptions: {target_lang: 'no'}\n")
    assert resolve(config=file).options["target_lang"] == "no"


@pytest.mark.parametrize(("text", "minutes"), [("10m", 10), ("90s", 1.5), ("1.5h", 90), ("7", 7), (" 2 M ", 2)])
def test_minutes(text, minutes):
    assert parse_minutes(text) == minutes


@pytest.mark.parametrize("text", ["", "m", "ten", "0m", "-1m", "nan", "inf", "10 days"])
def test_what_is_no_time(text):
    with pytest.raises(RequestError, match=r"is not a time; write it like 10m, 90s or 1\.5h\."):
        parse_minutes(text)


def test_columns():
    assert parse_columns("label=0, text=2,") == {"label": "0", "text": "2"}
    assert parse_columns("") == {}
    for text in ("label", "label=", "=0"):
        with pytest.raises(RequestError, match="role=column"):
            parse_columns(text)


def test_settings_of_engine_and_task_are_told_apart():
    assert split_settings({"epochs": 1, "head": "crf"}, SPEC) == ({"epochs": 1}, {"head": "crf"})
    with pytest.raises(UnknownNameError, match=r"'epohcs'.*'epochs'"):
        split_settings({"epohcs": 1}, SPEC)
    with pytest.raises(UnknownNameError, match=r"'haed'.*'head'"):
        split_settings({"haed": 1}, SPEC)


def test_values_get_the_type_of_their_default():
    training = make_training({"learning_rate": "3e-4", "epochs": 2, "freeze": 3, "lora_dora": True})
    assert (training.learning_rate, training.epochs, training.freeze, training.lora_dora) == (3e-4, 2.0, "3", True)
    assert type(training.epochs) is float


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": None}, "must be of type float"),
        ({"epochs": True}, "must be of type float"),
        ({"seed": 1.5}, "must be of type int"),
        ({"lora_dora": "maybe"}, "neither true nor false"),
        ({"lora_dora": 1}, "must be of type bool"),
        ({"epochs": float("inf")}, "not a finite number"),
        ({"epochs": float("nan")}, "not a finite number"),
        ({"learning_rate": "nan"}, "not a finite number"),
        ({"adam_beta2": 1}, "must be below 1"),
        ({"seed": 2**63}, "must be below 9223372036854775808"),
        ({"pretrained_share": 1.5}, "pretrained_share=1.5 must be at most 1"),
        ({"lora": True}, "Did you mean"),
        ({"schedule": "linaer"}, "not one of linear"),
        ({"epoch": 1}, "Did you mean 'epochs'"),
    ],
)
def test_values_that_cannot_be_used(values, message):
    with pytest.raises(RequestError, match=message):
        make_training(values)


def test_defaults_are_valid_and_explained():
    values = {name: info.default for name, info in TRAINING_FIELDS.items()}
    assert make_training(values) == Training()
    assert all(info.metadata["help"] for info in TRAINING_FIELDS.values())


def test_a_written_configuration_reads_back(tmp_path):
    training = make_training({"learning_rate": 3e-5, "adam_epsilon": 1e-8, "lora_dora": True, "freeze": "2"})
    data = DataConfig(train="träin.csv", columns={"text": "2"})
    config = RunConfig("taskzoo/ner", "bert", data, {"head": "crf", "max_length": 128}, training, ["history"])
    write_config(config, tmp_path / "config.yaml")
    loaded = read_config(tmp_path / "config.yaml")
    assert loaded == config.to_dict()
    assert RunConfig.from_dict(loaded) == config
    assert "träin.csv" in (tmp_path / "config.yaml").read_text(encoding="utf-8")


def test_defaults_recipe_file_and_arguments(tmp_path):
    """Later ones win; nobody touches what is not named."""
    file = tmp_path / "config.yaml"
    file.write_text("task: ner\nmodel: bert-base\ntraining: {epochs: 9, batch_size: 4}\noptions: {head: crf}\n")
    config = resolve(config=file, settings={"batch_size": 6}, data=DataRequest(train="x"))
    assert (config.training.epochs, config.training.batch_size, config.options["head"]) == (9.0, 6, "crf")
    assert (config.model, config.data) == ("bert-base", DataConfig(train=str(Path("x").absolute())))
    config = resolve("ner", settings={"head": "linear"}, config=file, model="minilm")
    assert (config.model, config.options["head"]) == ("minilm", "linear")


def test_a_number_of_examples_undoes_a_number_of_tokens(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("task: ner\ntraining: {batch_size: 32, batch_tokens: 4096}\n")

    def batch(**settings):
        training = resolve(config=file, settings=settings).training
        return training.batch_size, training.batch_tokens

    assert batch() == (32, 4096)
    assert batch(batch_size=8) == (8, 0)
    assert batch(batch_tokens=100) == (32, 100)
    with pytest.raises(RequestError, match="batch_size=8 and batch_tokens=100 exclude each other"):
        batch(batch_size=8, batch_tokens=100)
    assert "batch of 4096 tokens" in Full().describe(make_training({"batch_tokens": 4096}))
    assert "batch 8" in Full().describe(make_training({"batch_size": 8}))


def test_a_number_of_epochs_undoes_a_least_number_of_steps(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("task: ner\ntraining: {epochs: 3, min_steps: 200}\n")

    def length(**settings):
        training = resolve(config=file, settings=settings).training
        return training.epochs, training.min_steps

    assert length() == (3, 200)
    assert length(epochs=5) == (5, 0)
    assert length(epochs=5, min_steps=10) == (5, 10)
    assert "3 epochs, at least 200 steps" in Full().describe(make_training({"epochs": 3, "min_steps": 200}))
    assert "7 steps," in Full().describe(make_training({"max_steps": 7, "min_steps": 200}))


def test_data_named_in_arguments_replace_those_of_the_file(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("task: ner\ndata: {train: /a, test: /b, columns: {tokens: 0}, format: conll}\n")
    config = resolve(config=file)
    assert config.data == DataConfig(train="/a", test="/b", columns={"tokens": "0"}, format="conll")
    config = resolve(config=file, data=DataRequest(train="/c"))
    assert config.data == DataConfig(train="/c", columns={"tokens": "0"}, format="conll")


def test_no_data_is_the_demo_set():
    assert resolve("ner").data == DataConfig(name="demo")


def test_a_file_with_columns_as_text_is_refused(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("task: ner\ndata: {columns: tokens=0}\n")
    with pytest.raises(DataError, match="must be a mapping"):
        read_config(file)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("data: {train: [1, 2]}", "`data: train` must be a list of texts, and has 1"),
        ("options: {1: 2}", "`options` has the key 1, and keys are names"),
    ],
)
def test_a_file_with_a_number_in_place_of_a_name_is_refused(tmp_path, written, said):
    file = tmp_path / "config.yaml"
    file.write_text(f"task: ner\n{written}\n")
    with pytest.raises(DataError, match=re.escape(said)):
        read_config(file)


def test_an_empty_file_of_sections_is_fine(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("task: ner\ntraining:\ndata:\noptions:\n")
    assert read_config(file)["task"] == "ner"
    assert resolve(config=file).training == resolve("ner").training


def test_callbacks_are_named_in_a_list(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("task: ner\ntrack: history\n")
    with pytest.raises(DataError, match="`track` must be a list"):
        read_config(file)
    file.write_text("task: ner\ntrack: [history]\n")
    assert resolve(config=file).track == ["history"]
    assert resolve(config=file, track=[]).track == []
    with pytest.raises(UnknownNameError, match="no callback named 'wandbb'"):
        resolve("ner", track=["wandbb"])
