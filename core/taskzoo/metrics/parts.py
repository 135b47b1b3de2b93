"""Parts of rows: by ranges of a number, or by values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

PARTS, MOST_VALUES = 5, 20
"""Parts of a range of numbers; values that are a part of their own."""
EMPTY = "(empty)"
"""Stands for a cell without a value."""
LONGEST_NAME = 60
LARGEST_WHOLE = 1e15
DIGITS = (6, 9, 12, 17)
"""Of a number that is shown, of which the last tell any two apart."""


def groups_of(values: Sequence[str | None]) -> Mapping[str, np.ndarray]:
    """Value -> indices of its rows, the most frequent first; many numbers are ranges, and rare values one group.

    Rows without a value, ``None``, are in no group; those whose value is :data:`EMPTY` are one beside the ranges.
    """
    counts = Counter(value for value in values if value is not None)
    filled = [i for i, value in enumerate(values) if value is not None and value != EMPTY]
    if len(counts) > MOST_VALUES and (numbers := _numbers([str(values[i]) for i in filled])) is not None:
        parts = {label: np.array(filled)[chosen] for label, chosen in ranges(numbers).items()}
        empty = np.array([i for i, value in enumerate(values) if value == EMPTY])
        return {**parts, EMPTY: empty} if len(empty) else parts
    kept = [value for value, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_VALUES]]
    groups: dict[str, list[int]] = {value: [] for value in kept}
    rest: list[int] = []
    for index, value in enumerate(values):
        if value is not None:
            groups.get(value, rest).append(index)
    found = {name: np.array(groups[value]) for name, value in _names(kept).items()}
    return {**found, f"({len(counts) - len(kept):,} other values)": np.array(rest)} if rest else found


def ranges(values: Sequence[float]) -> Mapping[str, np.ndarray]:
    """``4 to 9`` -> indices, about :data:`PARTS` ranges with about as many rows each; equal values stay together.

    The ends are shown with as many digits as tell them apart.
    """
    found = np.asarray(values, dtype=np.float64)
    starts = np.unique(np.quantile(found, np.arange(PARTS) / PARTS, method="higher"))
    place = np.searchsorted(starts, found, side="right") - 1
    parts = [np.flatnonzero(place == part) for part in range(len(starts))]
    ends = [(float(found[chosen].min()), float(found[chosen].max())) for chosen in parts]
    texts = _told_apart({end for pair in ends for end in pair})
    names = [texts[low] if low == high else f"{texts[low]} to {texts[high]}" for low, high in ends]
    return dict(zip(names, parts, strict=True))


def _told_apart(numbers: set[float]) -> dict[float, str]:
    if all(number.is_integer() and abs(number) < LARGEST_WHOLE for number in numbers):
        return {number: f"{number:,.0f}" for number in numbers}
    for digits in DIGITS:
        texts = {number: f"{number:,.{digits}g}" for number in numbers}
        if len(set(texts.values())) == len(numbers):
            break
    return texts


def _numbers(values: Sequence[str]) -> list[float] | None:
    try:
        found = [float(value) for value in values]
    except ValueError:
        return None
    return found if np.isfinite(found).all() else None


def _names(values: Sequence[str]) -> dict[str, str]:
    """Name -> value: the value itself, or its beginning, with a number where others begin alike."""
    found: dict[str, str] = {}
    for value in sorted(values, key=lambda value: len(value) > LONGEST_NAME):
        name = start = value if len(value) <= LONGEST_NAME else f"{value[:LONGEST_NAME]}…"
        number = 1
        while name in found:
            number += 1
            name = f"{start} ({number})"
        found[name] = value
    return dict(sorted(found.items(), key=lambda item: values.index(item[1])))
