"""The best sequence of labels, and the probability of each label, under scores of neighbouring pairs.

Viterbi and forward-backward follow Rabiner (1989), in log space. The scores are the rules of IOB2, those that a CRF
learnt (:mod:`.crf`), or their sum. This file needs numpy alone and imports nothing of taskzoo: a run keeps a copy of it
beside its weights, for use with plain ``transformers``.

Shapes: ``B`` rows, ``T`` positions, ``L`` labels. A mask is boolean, ``[B, T]``, and true on the first positions of
each row and nowhere else (this is not checked). Values at padded positions have no influence, and a row may have
length 0. ``transitions[i, j]`` is the score of label ``i`` followed by ``j``. All sums are in float64.

Arguments: ``emissions`` are scores of labels, ``[B, T, L]``; ``mask`` holds the valid positions; ``scores`` are those
of pairs of labels, of first labels and of last ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FORBIDDEN = -1e9
"""The score of a forbidden step: finite, so that no sum of scores becomes NaN."""

Scores = tuple[np.ndarray, np.ndarray, np.ndarray]
"""``(transitions [L, L], start [L], end [L])``."""


def iob2_constraints(labels: Sequence[str]) -> Scores:
    """Scores that allow valid IOB2 only: 0 where a step is allowed, :data:`FORBIDDEN` elsewhere, float64.

    ``I-X`` may follow ``B-X`` and ``I-X`` only, and no sentence begins with it. Everything may end a sentence.

    Args:
        labels: label names in the order of their ids.

    Raises:
        ValueError: a label that is not ``O``, ``B-TYPE`` or ``I-TYPE``.
    """
    for label in labels:
        if label != "O" and not (label[:2] in ("B-", "I-") and len(label) > 2):
            raise ValueError(f"{label!r} is not an IOB2 label: expected O, B-TYPE or I-TYPE.")
    transitions, start = np.zeros((len(labels), len(labels))), np.zeros(len(labels))
    for to, label in enumerate(labels):
        if label.startswith("I-"):
            start[to] = FORBIDDEN
            for origin, before in enumerate(labels):
                if before not in (label, f"B-{label[2:]}"):
                    transitions[origin, to] = FORBIDDEN
    return transitions, start, np.zeros(len(labels))


def viterbi_decode(emissions: np.ndarray, mask: np.ndarray, scores: Scores) -> list[list[int]]:
    """The best label sequence of each row: ids, as many as the row's mask; none for a row of length 0."""
    emissions, mask = _prepare(emissions, mask)
    transitions, start, end = scores
    rows, steps, size = emissions.shape
    if rows == 0 or steps == 0:
        return [[] for _ in range(rows)]
    score = start + emissions[:, 0]  # [B, L]: the best path that ends in each label
    origins = []  # [B, L] each: where that path came from
    for step in range(1, steps):
        ways = score[:, :, None] + transitions
        valid = mask[:, step, None]
        origins.append(np.where(valid, ways.argmax(1), np.arange(size)))  # padding passes the label through
        score = np.where(valid, ways.max(1) + emissions[:, step], score)
    path = [(score + end).argmax(1)]
    for origin in reversed(origins):
        path.append(origin[np.arange(rows), path[-1]])
    labels = np.stack(path[::-1], axis=1)
    return [row[:length].tolist() for row, length in zip(labels, mask.sum(1), strict=True)]


def posterior_marginals(emissions: np.ndarray, mask: np.ndarray, scores: Scores) -> np.ndarray:
    """The probability of each label at each position, given the whole row (forward-backward).

    Returns:
        ``[B, T, L]``, float64; sums to 1 over labels at valid positions, 0 at padded ones.
    """
    emissions, mask = _prepare(emissions, mask)
    if not emissions.shape[1]:
        return emissions
    total = np.stack(forward_sums(emissions, mask, scores), axis=1) + np.stack(
        backward_sums(emissions, mask, scores), axis=1
    )
    found = np.exp(total - log_sum(total, axis=2)[:, :, None])
    return np.asarray(np.where(mask[:, :, None], found, 0.0))


def forward_sums(emissions: np.ndarray, mask: np.ndarray, scores: Scores) -> list[np.ndarray]:
    """For each position ``[B, L]``: the log sum over everything up to it, where it has each label."""
    emissions, mask = _prepare(emissions, mask)
    transitions, start, _ = scores
    alpha = start + emissions[:, 0]
    sums = [alpha]
    for step in range(1, emissions.shape[1]):
        reached = log_sum(alpha[:, :, None] + transitions, axis=1) + emissions[:, step]
        alpha = np.where(mask[:, step, None], reached, alpha)
        sums.append(alpha)
    return sums


def backward_sums(emissions: np.ndarray, mask: np.ndarray, scores: Scores) -> list[np.ndarray]:
    """For each position ``[B, L]``: the log sum over everything after it, where it has each label."""
    emissions, mask = _prepare(emissions, mask)
    transitions, _, end = scores
    beta = np.broadcast_to(end, (emissions.shape[0], emissions.shape[2]))
    sums = [beta]
    for step in range(emissions.shape[1] - 1, 0, -1):
        reached = log_sum(transitions + (emissions[:, step] + beta)[:, None, :], axis=2)
        beta = np.where(mask[:, step, None], reached, beta)
        sums.append(beta)
    return sums[::-1]


def log_sum(values: np.ndarray, axis: int) -> np.ndarray:
    """The logarithm of the sum of exponentials over an axis; ``values`` are finite."""
    most = values.max(axis, keepdims=True)
    return np.asarray(np.log(np.exp(values - most).sum(axis)) + most.squeeze(axis))


def _prepare(emissions: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Emissions in float64, 0 where the mask is false; the mask as truth values."""
    mask = np.asarray(mask, dtype=bool)
    return np.where(mask[:, :, None], np.asarray(emissions, dtype=np.float64), 0.0), mask
