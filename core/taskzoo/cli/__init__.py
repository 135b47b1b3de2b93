"""The command ``zoo``. Each command has a file of its own; they parse and print, nothing else."""

from __future__ import annotations

import importlib
import os
import re
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from taskzoo.blame import describe
from taskzoo.engine.launched import rank
from taskzoo.errors import Interrupted, TaskZooError, UnknownNameError
from taskzoo.escapes import visible
from taskzoo.faults import machine_fault
from taskzoo.option_names import on_command_line
from taskzoo.spec import Extension

TRACEBACK_VARIABLE = "ZOO_TRACEBACK"
_ASSIGNMENT = re.compile(r"[A-Za-z_][\w-]*=")
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


@cache
def built_in() -> dict[str, Extension]:
    """The commands of the core by name; listing them imports none."""
    from taskzoo import builtin

    found: list[Extension] = []
    builtin.taskzoo_register_commands(found.append)
    return {command.name: command for command in found}


class Commands(TyperGroup):
    """The commands of the core, and behind them those of plugins, which are looked up by name only."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(built_in())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now.

        Raises:
            UnknownNameError: neither the core nor a plugin has it, with the nearest.
            PluginError: the plugin's command cannot be imported.
        """
        if cmd_name in built_in():
            module, _, name = built_in()[cmd_name].entry_point.partition(":")
            return as_command(cmd_name, getattr(importlib.import_module(module), name))
        from taskzoo import registry

        try:
            return as_command(cmd_name, registry.command(cmd_name))
        except UnknownNameError:
            known = [entry.name for entry in registry.commands()]
            raise UnknownNameError("command", cmd_name, known, "`zoo --help` lists them.") from None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(command.name, command.summary) for command in built_in().values()])


def as_command(name: str, found: Any) -> Any:
    """What a command line is parsed by, of a function or a whole Typer application."""
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        single.command(name)(found)
        found = single
    return typer.main.get_command(found)


app = typer.Typer(
    name="zoo",
    cls=Commands,
    help="Turn a pretrained transformer into a working text model.",
    epilog="Start with: zoo run ner. Plugins may add commands; `zoo plugins` lists them.",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _main(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
    registry: str | None = typer.Option(None, help="A registry.yaml with models, data sets and recipes of yours."),
) -> None:
    if registry is not None:
        from taskzoo.registry.catalogue import FILE_VARIABLE

        os.environ[FILE_VARIABLE] = registry
    if version:
        from taskzoo import __version__

        print(f"taskzoo {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def main() -> None:
    """Run the command line; a mistake in the request is one line on stderr and exit code 2."""
    try:
        with on_command_line():
            code = app(one_set_each(sys.argv[1:]), prog_name="zoo", standalone_mode=False)
        sys.stdout.flush()  # a full disk or a reader that is gone is to be known here
    except _UsageError as error:
        message = getattr(error, "format_message", error.__str__)()
        _fail(" ".join(message.split()), 2)
    except TaskZooError as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        if isinstance(error, Interrupted) and rank():
            sys.exit(error.exit_code)  # the first process says it
        _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped.", 130)
    except BrokenPipeError:
        _drop_output()
        sys.exit(1)
    except SystemExit as error:
        if not (place := _exit_of_a_stranger(error)):
            raise
        what = f"{place} ended this command before it was done ({describe(error)})"
        code = error.code if isinstance(error.code, int) and error.code else 1
        _fail(f"{what}; whoever wrote that file should raise an error there instead.", code)
    except Exception as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        if fault := machine_fault(error):
            _fail(f"{fault[0].upper()}{fault[1:]}.", 1)
        # a fault of ours, or of a plugin where nothing catches it
        what = describe(error)
        _fail(f"This should not have happened: {what} Set {TRACEBACK_VARIABLE}=1 to see where, and report it.", 1)
    sys.exit(code if isinstance(code, int) else 0)


def _exit_of_a_stranger(error: SystemExit) -> str:
    """The line that exits, if it is of neither the command that was asked for, which may be a plugin's, nor Typer."""
    calls = list(traceback.walk_tb(error.__traceback__))
    owners = [str(frame.f_globals.get("__name__")).partition(".")[0] for frame, _ in calls]
    command = len(owners) - owners[::-1].index("typer") if "typer" in owners else 0
    if owners[-1] in ("taskzoo", "typer") or owners[command] != "taskzoo":
        return ""
    frame, line = calls[-1]
    return f"{frame.f_code.co_filename}:{line}"


def one_set_each(words: Sequence[str]) -> list[str]:
    """``--set a=1 b=2`` as ``--set a=1 --set b=2``.

    Only words of the form name=value that stand directly behind a value of ``--set`` are taken, and none of a command
    that takes texts, since any of them may be one.
    """
    others = (word for i, word in enumerate(words) if word[:1] != "-" and (not i or words[i - 1] != "--registry"))
    if next(others, None) == "predict":
        return list(words)
    spread: list[str] = []
    inside = False  # directly behind a value of --set
    for place, word in enumerate(words):
        if word == "--":
            return [*spread, *words[place:]]
        more = inside and _ASSIGNMENT.match(word) is not None
        spread += ["--set", word] if more else [word]
        value = place > 0 and words[place - 1] == "--set"
        inside = not word.startswith("-") if value else more or word.startswith("--set=")
    return spread


def _fail(message: str, code: int) -> NoReturn:
    with suppress(OSError):  # nobody reads it
        print(f"zoo: {visible(message)}", file=sys.stderr, flush=True)
    _drop_output()
    sys.exit(code)


def _drop_output() -> None:
    """What could not be written is dropped, or the interpreter would try again at its end, and complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
