"""``zoo models``: the models of the catalogue, filtered."""

from __future__ import annotations

from typing import Annotated

import typer


def models(
    task: Annotated[str | None, typer.Option(help="Only models for this task.")] = None,
    language: Annotated[str | None, typer.Option(help="Only models that know this language, e.g. zh.")] = None,
    family: Annotated[str | None, typer.Option(help="Only models of this family, e.g. bert.")] = None,
    kind: Annotated[str | None, typer.Option(help="encoder, decoder or encoder-decoder.")] = None,
    max_params: Annotated[str | None, typer.Option(help="At most this many parameters, e.g. 50M.")] = None,
    license: Annotated[str | None, typer.Option(help="Only models under this licence, e.g. mit.")] = None,
    text: Annotated[str | None, typer.Option(help="Only models with this in name, hub id or description.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the models of the catalogue; conditions narrow it down."""
    from taskzoo import registry

    from .output import print_json, print_table, remark, short_count, short_list, with_origin

    limit = None if max_params is None else parse_count(max_params)
    found = registry.models(task, language, family, kind, limit, license, text)
    if as_json:
        print_json([{**entry.facts(), "available": registry.is_available(entry)} for entry in found])
        return
    if not found:
        remark("No model meets these conditions; `zoo models` without conditions lists all.")
        return
    headers = ["model", "family", "kind", "size", "languages", "licence", "here"]
    rows = [
        [
            entry.name,
            entry.family,
            entry.kind,
            short_count(entry.parameters) or "-",
            short_list(entry.languages),
            entry.license or "-",
            "yes" if registry.is_available(entry) else "-",
        ]
        for entry in found
    ]
    print_table(*with_origin(headers, rows, [entry.origin for entry in found]))


def parse_count(text: str) -> int:
    """``50M``, ``1.5B``, ``300k`` or a plain number as an integer.

    Raises:
        RequestError: it is none of these.
    """
    from taskzoo.errors import RequestError

    units = {"k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9}
    number = text.strip().lower()
    scale = units.get(number[-1:], 1)
    try:
        count = float(number[:-1] if scale > 1 else number) * scale
        if count > 0:
            return int(count)  # OverflowError for infinity; a NaN is not above 0
    except (ValueError, OverflowError):
        pass
    raise RequestError(f"{text!r} is not a number of parameters; write it like 50M, 1.5B or 300000.")
