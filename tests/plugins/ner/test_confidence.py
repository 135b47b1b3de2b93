"""The score of an entity is the probability that the model gives to exactly this entity."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from taskzoo_ner.chain import Scores, iob2_constraints, log_sum
from taskzoo_ner.confidence import span_probability, tag_factors
from taskzoo_ner.spans import strict_spans

LABELS = ["O", "B-A", "I-A", "B-B", "I-B"]
INSIDE = [-1, 2, 2, 4, 4]
LENGTHS = [4, 1, 3, 0]


def paths(logits: np.ndarray, scores: Scores, length: int) -> dict[tuple[int, ...], float]:
    """The probability of every sequence of tags, by enumeration."""
    transitions, start, end = scores
    found = {}
    for path in product(range(len(LABELS)), repeat=length):
        score = start[path[0]] + end[path[-1]] + sum(logits[t, label] for t, label in enumerate(path))
        found[path] = float(score + sum(transitions[a, b] for a, b in pairwise(path)))
    total = log_sum(np.array(list(found.values())), axis=0)
    return {path: float(np.exp(score - total)) for path, score in found.items()}


@pytest.mark.parametrize("kind", ["constrained", "free", "crf"])
def test_against_the_sum_over_all_sequences_with_the_entity(kind: str) -> None:
    draw = np.random.default_rng(3).normal
    logits = draw(0, 2, (len(LENGTHS), 4, len(LABELS)))
    scores: Scores = iob2_constraints(LABELS)
    if kind == "free":
        scores = tuple(np.zeros_like(part) for part in scores)
    if kind == "crf":
        scores = tuple(part + draw(size=part.shape) for part in scores)
    mask = np.arange(4) < np.array(LENGTHS)[:, None]
    checked = 0
    for tags in (["B-A", "I-A", "I-A", "O"], ["B-A", "B-A", "I-A", "B-B"], ["O", "B-B", "I-B", "I-B"], ["B-B"] * 4):
        ids = np.array([[LABELS.index(tag) for tag in tags]] * len(LENGTHS))
        factors = tag_factors(logits, mask, scores, ids, INSIDE)
        for row, length in enumerate(LENGTHS):
            every = paths(logits[row], scores, length) if length else {}
            for span in strict_spans(tags[:length]):
                named = {path: strict_spans([LABELS[label] for label in path]) for path in every}
                expected = sum(chance for path, chance in every.items() if span in named[path])
                assert span_probability(factors[row][span.start : span.end]) == pytest.approx(expected, abs=1e-6)
                checked += 1
    assert checked > 15


def test_a_tag_forced_by_its_neighbours_does_not_lower_the_score() -> None:
    """Alone, the second word is rather O; but the model is sure of the first, and of what follows it."""
    logits = np.array([[[0.0, 6.0, 0.0, -9.0, -9.0], [2.0, -9.0, 3.2, -9.0, 5.0], [0.0, -9.0, 6.0, -9.0, 6.0]]])
    tags = np.array([[1, 2, 2]])
    scores = iob2_constraints(LABELS)
    mask = np.ones((1, 3), dtype=bool)
    (factors,) = tag_factors(logits, mask, scores, tags, INSIDE)
    every = paths(logits[0], scores, 3)
    assert span_probability(factors) == pytest.approx(every[(1, 2, 2)], abs=1e-5)
    assert span_probability(factors) > 0.7 > 0.2 > float(np.exp(logits[0, 1, 2] - log_sum(logits[0, 1], axis=0)))
