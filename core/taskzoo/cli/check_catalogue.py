"""``zoo check-catalogue``: whether the hub still says what the catalogue says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from taskzoo import registry
from taskzoo.errors import TaskZooError, UnknownNameError
from taskzoo.registry import DatasetEntry, ModelEntry

from .output import print_json, print_table, remark


def check_catalogue(
    only: Annotated[str, typer.Option(help="Names of models and data sets to check, such as minilm,xsum.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list with one object per difference.")] = False,
) -> None:
    """Compare models and data sets with the hub; exit code 1 if anything differs or was not answered.

    Compared are hub id, revision, licence, gating, family, parameters and context length of models, and of data sets
    whether their files can be read. What the hub knows and the catalogue does not is listed and is not a difference.
    """
    from taskzoo.hub.catalogue_check import check_entries
    from taskzoo.hub_access import unreachable_hub

    entries = _chosen(only)
    if why := unreachable_hub():
        raise TaskZooError(f"Nothing was checked: {why}.")
    findings, unanswered = [], []
    for name, found in check_entries(entries):
        if isinstance(found, str):
            unanswered.append(name)
            remark(f"{name}: the hub gave no answer ({found})")
        else:
            findings += found
    if as_json:
        print_json([asdict(one) for one in findings])
    elif findings:
        rows = [[one.name, one.fact, one.catalogue or "unknown", one.hub] for one in findings]
        print_table(["name", "fact", "catalogue", "hub"], rows)
    differences = sum(one.catalogue is not None for one in findings)
    additions = len(findings) - differences
    remark(
        f"{len(entries) - len(unanswered)} of {len(entries)} entries were checked: {differences} differences, "
        f"{additions} facts that the catalogue has not."
    )
    if differences or unanswered:
        raise typer.Exit(1)


def _chosen(only: str) -> Sequence[ModelEntry | DatasetEntry]:
    """The entries on the hub, or those named. Raises UnknownNameError with the nearest names."""
    every: list[ModelEntry | DatasetEntry] = [*registry.models(), *registry.datasets()]
    known = [entry for entry in every if entry.hub]
    wanted = [word.strip() for word in only.split(",") if word.strip()]
    names = {entry.name for entry in known}
    for name in wanted:
        if name not in names:
            raise UnknownNameError("model or data set on the hub", name, names)
    return [entry for entry in known if not wanted or entry.name in wanted]
