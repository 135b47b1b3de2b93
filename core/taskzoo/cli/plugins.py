"""``zoo plugins``: what was found, what each plugin brings, what failed and why."""

from __future__ import annotations

from typing import Annotated

import typer

from taskzoo import registry
from taskzoo.registry import PluginRecord
from taskzoo.registry.entries import short_list

from .output import print_json, print_table, remark

_KINDS = ("tasks", "methods", "readers", "commands", "callbacks", "models", "datasets")


def plugins(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """List all plugins with what they bring, and the reason where one failed or is disabled."""
    found = registry.plugins()
    if as_json:
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
