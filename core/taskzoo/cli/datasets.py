"""``zoo datasets``: the data sets of the catalogue, filtered."""

from __future__ import annotations

from typing import Annotated

import typer

from taskzoo import registry
from taskzoo.registry.entries import short_list

from .completions import task_names
from .output import print_json, print_table, remark, short_count


def datasets(
    task: Annotated[str | None, typer.Option(help="Only data sets for this task.", autocompletion=task_names)] = None,
    language: Annotated[str | None, typer.Option(help="Only data sets in this language, e.g. zh or Chinese.")] = None,
    license: Annotated[str | None, typer.Option(help="Only data sets under this licence, e.g. cc-by-4.0.")] = None,
    text: Annotated[str | None, typer.Option(help="Only data sets with this in name, hub id or description.")] = None,
    gated: Annotated[
        bool | None,
        typer.Option("--gated/--not-gated", help="Only those whose terms must be agreed to, or others."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the data sets of the catalogue; conditions narrow it down."""
    found = registry.datasets(task, language, license, text, gated=gated)
    if as_json:
        print_json([entry.facts() for entry in found])
        return
    if not found:
        remark("No data set meets these conditions; `zoo datasets` without conditions lists all.")
        return
    rows = [
        [
            entry.name,
            " ".join(entry.tasks),
            short_list(entry.languages) or "-",
            short_count(entry.sizes.get("train")) or "-",
            entry.license or "-",
            entry.description,
        ]
        for entry in found
    ]
    headers = ["data set", "tasks", "languages", "train rows", "licence", "description"]
    print_table(headers, rows, [entry.origin for entry in found])
