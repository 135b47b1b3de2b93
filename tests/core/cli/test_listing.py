"""``zoo tasks|models|datasets|plugins|info``: what they print, for people and for programs."""

from __future__ import annotations

import dataclasses
import io
import json
import sys
from types import ModuleType

import pytest
import typer
from typer.testing import CliRunner

from taskzoo import registry as public
from taskzoo.cli.datasets import datasets
from taskzoo.cli.info import info
from taskzoo.cli.models import models
from taskzoo.cli.output import print_table, settings, short_count
from taskzoo.cli.plugins import plugins
from taskzoo.cli.tasks import tasks
from taskzoo.errors import PluginError, RequestError, UnknownNameError
from taskzoo.registry import lookup
from taskzoo.registry.discovery import Candidate, discover
from taskzoo.registry.entries import short_list
from taskzoo.registry.hookspecs import hookimpl
from taskzoo.registry.layers import read_mapping
from taskzoo.registry.lookup import parse_count
from taskzoo.spec import Column, Extension, Option, TaskSpec

app = typer.Typer()
for command in (tasks, models, datasets, plugins, info):
    app.command()(command)

COLUMNS = {"tokens": Column("list of words", required=True), "tags": Column("a tag for each", target=True)}
SPEC = TaskSpec(
    id="ner",
    contract=2,
    entry_point="nowhere.task:Task",
    summary="Names in text",
    columns=COLUMNS,
    options={"scheme": Option("iob2", "how spans are tagged", choices=("iob2", "bioes"))},
    formats=("conll", "jsonl"),
    demo="taskzoo:registry",
    default_model="small",
    demo_model="scratch:bert-tiny",
)
LAYER = {
    "models": {
        "small": {
            "hub": "me/small",
            "package": {"distribution": "no-such-distribution", "path": "x/y"},
            "family": "bert",
            "kind": "encoder",
            "parameters": 22_700_000,
            "languages": ["en"],
            "license": "mit",
        },
        "large": {
            "path": "/no/such/folder",
            "family": "bert",
            "kind": "encoder",
            "parameters": 110_000_000,
            "languages": ["zh-cn", "en"],
            "tuned_for": ["sentiment"],
            "sentence_encoder": True,
        },
        "ner": {"hub": "me/ner", "family": "bert", "kind": "encoder", "languages": [], "gated": True},
    },
    "datasets": {
        "news": {
            "hub": "me/news",
            "tasks": ["ner"],
            "languages": ["zh"],
            "sizes": {"train": 1200},
            "columns": {"tokens": "words"},
        }
    },
    "recipes": [
        {
            "tasks": "ner",
            "match": {"family": "bert"},
            "set": {"learning_rate": 1e-4, "lora_dora": True},
            "note": "try it",
        }
    ],
}


@pytest.fixture(autouse=True)
def zoo(monkeypatch):
    """One good and one broken plugin, and the small catalogue above, in place of the installed ones."""
    module = ModuleType("good")
    module.taskzoo_register_tasks = hookimpl(lambda register: register(SPEC))
    module.taskzoo_register_methods = hookimpl(lambda register: register(Extension("mine", "m:C", "my method")))

    def bad() -> object:
        raise ImportError("no wings")

    candidates = [Candidate("ner", "taskzoo", "1.0", lambda: module), Candidate("bad", "taskzoo-bad", "2.0", bad)]
    monkeypatch.setattr(lookup._process, "_given", (discover(candidates, ()), [read_mapping(LAYER, "test layer")]))
    public.refresh()
    yield
    public.refresh()


def zoo_command(*words: str):
    result = CliRunner().invoke(app, words)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def printed(*words: str):
    return json.loads(zoo_command(*words, "--json").stdout)


def test_tasks():
    result = zoo_command("tasks")
    assert result.stdout.splitlines() == [
        "TASK  DEFAULT MODEL  SOURCE       SUMMARY",
        "ner   small          taskzoo 1.0  Names in text",
    ]
    assert "Failed to load: bad. `zoo plugins` says why." in result.stderr
    assert printed("tasks") == [
        {
            "name": "ner",
            "full_name": "taskzoo/ner",
            "summary": "Names in text",
            "plugin": "ner",
            "distribution": "taskzoo",
            "version": "1.0",
            "default_model": "small",
            "demo_model": "scratch:bert-tiny",
            "kinds": ["encoder", "decoder", "encoder-decoder"],
            "columns": json.loads(json.dumps({role: dataclasses.asdict(column) for role, column in COLUMNS.items()})),
            "formats": ["conll", "jsonl"],
            "demo": True,
        }
    ]


def test_plugins_show_what_they_bring_and_a_failure_and_exit_with_0():
    assert zoo_command("plugins").stdout.splitlines() == [
        "PLUGIN  STATUS  SOURCE           BRINGS                 NOTE",
        "ner     ok      taskzoo 1.0      task ner; method mine",
        "bad     FAILED  taskzoo-bad 2.0  -                      ImportError: no wings",
    ]
    good, bad = printed("plugins")
    assert (good["tasks"], good["methods"], good["recipes"], bad["tasks"]) == (["ner"], ["mine"], 0, [])
    assert good.keys() == bad.keys()


def test_plugins_show_what_a_catalogue_brings_and_replaces(monkeypatch):
    module = ModuleType("evil")
    small = {**LAYER["models"]["small"], "replace": True}
    recipes = [{"tasks": "ner", "set": {"epochs": n}, "replace": True} for n in (1, 2)]
    silent = {"news": LAYER["datasets"]["news"], "own": LAYER["datasets"]["news"]}
    module.taskzoo_register_catalogue = hookimpl(
        lambda add: add({"models": {"small": small}, "datasets": silent, "recipes": recipes})
    )
    found = discover([Candidate("evil", "taskzoo-evil", "1.0", lambda: module)], ())
    monkeypatch.setattr(lookup._process, "_given", (found, [read_mapping(LAYER, "built in")]))
    public.refresh()
    line = zoo_command("plugins").stdout.splitlines()[1]
    assert "model small; data set own; 2 recipes" in line
    assert "replaces models.small (built in), recipe plugin evil: ner (version 1)" in line
    assert "its datasets.news is left out: the built-in catalogue has a data set 'news'; write `replace: true`" in line


def test_models_in_a_table():
    lines = zoo_command("models").stdout.splitlines()
    assert " ".join(lines[0].split()) == "MODEL FAMILY KIND SIZE LANGUAGES LICENCE TUNED FOR LOCAL"
    assert " ".join(lines[1].split()) == "small bert encoder 22.7M en mit - -"
    assert len(lines) == 4


def test_a_table_of_several_origins_says_which(monkeypatch):
    mine = read_mapping({"models": {"mine": LAYER["models"]["small"]}}, "my/registry.yaml")
    monkeypatch.setattr(lookup._process, "_given", (lookup._process._given[0], [read_mapping(LAYER, "built in"), mine]))
    public.refresh()
    lines = zoo_command("models").stdout.splitlines()
    assert lines[0].endswith("LOCAL  SOURCE")
    assert [line.endswith("my/registry.yaml") for line in lines] == [False, False, False, False, True]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("", ["small", "large", "ner"]),
        ("--task ner", ["small", "ner"]),
        ("--language zh", ["large"]),
        ("--language 中文", ["large"]),
        ("--family bert --kind encoder --max-params 50M", ["small"]),
        ("--license mit", ["small"]),
        ("--text large", ["large"]),
        ("--license gpl", []),
        ("--max-params 50M --unknown-size", ["small", "ner"]),
        ("--sentence-encoder --language zh --not-gated", ["large"]),
        ("--no-sentence-encoder", ["small", "ner"]),
        ("--gated", ["ner"]),
    ],
)
def test_models_with_conditions(words, names):
    assert [entry["name"] for entry in printed("models", *words.split())] == names


def test_a_model_as_json_has_every_key():
    small, large, _ = printed("models")
    assert small.keys() == large.keys()
    assert small["available"] is False
    assert small["origin"] == "test layer"
    assert large["license"] is None


def test_models_of_unknown_size_are_named():
    result = zoo_command("models", "--max-params", "50M")
    assert len(result.stdout.splitlines()) == 2
    assert "1 model of unknown size is left out (ner); " in result.stderr
    assert "unknown size" in zoo_command("models", "--max-params", "50M", "--json").stderr
    lines = zoo_command("models", "--max-params", "50M", "--unknown-size").stdout.splitlines()
    assert " ".join(lines[-1].split()).startswith("ner bert encoder unknown")


def test_the_schema_takes_no_name():
    assert json.loads(zoo_command("info", "--schema").stdout)["properties"]["version"]["const"] == 2
    with pytest.raises(RequestError, match="`zoo info --schema` takes none"):
        zoo_command("info")


def test_nothing_found_is_said_on_stderr():
    result = zoo_command("models", "--license", "gpl")
    assert (result.stdout, "No model meets" in result.stderr) == ("", True)
    assert "No data set meets" in zoo_command("datasets", "--language", "sw").stderr


def test_bad_conditions_are_errors():
    with pytest.raises(UnknownNameError, match="Did you mean 'ner'"):
        zoo_command("models", "--task", "nerr")
    with pytest.raises(RequestError, match="'many' is not a number of parameters"):
        zoo_command("models", "--max-params", "many")
    with pytest.raises(UnknownNameError, match="no family of models named 'bret'"):
        zoo_command("models", "--family", "bret")
    with pytest.raises(UnknownNameError, match="no language named 'xx'"):
        zoo_command("datasets", "--language", "xx")


def test_datasets():
    lines = zoo_command("datasets", "--task", "ner").stdout.splitlines()
    assert " ".join(lines[1].split()) == "news ner zh 1.2k -"
    assert printed("datasets")[0]["columns"] == {"tokens": "words"}


def test_info_of_a_task_and_a_model_of_one_name():
    shown = zoo_command("info", "ner").stdout
    for part in (
        "source          taskzoo 1.0 (plugin ner)",
        "default model   small",
        "demo model      scratch:bert-tiny",
        "tokens  required  list of words",
        "tags    target    a tag for each",
        "scheme  iob2     how spans are tagged (iob2, bioes)",
        "family=bert  learning_rate=0.0001 lora_dora=true  test layer",
        "family=bert  try it",
        "model           ner",
        "tasks           ner",
    ):
        assert part in shown
    assert "learning_rate 5e-05" in " ".join(shown.split())
    task, model = printed("info", "ner")
    assert (task["type"], model["type"]) == ("task", "model")
    assert task["options"]["scheme"]["default"] == "iob2"
    assert task["recipes"][0]["set"] == {"learning_rate": 1e-4, "lora_dora": True}
    assert printed("info", "taskzoo/ner") == [task]


def test_info_of_models_and_data_sets():
    shown = zoo_command("info", "small").stdout
    assert "local           no; `pip install no-such-distribution` installs it, or it is downloaded from" in shown
    assert "parameters      22,700,000" in shown
    assert "recipe for ner  learning_rate=0.0001 lora_dora=true" in shown
    assert "source          test layer" in shown
    assert "no; /no/such/folder does not exist" in zoo_command("info", "large").stdout
    assert "columns    tokens from 'words'" in zoo_command("info", "news").stdout
    assert printed("info", "news")[0]["type"] == "dataset"


def test_info_of_a_task_in_a_file(tmp_path):
    file = tmp_path / "task.py"
    file.write_text(
        "from taskzoo import Task, TaskSpec\n"
        "class Mine(Task):\n    spec = TaskSpec(id='mine', contract=2, summary='all mine')\n"
    )
    shown = zoo_command("info", f"{file}:Mine").stdout
    assert "source          a file without a package" in shown
    assert "summary         all mine" in shown


def test_info_of_what_is_not_there():
    with pytest.raises(UnknownNameError, match=r"no task, model or data set named 'smal'\. Did you mean 'small'"):
        zoo_command("info", "smal")
    with pytest.raises(PluginError, match="no wings"):
        zoo_command("info", "bad")


@pytest.mark.parametrize(
    ("text", "count"), [("50M", 50_000_000), ("1.5b", 1_500_000_000), ("300k", 300_000), ("50_000", 50_000), (" 7 ", 7)]
)
def test_numbers_of_parameters(text, count):
    assert parse_count(text) == count


@pytest.mark.parametrize("text", ["", "M", "-5M", "0", "nan", "inf", "5MM"])
def test_not_numbers_of_parameters(text):
    with pytest.raises(RequestError, match="write it like 50M"):
        parse_count(text)


def test_small_helpers():
    assert [short_count(n) for n in (None, 999, 1500, 22_713_216, 3 * 10**9)] == ["", "999", "1.5k", "22.7M", "3B"]
    assert short_list(list("abcde")) == "a b c d e"
    assert short_list(list("abcdef")) == "a b c d +2"
    assert settings({"a": "x", "b": False, "c": [1]}) == "a=x b=false c=[1]"


def test_a_terminal_gets_a_table_without_markup_surprises(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdout", terminal)
    print_table(["model"], [["a [bold]name[/bold]"]])
    assert "a [bold]name[/bold]" in terminal.getvalue()
