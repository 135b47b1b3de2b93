"""The command ``zoo``. Each command has a file of its own; they parse and print, nothing else."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

import typer

from taskzoo.errors import TaskZooError

from .check import check
from .datasets import datasets
from .doctor import doctor
from .evaluate import evaluate
from .info import info
from .learning_curve import learning_curve
from .models import models
from .new import new
from .plugins import plugins
from .predict import predict
from .resume import resume
from .run import run
from .tasks import tasks

app = typer.Typer(
    name="zoo",
    help="Turn a pretrained transformer into a working text model.",
    epilog="Start with: zoo run ner",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(run)
app.command()(resume)
app.command("eval")(evaluate)
app.command()(predict)
app.command()(tasks)
app.command()(models)
app.command()(datasets)
app.command()(plugins)
app.command()(info)
app.command()(doctor)
app.command("learning-curve")(learning_curve)
app.command()(check)
app.command()(new)

_ASSIGNMENT = re.compile(r"[A-Za-z_][\w-]*=")
_UsageError: type[Exception] = typer.BadParameter.__mro__[1]


@app.callback(invoke_without_command=True)
def _main(version: bool = typer.Option(False, "--version", help="Show the version and exit.")) -> None:
    if version:
        from taskzoo import __version__

        print(f"taskzoo {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; a mistake in the request is one line on stderr and exit code 2."""
    try:
        code = app(one_set_each(sys.argv[1:]), standalone_mode=False)
    except _UsageError as error:
        message = getattr(error, "format_message", error.__str__)()
        if "Missing command" in message or not message:
            message = "Which command? `zoo --help` lists them."
        _fail(" ".join(message.split()), 2)
    except TaskZooError as error:
        _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped.", 130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def one_set_each(words: Sequence[str]) -> list[str]:
    """``--set a=1 b=2`` as ``--set a=1 --set b=2``.

    Only words of the form name=value that stand directly behind a value of ``--set`` are taken, and none of a command
    that takes texts, since any of them may be one.
    """
    if words[:1] == ["predict"]:
        return list(words)
    spread: list[str] = []
    inside = False  # directly behind a value of --set
    for place, word in enumerate(words):
        if word == "--":
            return [*spread, *words[place:]]
        if inside and _ASSIGNMENT.match(word):
            spread.append("--set")
        spread.append(word)
        if place and words[place - 1] == "--set":
            inside = not word.startswith("-")
        else:
            inside = word.startswith("--set=") or (inside and _ASSIGNMENT.match(word) is not None)
    return spread


def _fail(message: str, code: int) -> None:
    print(f"zoo: {message}", file=sys.stderr)
    sys.exit(code)
