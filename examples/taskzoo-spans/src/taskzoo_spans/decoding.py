"""Logits to entities: what is probable in each window, then what may stand together in the text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from taskzoo import Feature

from .collator import real_spans

LEAST = 0.05
"""Spans that are less probable are never entities."""
MOST = 4
"""Spans that are kept, for each word of a window."""


class Found(NamedTuple):
    """A span of characters, the number of its label, and how probable it is."""

    start: int
    end: int
    label: int
    score: float


def read_window(logits: np.ndarray, feature: Feature, least: float) -> list[Found]:
    """The probable spans of a window, the most probable first. Logits ``[N, W, L]``."""
    places = feature["places"]
    chances = 1 / (1 + np.exp(-logits.astype(np.float64)))
    chances[~real_spans(len(places), *logits.shape[:2])] = 0.0
    where = np.argwhere(chances >= min(least, LEAST))
    found = [
        Found(places[first][0], places[first + width][1], label, float(chances[first, width, label]))
        for first, width, label in where.tolist()
    ]
    return sorted(found, key=lambda one: (-one.score, one))[: MOST * len(places)]


def join_windows(windows: Sequence[Sequence[Found]]) -> list[Found]:
    """The spans of a text, the most probable first; one that several windows have, with its highest probability."""
    best: dict[tuple[int, int, int], Found] = {}
    for found in (found for window in windows for found in window):
        if found[:3] not in best or best[found[:3]].score < found.score:
            best[found[:3]] = found
    return sorted(best.values(), key=lambda one: (-one.score, one))


def _crossing(one: Found, other: Found) -> bool:
    return one.start < other.start < one.end < other.end or other.start < one.start < other.end < one.end


def _touching(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end


EXCLUDES: Mapping[str, Callable[[Found, Found], bool]] = {
    "any": lambda one, other: False,
    "nested": _crossing,
    "flat": _touching,
}
"""Value of the option ``overlap`` -> whether two spans cannot both be found."""


def choose(found: Sequence[Found], least: float, overlap: str) -> list[Found]:
    """The spans that are probable enough; of those that exclude one another, the most probable. In order of the text.

    Args:
        found: the most probable first.
        least: probability.
        overlap: a key of :data:`EXCLUDES`.
    """
    kept: list[Found] = []
    for one in found:
        if one.score >= least and not any(EXCLUDES[overlap](one, other) for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: (one.start, -one.end, one.label))


def best_threshold(scores: np.ndarray, right: np.ndarray, gold: int) -> float:
    """The least probability with the best F1; the middle between two scores, 0.5 where that is as good.

    Args:
        scores: of spans, ``[S]``.
        right: whether each is gold.
        gold: how many gold spans there are, found or not.
    """
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + gold)
    last = np.append(scores[1:] < scores[:-1], True)  # equal scores are taken together
    f1[~last] = -1.0
    kept = int((scores >= 0.5).sum())
    if kept and f1[kept - 1] >= f1.max() - 1e-12:
        return 0.5
    at = int(f1.argmax())
    return float((scores[at] + (scores[at + 1] if at + 1 < len(scores) else LEAST)) / 2)
