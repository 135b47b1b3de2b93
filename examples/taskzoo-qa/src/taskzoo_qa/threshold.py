"""When to say that there is no answer: the threshold that gives the best F1 on held-out questions."""

from __future__ import annotations

import numpy as np


def best_threshold(doubts: np.ndarray, answered: np.ndarray, silent: np.ndarray) -> float:
    """The doubt above which no answer is given, so that the summed F1 is greatest; of several the one nearest to 0.

    As ``find_best_thresh`` of the evaluation script of SQuAD 2.0 (Rajpurkar et al. 2018), which takes one of the
    doubts; this takes the middle between two neighbours.

    Args:
        doubts: by how much "no answer" scores above the best span, ``[examples]``.
        answered: F1 of the best span.
        silent: F1 of no answer.
    """
    order = np.argsort(doubts, kind="stable")
    doubts, gain = doubts[order], (answered - silent)[order]
    sums = np.concatenate([[0.0], np.cumsum(gain)])  # of the k least doubtful questions, which are answered
    edges = np.concatenate([[doubts[0] - 1.0], (doubts[1:] + doubts[:-1]) / 2, [doubts[-1] + 1.0]])
    possible = np.concatenate([[True], doubts[1:] > doubts[:-1], [True]])  # equal doubts cannot be told apart
    best = np.flatnonzero(possible & np.isclose(sums, sums[possible].max()))
    lower = np.concatenate([[-np.inf], doubts])[best]
    upper = np.concatenate([doubts, [np.inf]])[best]
    if ((lower <= 0) & (upper > 0)).any():
        return 0.0
    return float(edges[best[np.abs(edges[best]).argmin()]])
