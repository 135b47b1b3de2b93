"""``zoo plugins``: what was found, what each plugin brings, what failed and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from taskzoo import registry
from taskzoo.escapes import visible
from taskzoo.registry import PluginRecord
from taskzoo.registry.entries import short_list

from .output import print_json, print_table, remark

_KINDS = ("tasks", "methods", "readers", "commands", "callbacks", "models", "datasets")


def plugins(
    names: Annotated[
        list[str] | None, typer.Argument(help="Plugins or distributions to show (default: all).", show_default=False)
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Import and make all that they bring; exit code 1 if anything fails.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List plugins with what they bring, and the reason where one failed or is disabled."""
    found = registry.plugins(*names or ())
    if verify:
        _verify(found, as_json)
    elif as_json:
        print_json(found.facts())
    elif found:
        rows = [
            [
                record.name,
                record.status if record.status == "ok" else record.status.upper(),
                f"{record.distribution} {record.version}".rstrip(),
                _brings(record) or "-",
                _note(record),
            ]
            for record in found
        ]
        print_table(["plugin", "status", "source", "brings", "note"], rows)
    else:
        remark("No plugin is installed; `pip install taskzoo` has some.")


def _verify(found: Sequence[PluginRecord], as_json: bool) -> None:
    """One line for each thing as soon as it was tried; exit code 1 where one failed."""
    from taskzoo.testing.installed import verify

    from . import as_command
    from .process import set_up_process

    set_up_process()
    verdicts = []
    for verdict in verify(found, as_command):
        verdicts.append(verdict)
        if not as_json:
            word = verdict.status if verdict.status == "ok" else verdict.status.upper()
            origin = f"{verdict.distribution} {verdict.version}".rstrip()
            what = f"{word:<9} {verdict.kind} {verdict.name} of {origin}"
            print(visible(f"{what}: {verdict.reason}" if verdict.reason else what), flush=True)
    counts = Counter(verdict.status for verdict in verdicts)
    if as_json:
        print_json([verdict.facts() for verdict in verdicts])
    else:
        tried = len(verdicts) - counts["disabled"]
        print(f"{counts['ok']} of {tried} tasks, methods, formats, commands and callbacks can be used.")
    if counts["failed"]:
        raise typer.Exit(1)


def _brings(record: PluginRecord) -> str:
    """``task ner; 4 recipes``."""
    parts = []
    for kind in _KINDS:
        if names := getattr(record, kind):
            word = "data sets" if kind == "datasets" else kind
            parts.append(f"{word if len(names) > 1 else word.removesuffix('s')} {short_list(names)}")
    if record.recipes:
        parts.append(f"{record.recipes} recipe{'s' if record.recipes > 1 else ''}")
    return "; ".join(parts)


def _note(record: PluginRecord) -> str:
    replaces = f"replaces {', '.join(record.replaces)}" if record.replaces else ""
    return "; ".join(filter(None, [replaces, record.reason]))
