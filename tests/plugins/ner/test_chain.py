"""The best sequence and the probability of each label, against all sequences one by one."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskzoo_ner.chain import Scores, iob2_constraints, posterior_marginals, viterbi_decode
from taskzoo_ner.schemes import invalid_transitions

LENGTHS = np.array([4, 1, 0, 3])
LABELS = ["O", "B-A", "I-A", "B-b-c", "I-b-c", "I-lonely"]


def problem(size: int = 3, seed: int = 0, scale: float = 2.0) -> tuple[Scores, np.ndarray, np.ndarray]:
    """``(scores, emissions [4, 4, L], mask [4, 4])``, with scores that matter."""
    draw = np.random.default_rng(seed).normal
    scores = draw(0, scale, (size, size)), draw(0, scale, size), draw(0, scale, size)
    return scores, draw(0, scale, (len(LENGTHS), 4, size)), np.arange(4) < LENGTHS[:, None]


def path_scores(scores: Scores, emissions: np.ndarray, length: int) -> dict[tuple[int, ...], float]:
    """The score of every label sequence of one row, by enumeration."""
    transitions, start, end = scores
    found = {}
    for path in product(range(emissions.shape[1]), repeat=length):
        score = start[path[0]] + end[path[-1]] + sum(emissions[t, y] for t, y in enumerate(path))
        found[path] = float(score + sum(transitions[before, after] for before, after in pairwise(path)))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_viterbi_against_enumeration(seed: int) -> None:
    scores, emissions, mask = problem(seed=seed)
    found = viterbi_decode(emissions, mask, scores)
    for row, length in enumerate(LENGTHS):
        every = path_scores(scores, emissions[row], length) if length else {(): 0.0}
        assert tuple(found[row]) == max(every.items(), key=lambda item: item[1])[0]


@pytest.mark.parametrize("seed", range(3))
def test_marginals_against_enumeration(seed: int) -> None:
    scores, emissions, mask = problem(seed=seed)
    found = posterior_marginals(emissions, mask, scores)
    assert np.allclose(found.sum(axis=2), mask)
    for row, length in enumerate(LENGTHS):
        expected = np.zeros((4, 3))
        every = path_scores(scores, emissions[row], length) if length else {}
        total = sum(np.exp(score) for score in every.values())
        for path, score in every.items():
            for position, label in enumerate(path):
                expected[position, label] += np.exp(score) / total
        assert np.allclose(found[row], expected, atol=1e-9)


@pytest.mark.parametrize("junk", [1e6, float("nan"), float("-inf")])
def test_padding_changes_nothing(junk: float) -> None:
    scores, emissions, mask = problem()
    longer, longer_mask = np.full((4, 7, 3), junk), np.zeros((4, 7), dtype=bool)
    longer[:, :4], longer_mask[:, :4] = np.where(mask[:, :, None], emissions, junk), mask
    assert viterbi_decode(longer, longer_mask, scores) == viterbi_decode(emissions, mask, scores)
    found = posterior_marginals(longer, longer_mask, scores)
    assert np.allclose(found[:, :4], posterior_marginals(emissions, mask, scores))
    assert not found[:, 4:].any()


@pytest.mark.parametrize("shape", [(0, 4), (2, 0)])
def test_empty_batches(shape: tuple[int, int]) -> None:
    scores, _, _ = problem()
    emissions, mask = np.zeros((*shape, 3)), np.zeros(shape, dtype=bool)
    assert viterbi_decode(emissions, mask, scores) == [[]] * shape[0]
    assert posterior_marginals(emissions, mask, scores).shape == (*shape, 3)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 100.0, 30_000.0]))
def test_constraints_hold(seed: int, scale: float) -> None:
    draw = np.random.default_rng(seed).normal
    emissions, mask = draw(0, scale, (3, 9, len(LABELS))), np.arange(9) < np.array([[9], [5], [0]])
    constraints = iob2_constraints(LABELS)
    learnt = draw(0, 1, (len(LABELS), len(LABELS))), draw(0, 1, len(LABELS)), draw(0, 1, len(LABELS))
    both = constraints[0] + learnt[0], constraints[1] + learnt[1], constraints[2] + learnt[2]
    for paths in (viterbi_decode(emissions, mask, constraints), viterbi_decode(emissions, mask, both)):
        assert [len(path) for path in paths] == [9, 5, 0]
        for path in paths:
            assert invalid_transitions([LABELS[label] for label in path], "IOB2") == []


def test_constraints_leave_valid_paths_alone() -> None:
    labels = LABELS[:5]
    emissions = np.zeros((1, 4, 5))
    for position, label in enumerate([1, 2, 4, 3]):  # B-A I-A I-b-c B-b-c: the third cannot stand
        emissions[0, position, label] = 5.0
    emissions[0, 2, 2] = 4.0
    assert viterbi_decode(emissions, np.ones((1, 4), dtype=bool), iob2_constraints(labels)) == [[1, 2, 2, 3]]


def test_constrained_marginals_forbid_too() -> None:
    emissions = np.random.default_rng(0).normal(size=(1, 5, len(LABELS)))
    found = posterior_marginals(emissions, np.ones((1, 5), dtype=bool), iob2_constraints(LABELS))
    assert np.allclose(found.sum(axis=2), 1)
    assert not found[..., LABELS.index("I-lonely")].any()
    assert not found[0, 0, [2, 4]].any()


def test_constraints_refuse_other_schemes() -> None:
    with pytest.raises(ValueError, match="not an IOB2 label"):
        iob2_constraints(["O", "S-A"])
