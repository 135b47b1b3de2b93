"""The command itself: help, completion, commands of plugins and crashes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import pytest
import typer
from tests.core.runs.kit import zoo

from taskzoo import cli, registry
from taskzoo.errors import UnknownNameError


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_the_command_alone_prints_its_help(words: list[str]) -> None:
    result = zoo(*words)
    assert (result.code, result.err) == (0, "")
    for name in ("run", "inspect", "doctor", "learning-curve", "--install-completion"):
        assert f"  {name} " in result.out
    assert "zoo plugins" in result.out


def test_help_imports_no_plugin_and_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "commands", None, raising=False)
    monkeypatch.setattr("taskzoo.registry.discovery.discover", None)
    assert zoo("--help").code == 0


@pytest.mark.parametrize("name", cli.built_in())
def test_every_command_has_help_by_both_words(name: str) -> None:
    short, long = zoo(name, "-h"), zoo(name, "--help")
    assert short.code == 0
    assert short.out == long.out
    assert f"zoo {name}" in short.out


def greet(name: Annotated[str, typer.Argument()], loud: bool = False) -> None:
    """Say hello."""
    if name == "nobody":
        raise KeyError(name)
    print(f"hello {name}" + "!" * loud)


@pytest.fixture
def greeting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin with the command ``greet``."""

    def command(name: str) -> Any:
        if name != "greet":
            raise UnknownNameError("command", name, ["greet"])
        return greet

    monkeypatch.setattr(registry, "command", command, raising=False)


def test_a_command_of_a_plugin(greeting: None) -> None:
    assert zoo("greet", "Ada", "--loud").out == "hello Ada!\n"
    assert "Say hello." in zoo("greet", "-h").out
    result = zoo("greet")
    assert (result.code, result.err) == (2, "zoo: Missing argument 'name'.\n")


def test_a_command_that_nobody_has() -> None:
    result = zoo("lern")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("zoo: There is no command named 'lern'.")
    assert zoo("rnu").err.startswith("zoo: There is no command named 'rnu'. Did you mean 'run'?")


def test_a_crash_is_one_line_and_says_where_to_look(greeting: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZOO_TRACEBACK", raising=False)
    result = zoo("greet", "nobody")
    assert result.code == 1
    assert result.err.splitlines() == [result.err.rstrip("\n")]
    assert "KeyError: 'nobody'" in result.err
    assert "ZOO_TRACEBACK=1" in result.err
    monkeypatch.setenv("ZOO_TRACEBACK", "1")
    with pytest.raises(KeyError):
        zoo("greet", "nobody")


def leave(code: object) -> NoReturn:
    """As a module of others may do, which takes itself for the program."""
    sys.exit(code)  # type: ignore[arg-type]


@pytest.mark.parametrize(("asked", "code"), [(None, 1), (0, 1), (3, 3), ("done", 1)])
def test_code_of_others_that_exits_inside_a_command_is_said(
    monkeypatch: pytest.MonkeyPatch, asked: object, code: int
) -> None:
    monkeypatch.setattr(registry, "tasks", lambda *_: leave(asked), raising=False)
    result = zoo("tasks")
    assert (result.code, result.out) == (code, "")
    line = leave.__code__.co_firstlineno + 2
    assert result.err.startswith(f"zoo: {__file__}:{line} ended this command before it was done (SystemExit")
    assert result.err.endswith("; whoever wrote that file should raise an error there instead.\n")


@pytest.mark.parametrize(("end", "code"), [(0, 0), (3, 3)])
def test_a_command_of_a_plugin_may_exit(monkeypatch: pytest.MonkeyPatch, end: int, code: int) -> None:
    monkeypatch.setattr(registry, "command", lambda name: lambda: leave(end), raising=False)
    result = zoo("greet")
    assert (result.code, result.err) == (code, "")


def test_a_shell_completes_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_ZOO_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "zoo ins")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert zoo().out == "inspect\n"


def test_a_catalogue_named_on_the_command_line_takes_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKZOO_REGISTRY", "")  # what the option sets is undone with it
    file = tmp_path / "mine.yaml"
    file.write_text("version: 2\nmodels:\n  mine: {hub: a/b, family: bert, kind: encoder, languages: [en]}\n")
    registry.refresh()
    assert "mine" in zoo("--registry", str(file), "models", "--task", "ner").out
    registry.refresh()
    refused = zoo("--registry", str(tmp_path / "none.yaml"), "models")
    assert (refused.code, refused.out) == (2, "")
    assert "this catalogue cannot be read (No such file or directory)" in refused.err
    monkeypatch.undo()
    registry.refresh()
