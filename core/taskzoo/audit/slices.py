"""Whether parts of the rows score lower than the rest: by length, language, label and given columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from taskzoo.metrics.parts import groups_of, ranges
from taskzoo.metrics.words import split_tokens

from .audited_rows import AuditedRows
from .differences import of_means, spread
from .gap import SLICES, Gap, Section

FEWEST = 30
"""Rows of a slice, and of the rest."""

Columns = Mapping[str, Sequence[str | None]]
"""Name of a column -> its value for each row; ``None`` for a row that was not found in the file."""


def slice_section(rows: AuditedRows, columns: Columns, languages: Sequence[str]) -> Section:
    """All slices with at least :data:`FEWEST` rows on both sides, each compared with the other rows."""
    known = ~np.isnan(rows.scores)
    wide = [name for name, values in columns.items() if len(set(values)) > FEWEST * 10]
    deviation = spread(rows.scores[known])
    gaps, small = [], 0
    for about, inside in _slices(rows, columns, languages):
        side, rest = rows.scores[inside & known], rows.scores[~inside & known]
        if min(len(side), len(rest)) < FEWEST:
            small += 1
            continue
        found = of_means(rest, side)
        sides, counts = (float(side.mean()), float(rest.mean())), (len(side), len(rest))
        gaps.append(Gap(SLICES, about, rows.score, *found, sides, counts, rows.scale, deviation))
    notes = []
    if small:
        notes.append(f"Slices with fewer than {FEWEST} rows, or all but so few, were not compared: {small:,}.")
    if not known.all():
        notes.append(f"{int((~known).sum()):,} rows have no {rows.score} and are left out.")
    for name in wide:
        notes.append(
            f"{name} has {len(set(columns[name])):,} values: the most frequent ones, or ranges of numbers, are slices."
        )
    return Section(SLICES, "Slices", tuple(gaps), tuple(notes))


def _slices(rows: AuditedRows, columns: Columns, languages: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    count = len(rows.scores)

    def mask(chosen: np.ndarray) -> np.ndarray:
        inside = np.zeros(count, dtype=bool)
        inside[chosen] = True
        return inside

    lengths = [len(split_tokens(text)) for text in rows.joined]
    for label, chosen in ranges(lengths).items():
        yield f"length {label} words", mask(chosen)
    for language, _ in Counter(languages).most_common():
        if language:
            yield f"language {language}", np.array([one == language for one in languages])
    counts = Counter(label for labels in rows.gold for label in labels)
    for label, _ in counts.most_common():
        yield f"label {label}", np.array([label in labels for labels in rows.gold])
    for name, values in columns.items():
        for value, chosen in groups_of(values).items():
            yield f"{name} = {value}", mask(chosen)
