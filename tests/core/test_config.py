"""Settings: their types, ranges and names, and the file that repeats a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskzoo.config import (
    TRAINING_FIELDS,
    DataConfig,
    RunConfig,
    Training,
    make_training,
    parse_assignments,
    parse_columns,
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


def test_assignments():
    words = ["learning_rate=3e-4", "lora_dora=true", "batch-size=8", "freeze=", "targets=a=b", "x=[1"]
    assert parse_assignments(words) == {
        "learning_rate": "3e-4",
        "lora_dora": True,
        "batch_size": 8,
        "freeze": "",
        "targets": "a=b",
        "x": "[1",
    }
    for word in ("lora_dora", "=3"):
        with pytest.raises(RequestError, match="name=value"):
            parse_assignments([word])


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
        ({"lora_dora": "yes"}, "must be of type bool"),
        ({"lora_dora": 1}, "must be of type bool"),
        ({"epochs": float("inf")}, "not a finite number"),
        ({"epochs": float("nan")}, "must be at least 0"),
        ({"learning_rate": "nan"}, "must be at least 0"),
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
