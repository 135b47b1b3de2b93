"""Logits to answers: the best pairs of a first and a last token in each window, then over the windows of a context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from taskzoo import Feature


class Found(NamedTuple):
    """A span of characters of the context, and the sum of its two logits."""

    start: int
    end: int
    score: float


class Window(NamedTuple):
    """What a window says.

    Args:
        best: its best spans, the best first.
        total: log of the summed exponentials of the scores of all its spans; -inf without any.
        null: the score of "no answer".
    """

    best: list[Found]
    total: float
    null: float


class Answers(NamedTuple):
    """What all windows of a context say.

    Args:
        best: spans of different places, the best first.
        total: as of a window, over all of them.
        null: the least score of "no answer": each window without the answer gives it a high one.
    """

    best: list[Found]
    total: float
    null: float

    @property
    def doubt(self) -> float:
        """By how much "no answer" is better than the best span."""
        return self.null - (self.best[0].score if self.best else -np.inf)


def pair_scores(starts: np.ndarray, ends: np.ndarray, feature: Feature, longest: int) -> np.ndarray:
    """The score of each pair of first and last token of the window's context, ``[C, C]``; -inf where there is none.

    Args:
        starts: logits of the window's tokens ``[T]``.
        ends: the same.
        feature: the window.
        longest: tokens that a span may have.
    """
    first, count = feature["first"], len(feature["places"])
    inside = slice(first, first + count)
    scores = starts[inside, None].astype(np.float64) + ends[None, inside]
    begins, ends_word = (np.array(feature[name], dtype=bool) for name in ("begins", "ends"))
    distance = np.arange(count)[None, :] - np.arange(count)[:, None]
    allowed = (distance >= 0) & (distance < longest) & begins[:, None] & ends_word[None, :]
    return np.where(allowed, scores, -np.inf)


def read_window(starts: np.ndarray, ends: np.ndarray, feature: Feature, longest: int, keep: int) -> Window:
    """The ``keep`` best spans of a window; the other arguments are those of :func:`pair_scores`."""
    scores = pair_scores(starts, ends, feature, longest)
    flat, places = scores.ravel(), feature["places"]
    chosen = np.argpartition(-flat, min(keep, len(flat)) - 1)[:keep] if len(flat) else np.array([], dtype=np.int64)
    best = [
        Found(places[at // len(places)][0], places[at % len(places)][1], float(flat[at]))
        for at in sorted(chosen.tolist(), key=lambda at: (-flat[at], at))
        if np.isfinite(flat[at])
    ]
    return Window(best, log_sum(flat), float(starts[feature["null"]]) + float(ends[feature["null"]]))


def join_windows(windows: Sequence[Window]) -> Answers:
    """The answers of a context; a span that several windows have counts with its best score."""
    best: dict[tuple[int, int], Found] = {}
    for found in (found for window in windows for found in window.best):
        if found[:2] not in best or best[found[:2]].score < found.score:
            best[found[:2]] = found
    ordered = sorted(best.values(), key=lambda found: (-found.score, found.start, found.end))
    total = log_sum(np.array([window.total for window in windows]))
    return Answers(ordered, total, min(window.null for window in windows))


def log_sum(values: np.ndarray) -> float:
    """The logarithm of the sum of exponentials; -inf of nothing."""
    top = values.max(initial=-np.inf)
    return float(top + np.log(np.exp(values - top).sum())) if np.isfinite(top) else -np.inf
