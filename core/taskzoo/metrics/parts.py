"""Parts of rows: by ranges of a number, or by values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

PARTS, MOST_VALUES = 5, 20
"""Parts of a range of numbers; values that are a part of their own."""
LONGEST_NAME = 60


def groups_of(values: Sequence[str | None]) -> Mapping[str, np.ndarray]:
    """Value -> indices of its rows, the most frequent first; many numbers are ranges, and rare values one group."""
    known = [value for value in values if value is not None]
    counts = Counter(known)
    if len(counts) > MOST_VALUES and (numbers := _numbers(known)) is not None:
        places = [i for i, value in enumerate(values) if value is not None]
        return {label: np.array(places)[chosen] for label, chosen in ranges(numbers, "{:,.6g}".format).items()}
    kept = [value for value, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]]
    groups: dict[str, list[int]] = {value: [] for value in kept}
    rest: list[int] = []
    for index, value in enumerate(values):
        if value is not None:
            groups.get(value, rest).append(index)
    found = {_name(value): np.array(rows) for value, rows in groups.items()}
    return {**found, f"({len(counts) - len(kept):,} other values)": np.array(rest)} if rest else found


def ranges(values: Sequence[float], shown: Callable[[float], str]) -> Mapping[str, np.ndarray]:
    """``4 to 9`` -> indices, about :data:`PARTS` ranges with about as many rows each; equal values stay together."""
    found = np.asarray(values, dtype=np.float64)
    starts = np.unique(np.quantile(found, np.arange(PARTS) / PARTS, method="higher"))
    place = np.searchsorted(starts, found, side="right") - 1
    groups = {}
    for part in range(len(starts)):
        chosen = np.flatnonzero(place == part)
        low, high = (shown(float(end)) for end in (found[chosen].min(), found[chosen].max()))
        groups[low if low == high else f"{low} to {high}"] = chosen
    return groups


def _numbers(values: Sequence[str]) -> list[float] | None:
    try:
        found = [float(value) for value in values]
    except ValueError:
        return None
    return found if np.isfinite(found).all() else None


def _name(value: str) -> str:
    return value if len(value) <= LONGEST_NAME else f"{value[:LONGEST_NAME]}…"
