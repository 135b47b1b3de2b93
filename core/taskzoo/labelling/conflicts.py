"""Texts that are nearly the same and have different labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NEAR = 0.95
"""Cosine of two vectors, less their mean, from which texts are nearly the same."""
MOST_COMPARED = 20_000
"""Texts whose vectors are compared at most: all pairs are."""
_BLOCK = 1000


@dataclass(frozen=True, slots=True)
class Conflict:
    """Rows that are nearly the same and have different labels.

    Args:
        rows: their indices.
        similarity: 1 where they differ in case, spaces and punctuation at most; else the cosine of their vectors.
    """

    rows: tuple[int, ...]
    similarity: float


def find_conflicts(keys: Sequence[str], targets: Sequence[str], vectors: np.ndarray | None) -> list[Conflict]:
    """Rows with one key or near vectors ``[rows, H]`` whose targets differ, the nearest first."""
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        rows_of[key].append(row)
    pairs = [
        (rows[0], row, 1.0) for rows in rows_of.values() for row in rows[1:] if len({targets[row] for row in rows}) > 1
    ]
    firsts = [rows[0] for rows in rows_of.values()]
    if vectors is not None and 1 < len(firsts) <= MOST_COMPARED:
        pairs += _near(firsts, targets, vectors[firsts])
    return _joined(pairs, len(keys))


def _near(rows: Sequence[int], targets: Sequence[str], vectors: np.ndarray) -> list[tuple[int, int, float]]:
    unit = vectors - vectors.mean(0)
    unit = unit / np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    found = []
    for start in range(0, len(rows), _BLOCK):
        cosines = unit[start : start + _BLOCK] @ unit[start:].T
        for a, b in zip(*(index.tolist() for index in np.nonzero(cosines >= NEAR)), strict=True):
            one, two = rows[start + a], rows[start + b]
            if a < b and targets[one] != targets[two]:
                found.append((one, two, round(float(cosines[a, b]), 4)))
    return found


def _joined(pairs: Sequence[tuple[int, int, float]], count: int) -> list[Conflict]:
    """Rows that pairs connect, with the highest similarity of their pairs."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not pairs:
        return []
    ones, twos, similarities = zip(*pairs, strict=True)
    _, group = connected_components(coo_array((np.ones(len(pairs)), (ones, twos)), shape=(count, count)))
    members: dict[int, list[int]] = defaultdict(list)
    for row in sorted({*ones, *twos}):
        members[int(group[row])].append(row)
    best: dict[int, float] = defaultdict(float)
    for one, similarity in zip(ones, similarities, strict=True):
        best[int(group[one])] = max(best[int(group[one])], similarity)
    found = [Conflict(tuple(rows), best[name]) for name, rows in members.items()]
    return sorted(found, key=lambda one: (-one.similarity, one.rows))
