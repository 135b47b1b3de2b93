"""What a run noticed of its rows: what was truncated, left out or shared by splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from taskzoo.runs.wording import count_notes, left_out_notes, overlap_notes, split_note

from .finished import Finished
from .section import Section


@dataclass(frozen=True, slots=True)
class SplitLine:
    """A split: its rows, where they are from, and what was counted in it."""

    name: str
    rows: int
    source: str
    notes: list[str]


def data_section(run: Finished) -> Section:
    """A line for each split, and what the splits have in common."""
    manifest = run.manifest
    sources, counts = manifest.get("data", {}), manifest.get("counts", {})
    lines = [
        SplitLine(split, rows, _source(sources.get(split)), count_notes(counts.get(split, {})))
        for split, rows in manifest.get("rows", {}).items()
    ]
    made = split_note(manifest.get("splits", {}))
    notes = [
        *([f"Splits: {made}."] if made else []),
        *left_out_notes(sources),
        *overlap_notes(manifest.get("overlap", {})),
    ]
    return Section("data", "Data", "data.html", {"lines": lines, "notes": [*notes, *manifest.get("misfits", [])]})


def _source(source: Any) -> str:
    return str(source.get("source", "")) if source else "split off the training rows"
