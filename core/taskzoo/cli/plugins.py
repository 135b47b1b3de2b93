"""``zoo plugins``: what was found, what failed and why."""

from __future__ import annotations

from typing import Annotated

import typer


def plugins(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """List all plugins found, with the reason where one failed or is disabled."""
    import dataclasses

    from taskzoo import registry

    from .output import print_json, print_table, remark

    found = registry.plugins()
    if as_json:
        print_json([dataclasses.asdict(record) for record in found])
    elif found:
        rows = [
            [
                record.name,
                record.status if record.status == "ok" else record.status.upper(),
                f"{record.distribution} {record.version}".rstrip(),
                " ".join(record.tasks) or "-",
                record.reason,
            ]
            for record in found
        ]
        print_table(["plugin", "status", "installed by", "tasks", "note"], rows)
    else:
        remark("No plugin is installed; `pip install taskzoo` has some.")
