"""``zoo models``: the models of the catalogue, filtered."""

from __future__ import annotations

from typing import Annotated

import typer

from taskzoo import registry
from taskzoo.registry.entries import short_list

from .completions import family_names, kind_names, task_names
from .output import print_json, print_table, remark, short_count


def models(
    task: Annotated[
        str | None, typer.Option(help="Only models that suit this task, tuned ones first.", autocompletion=task_names)
    ] = None,
    language: Annotated[str | None, typer.Option(help="Only models for this language, e.g. zh or Chinese.")] = None,
    family: Annotated[
        str | None, typer.Option(help="Only models of this family, e.g. bert.", autocompletion=family_names)
    ] = None,
    kind: Annotated[
        str | None, typer.Option(help="encoder, decoder or encoder-decoder.", autocompletion=kind_names)
    ] = None,
    max_params: Annotated[str | None, typer.Option(help="At most this many parameters, e.g. 50M.")] = None,
    license: Annotated[str | None, typer.Option(help="Only models under this licence, e.g. mit.")] = None,
    text: Annotated[str | None, typer.Option(help="Only models with this in name, hub id or description.")] = None,
    sentence_encoder: Annotated[
        bool | None,
        typer.Option("--sentence-encoder/--no-sentence-encoder", help="Only models that encode sentences, or others."),
    ] = None,
    gated: Annotated[
        bool | None, typer.Option("--gated/--not-gated", help="Only models whose terms must be agreed to, or others.")
    ] = None,
    unknown_size: Annotated[
        bool, typer.Option("--unknown-size", help="With --max-params: models of unknown size as well, at the end.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the models of the catalogue; conditions narrow it down."""
    found = registry.models(
        task,
        language,
        family,
        kind,
        max_params,
        license,
        text,
        sentence_encoder=sentence_encoder,
        gated=gated,
        unknown_size=unknown_size,
    )
    if found.note:
        remark(found.note)
    if as_json:
        print_json([{**entry.facts(), "available": registry.is_available(entry)} for entry in found])
        return
    if not found:
        remark("No model meets these conditions; `zoo models` without conditions lists all.")
        return
    headers = ["model", "family", "kind", "size", "languages", "licence", "tuned for", "local"]
    rows = [
        [
            entry.name,
            entry.family,
            entry.kind,
            short_count(entry.parameters) or "unknown",
            short_list(entry.languages),
            entry.license or "-",
            " ".join(entry.tuned_for) or "-",
            "yes" if registry.is_available(entry) else "-",
        ]
        for entry in found
    ]
    print_table(headers, rows, [entry.origin for entry in found])
