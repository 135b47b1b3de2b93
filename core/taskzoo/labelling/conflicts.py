"""Texts that are nearly the same and have different labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

NEAR = 0.95
"""Cosine of two vectors, less their mean, from which texts are nearly the same."""
MOST_COMPARED = 20_000
"""Texts whose vectors are compared at most: all pairs are."""
_BLOCK = 250


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
    differing = [rows for rows in rows_of.values() if len({targets[row] for row in rows}) > 1]
    pairs = np.array([(rows[0], row) for rows in differing for row in rows[1:]], dtype=np.int64).reshape(-1, 2)
    joined = _Joined(len(keys))
    joined.add(pairs[:, 0], pairs[:, 1], np.ones(len(pairs)))
    firsts = np.array([rows[0] for rows in rows_of.values()], dtype=np.int64)
    if vectors is not None and 1 < len(firsts) <= MOST_COMPARED:
        ids = np.unique([targets[row] for row in firsts], return_inverse=True)[1]
        for ones, twos, cosines in _near(ids, vectors[firsts]):
            joined.add(firsts[ones], firsts[twos], cosines)
    return joined.conflicts()


def _near(targets: np.ndarray, vectors: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Places of near vectors with different targets, and their cosines, block by block."""
    unit = vectors - vectors.mean(0)
    unit = unit / np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    for start in range(0, len(unit), _BLOCK):
        cosines = unit[start : start + _BLOCK] @ unit[start:].T
        differ = targets[start : start + _BLOCK, None] != targets[start:]
        ones, twos = np.nonzero((cosines >= NEAR) & differ)
        yield start + ones, start + twos, cosines[ones, twos].astype(np.float64).round(4)


class _Joined:
    """Rows that pairs connect, with the highest similarity of the pairs that each is in.

    It takes no more room for many pairs: of each row only the first row that it is connected with is kept.
    """

    def __init__(self, count: int) -> None:
        self._first, self._best = np.arange(count), np.zeros(count)

    def add(self, ones: np.ndarray, twos: np.ndarray, similarities: np.ndarray) -> None:
        """Connect each of ``ones`` with that of ``twos`` at its place."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        if not len(ones):
            return
        for side in (ones, twos):
            np.maximum.at(self._best, side, similarities)
        count = len(self._first)
        ends = (np.concatenate([np.arange(count), ones]), np.concatenate([self._first, twos]))
        _, group = connected_components(coo_array((np.ones(len(ends[0]), dtype=bool), ends), shape=(count, count)))
        self._first = np.unique(group, return_index=True)[1][group]

    def conflicts(self) -> list[Conflict]:
        """The groups of connected rows, the nearest first."""
        members: dict[int, list[int]] = defaultdict(list)
        for row in np.flatnonzero(self._best).tolist():
            members[int(self._first[row])].append(row)
        found = [Conflict(tuple(rows), float(self._best[rows].max())) for rows in members.values()]
        return sorted(found, key=lambda one: (-one.similarity, one.rows))
