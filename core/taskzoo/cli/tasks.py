"""``zoo tasks``: what can be run."""

from __future__ import annotations

from typing import Annotated

import typer


def tasks(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """List the tasks that the installed plugins offer."""
    from taskzoo import registry

    from .output import print_json, print_table, remark

    found = registry.tasks()
    if as_json:
        print_json(
            [
                {
                    "name": entry.name,
                    "full_name": entry.full_name,
                    "summary": entry.spec.summary,
                    "default_model": registry.default_model(entry.full_name),
                    "columns": dict(entry.spec.columns),
                    "formats": list(entry.spec.formats),
                    "demo": entry.spec.demo is not None,
                    "plugin": entry.plugin,
                    "distribution": entry.distribution,
                }
                for entry in found
            ]
        )
    elif found:
        rows = [
            [entry.name, registry.default_model(entry.full_name) or "", entry.distribution, entry.spec.summary]
            for entry in found
        ]
        print_table(["task", "default model", "installed by", "summary"], rows)
    else:
        remark("No plugin offers a task here; `pip install taskzoo` has some.")
    failed = [record.name for record in registry.plugins() if record.status == "failed"]
    if failed:
        remark(f"Failed to load: {', '.join(failed)}. `zoo plugins` says why.")
