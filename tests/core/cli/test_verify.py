"""``zoo plugins --verify``: everything that a plugin names is imported and made, and what fails is named."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.core.runs.kit import Result, zoo

from taskzoo import registry

MODULE = """
import typer
from taskzoo import Callback, Column, Extension, TaskSpec, hookimpl
from taskzoo.data.readers import Reader
from taskzoo.heads.text_options import TEXT_COLUMNS, TEXT_OPTIONS
from taskzoo.heads.text_task import TextTask
from taskzoo.methods.base import Method
from taskzoo.methods.full import Full

print("imported")


class Whole(TextTask):
    pass


class Picky(TextTask):
    def __init__(self, options):
        raise ValueError("no such thing as a default")


class Strict(TextTask):
    def prepare(self, rows, split):
        raise SystemExit(f"{split} refused")


class Own(Full):
    name = "own"


class Misnamed(Full):
    pass


class Half(Method):
    name = "half"


class Lines(Reader):
    name = "two-lines"
    def __init__(self, path):
        self.path = path
    def read(self, path, request):
        return []


class Quiet(Callback):
    pass


def count(path: str) -> None:
    "Count."


def mixed(path: int | str) -> None:
    "Typer knows no option of this type."


SPEC = dict(contract=2, summary="a task", columns=TEXT_COLUMNS, options=TEXT_OPTIONS)


@hookimpl
def taskzoo_register_tasks(register):
    for name, more in TASKS.items():
        register(TaskSpec(id=name.lower(), entry_point=f"{__name__}:{name}", **SPEC, **more))


@hookimpl
def taskzoo_register_methods(register):
    for name, place in METHODS.items():
        register(Extension(name, f"{__name__}:{place}"))


@hookimpl
def taskzoo_register_readers(register):
    for name in READERS:
        register(Extension(name, f"{__name__}:Lines"))


@hookimpl
def taskzoo_register_commands(register):
    for name in COMMANDS:
        register(Extension(name, f"{__name__}:{name}"))


@hookimpl
def taskzoo_register_callbacks(register):
    register(Extension("quiet", f"{__name__}:Quiet"))
"""
GOOD = (
    'TASKS = {"Whole": {"demo": "taskzoo_sentiment:demo"}}\n'
    'TASKS["Whole"].update(default_model="scratch:own", scratch_models=("own",))\n'
    'METHODS, READERS, COMMANDS = {"own": "Own"}, [], ["count"]\n'
)
BAD = (
    'TASKS = {"Gone": {}, "Picky": {}, "Strict": {"demo": "taskzoo_sentiment:demo"}}\n'
    'TASKS["Whole"] = {"default_model": "nope"}\n'
    'METHODS, READERS, COMMANDS = {"other": "Misnamed", "half": "Half"}, ["two-lines"], ["mixed"]\n'
)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """A function that installs a plugin ``taskzoo-NAME 1.5`` with this code for the time of the test."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def install(name: str, code: str) -> None:
        (tmp_path / f"verified_{name}.py").write_text(code)
        info = tmp_path / f"taskzoo_{name}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: taskzoo-{name}\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text(f"[taskzoo]\n{name} = verified_{name}\n")
        importlib.invalidate_caches()
        registry.refresh()

    yield install
    monkeypatch.undo()
    for name in [name for name in sys.modules if name.startswith("verified_")]:
        del sys.modules[name]
    registry.refresh()


def verified(*words: str) -> tuple[Result, dict[str, Any]]:
    """What the command says of each thing as JSON, by its name."""
    result = zoo("plugins", *words, "--verify", "--json")
    return result, {verdict["name"]: verdict for verdict in result.json}


def test_a_plugin_whose_parts_all_work(install: Callable[[str, str], None]) -> None:
    install("good", MODULE + GOOD)
    assert zoo("plugins", "Taskzoo.Good", "--verify").out.splitlines() == [
        "ok        task whole of taskzoo-good 1.5",
        "ok        method own of taskzoo-good 1.5",
        "ok        command count of taskzoo-good 1.5",
        "ok        callback quiet of taskzoo-good 1.5",
        "4 of 4 tasks, methods, formats, commands and callbacks can be used.",
    ]


def test_each_part_that_fails_is_named_with_its_distribution_and_the_reason(
    install: Callable[[str, str], None],
) -> None:
    install("bad", MODULE + BAD)
    install("broken", "import a_module_that_is_not_there")
    result, found = verified("bad", "broken")
    assert result.code == 1
    assert {name for name, verdict in found.items() if verdict["status"] == "ok"} == {"quiet"}
    assert {(verdict["distribution"], verdict["version"]) for verdict in found.values()} == {
        ("taskzoo-bad", "1.5"),
        ("taskzoo-broken", "1.5"),
    }
    for name, reason in {
        "gone": "module 'verified_bad' has no attribute 'Gone'",
        "picky": "ValueError: no such thing as a default",
        "strict": "SystemExit: train refused",
        "whole": "default_model: There is no model named 'nope'.",
        "other": "Misnamed.name is 'full', and it is registered as 'other'.",
        "half": "Half lacks train.",
        "two-lines": "Lines() cannot be made without arguments: missing a required argument: 'path'.",
        "mixed": "Typer currently doesn't support Union types",
        "broken": "ModuleNotFoundError: No module named 'a_module_that_is_not_there'",
    }.items():
        assert reason in found[name]["reason"], name
    lines = zoo("plugins", "broken", "--verify").out.splitlines()
    assert lines[0].startswith("FAILED    plugin broken of taskzoo-broken 1.5: ModuleNotFoundError")
    assert lines[-1].startswith("0 of 1 ")


def test_a_disabled_plugin_is_no_failure(install: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    install("good", MODULE + GOOD)
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "good")
    registry.refresh()
    result, found = verified("good")
    assert (result.code, found["good"]["status"]) == (0, "disabled")


def test_plugins_are_chosen_by_name() -> None:
    listed = zoo("plugins", "ner", "translation", "--json").json
    assert [plugin["name"] for plugin in listed] == ["ner", "translation"]
    unknown = zoo("plugins", "nor")
    assert (unknown.code, unknown.err) == (
        2,
        "zoo: There is no plugin named 'nor'. Did you mean 'ner'? `zoo plugins` lists all.\n",
    )


@pytest.mark.slow
def test_all_that_taskzoo_brings_can_be_used() -> None:
    result, found = verified("taskzoo")
    assert result.code == 0, result.out
    assert len(found) > 60
