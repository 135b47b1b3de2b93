from __future__ import annotations

from itertools import pairwise, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from taskzoo_ner.crf import (
    LinearChainCrf,
    iob2_constraints,
    log_likelihood,
    posterior_marginals,
    viterbi_decode,
)
from taskzoo_ner.schemes import invalid_transitions

LENGTHS = [4, 1, 0, 3]
LABELS = ["O", "B-A", "I-A", "B-b-c", "I-b-c", "I-lonely"]


def problem(size: int = 3, seed: int = 0, scale: float = 2.0) -> tuple[LinearChainCrf, Tensor, Tensor, Tensor]:
    """``(crf, emissions [4, 4, L], tags [4, 4], mask [4, 4])`` in float64, with scores that matter."""
    torch.manual_seed(seed)
    crf = LinearChainCrf(size).double()
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter, std=scale)
    emissions = torch.randn(len(LENGTHS), 4, size, dtype=torch.float64) * scale
    mask = torch.arange(4) < torch.tensor(LENGTHS).unsqueeze(1)
    return crf, emissions, torch.randint(size, (len(LENGTHS), 4)), mask


def path_scores(crf: LinearChainCrf, emissions: Tensor, length: int) -> dict[tuple[int, ...], float]:
    """The score of every label sequence of one row, by enumeration."""
    scores = {}
    for path in product(range(emissions.shape[1]), repeat=length):
        score = crf.start[path[0]] + crf.end[path[-1]] + sum(emissions[t, y] for t, y in enumerate(path))
        for before, after in pairwise(path):
            score = score + crf.transitions[before, after]
        scores[path] = score.item()
    return scores


@pytest.mark.parametrize("seed", range(3))
def test_log_likelihood_against_enumeration(seed: int) -> None:
    crf, emissions, tags, mask = problem(seed=seed)
    found = log_likelihood(emissions, tags, mask, crf())
    for row, length in enumerate(LENGTHS):
        if length == 0:
            assert found[row] == 0.0
            continue
        scores = path_scores(crf, emissions[row], length)
        total = torch.logsumexp(torch.tensor(list(scores.values()), dtype=torch.float64), 0)
        assert found[row].item() == pytest.approx(scores[tuple(tags[row, :length].tolist())] - total.item(), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_viterbi_against_enumeration(seed: int) -> None:
    crf, emissions, _, mask = problem(seed=seed)
    found = viterbi_decode(emissions, mask, crf())
    for row, length in enumerate(LENGTHS):
        scores = path_scores(crf, emissions[row], length) if length else {(): 0.0}
        best = max(scores.items(), key=lambda item: item[1])[0]
        assert tuple(found[row]) == best


@pytest.mark.parametrize("seed", range(3))
def test_marginals_against_enumeration(seed: int) -> None:
    crf, emissions, _, mask = problem(seed=seed)
    found = posterior_marginals(emissions, mask, crf())
    assert torch.allclose(found.sum(dim=2), mask.double())
    for row, length in enumerate(LENGTHS):
        expected = torch.zeros(4, 3, dtype=torch.float64)
        if length:
            paths, scores = zip(*path_scores(crf, emissions[row], length).items(), strict=True)
            for path, weight in zip(paths, torch.softmax(torch.tensor(scores, dtype=torch.float64), 0), strict=True):
                for position, label in enumerate(path):
                    expected[position, label] += weight
        assert torch.allclose(found[row], expected, atol=1e-9)


def test_gradients() -> None:
    crf, emissions, tags, mask = problem()
    emissions.requires_grad_()

    def score(emissions: Tensor, *_: Tensor) -> Tensor:
        return log_likelihood(emissions, tags, mask, crf())

    assert torch.autograd.gradcheck(score, (emissions, *crf.parameters()))


def test_gradient_is_observed_minus_expected() -> None:
    """The textbook identity: d log p / d emission = 1[gold] - marginal. Padding gets no gradient."""
    crf, emissions, tags, mask = problem()
    emissions.requires_grad_()
    log_likelihood(emissions, tags, mask, crf()).sum().backward()
    gold = torch.nn.functional.one_hot(tags, 3) * mask.unsqueeze(2)
    assert emissions.grad is not None
    assert torch.allclose(emissions.grad, gold - posterior_marginals(emissions, mask, crf()))


@pytest.mark.parametrize("junk", [1e6, float("nan"), float("-inf")])
def test_padding_changes_nothing(junk: float) -> None:
    crf, emissions, tags, mask = problem()
    longer = torch.full((4, 7, 3), junk, dtype=torch.float64)
    longer[:, :4] = emissions.masked_fill(~mask.unsqueeze(2), junk)
    longer.requires_grad_()
    longer_tags = torch.full((4, 7), -100)
    longer_tags[:, :4] = tags.masked_fill(~mask, -100)
    longer_mask = torch.zeros(4, 7, dtype=torch.bool)
    longer_mask[:, :4] = mask
    likelihood = log_likelihood(longer, longer_tags, longer_mask, crf())
    assert torch.allclose(likelihood, log_likelihood(emissions, tags, mask, crf()))
    assert viterbi_decode(longer, longer_mask, crf()) == viterbi_decode(emissions, mask, crf())
    assert torch.allclose(
        posterior_marginals(longer, longer_mask, crf())[:, :4], posterior_marginals(emissions, mask, crf())
    )
    likelihood.sum().backward()
    assert longer.grad is not None
    assert torch.all(longer.grad[~longer_mask] == 0)
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in crf.parameters())


def test_rows_do_not_depend_on_each_other() -> None:
    crf, emissions, tags, mask = problem()
    together = log_likelihood(emissions, tags, mask, crf())
    for row in range(4):
        one = slice(row, row + 1)
        assert torch.allclose(log_likelihood(emissions[one], tags[one], mask[one], crf()), together[one])


@pytest.mark.parametrize("shape", [(0, 4), (2, 0)])
def test_empty_batches(shape: tuple[int, int]) -> None:
    crf = LinearChainCrf(3)
    emissions, mask = torch.zeros(*shape, 3), torch.zeros(shape, dtype=torch.bool)
    assert log_likelihood(emissions, torch.zeros(shape, dtype=torch.long), mask, crf()).tolist() == [0.0] * shape[0]
    assert viterbi_decode(emissions, mask, crf()) == [[]] * shape[0]
    assert posterior_marginals(emissions, mask, crf()).shape == (*shape, 3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sums_are_float32(dtype: torch.dtype) -> None:
    crf, emissions, tags, mask = problem()
    crf.float()
    emissions = emissions.to(dtype)
    expected = log_likelihood(emissions.float(), tags, mask, crf())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = log_likelihood(emissions, tags, mask, crf())
        assert posterior_marginals(emissions, mask, crf()).dtype == torch.float32
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def test_scores_can_travel_without_the_module() -> None:
    crf, emissions, tags, mask = problem()
    scores = tuple(score.detach().clone() for score in crf())
    assert torch.equal(log_likelihood(emissions, tags, mask, scores), log_likelihood(emissions, tags, mask, crf()))
    assert viterbi_decode(emissions, mask, scores) == viterbi_decode(emissions, mask, crf())
    assert torch.equal(posterior_marginals(emissions, mask, scores), posterior_marginals(emissions, mask, crf()))


def test_small_initial_scores() -> None:
    for parameter in LinearChainCrf(9).parameters():
        assert 0 < float(parameter.detach().abs().max()) <= 0.1


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 100.0, 30_000.0]))
def test_constraints_hold(seed: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    emissions = torch.randn(3, 9, len(LABELS), generator=generator) * scale
    mask = torch.arange(9) < torch.tensor([[9], [5], [0]])
    constraints = iob2_constraints(LABELS)
    crf = LinearChainCrf(len(LABELS))
    both = tuple(own + extra for own, extra in zip(crf(), constraints, strict=True))
    for paths in (viterbi_decode(emissions, mask, constraints), viterbi_decode(emissions, mask, both)):
        assert [len(path) for path in paths] == [9, 5, 0]
        for path in paths:
            assert invalid_transitions([LABELS[label] for label in path], "IOB2") == []


def test_constraints_leave_valid_paths_alone() -> None:
    labels = LABELS[:5]
    emissions = torch.zeros(1, 4, 5)
    for position, label in enumerate([1, 2, 4, 3]):  # B-A I-A I-b-c B-b-c: the third cannot stand
        emissions[0, position, label] = 5.0
    emissions[0, 2, 2] = 4.0
    mask = torch.ones(1, 4, dtype=torch.bool)
    assert viterbi_decode(emissions, mask, iob2_constraints(labels)) == [[1, 2, 2, 3]]


def test_constrained_marginals_forbid_too() -> None:
    constraints = iob2_constraints(LABELS)
    mask = torch.ones(1, 5, dtype=torch.bool)
    found = posterior_marginals(torch.randn(1, 5, len(LABELS)), mask, constraints)
    assert torch.allclose(found.sum(dim=2), torch.ones(1, 5))
    assert torch.all(found[..., LABELS.index("I-lonely")] == 0)
    assert torch.all(found[0, 0, [2, 4]] == 0)


def test_constraints_refuse_other_schemes() -> None:
    with pytest.raises(ValueError, match="not an IOB2 label"):
        iob2_constraints(["O", "S-A"])


def test_crf_learns_an_order() -> None:
    """Emissions say nothing: only transitions can tell that labels alternate."""
    torch.manual_seed(0)
    crf = LinearChainCrf(2)
    tags = torch.tensor([[0, 1, 0, 1, 0, 1]])
    emissions, mask = torch.zeros(1, 6, 2), torch.ones(1, 6, dtype=torch.bool)
    optimizer = torch.optim.SGD(crf.parameters(), lr=1.0)
    for _ in range(50):
        optimizer.zero_grad()
        (-log_likelihood(emissions, tags, mask, crf()).sum()).backward()
        optimizer.step()
    assert viterbi_decode(emissions, mask, crf()) == tags.tolist()
