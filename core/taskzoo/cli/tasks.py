"""``zoo tasks``: what can be run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from taskzoo.registry import TaskEntry


def tasks(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """List the tasks of the installed plugins."""
    from taskzoo import registry

    from .output import print_json, print_table, remark

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
    import dataclasses

    from taskzoo import registry

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
