"""``zoo tasks``: what can be run."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from taskzoo import registry
from taskzoo.registry import TaskEntry

from .output import print_json, print_table, remark


def tasks(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """List the tasks of the installed plugins."""
    found = registry.tasks()
    if as_json:
        print_json([task_facts(entry) for entry in found])
    elif found:
        rows = [
            [entry.name, registry.default_model(entry) or "", f"{entry.distribution} {entry.version}", entry.summary]
            for entry in found
        ]
        print_table(["task", "default model", "source", "summary"], rows)
    else:
        remark("No plugin offers a task here; `pip install taskzoo` has some.")
    failed = [record.name for record in registry.plugins() if record.status == "failed"]
    if failed:
        remark(f"Failed to load: {', '.join(failed)}. `zoo plugins` says why.")


def task_facts(entry: TaskEntry) -> dict[str, Any]:
    """What is known of a task without its options and recipes, as plain values."""
    spec = entry.spec
    return {
        **entry.facts(),
        "default_model": registry.default_model(entry),
        "demo_model": registry.default_model(entry, demo=True),
        "kinds": list(spec.kinds),
        "columns": {role: dataclasses.asdict(column) for role, column in spec.columns.items()},
        "formats": list(spec.formats),
        "demo": spec.demo is not None,
    }
