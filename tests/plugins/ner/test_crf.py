from __future__ import annotations

from itertools import pairwise, product

import pytest
import torch
from torch import Tensor

from taskzoo_ner.chain import Scores, posterior_marginals, viterbi_decode
from taskzoo_ner.crf import LinearChainCrf, log_likelihood

LENGTHS = [4, 1, 0, 3]


def problem(size: int = 3, seed: int = 0, scale: float = 2.0) -> tuple[LinearChainCrf, Tensor, Tensor, Tensor]:
    """``(crf, emissions [4, 4, L], tags [4, 4], mask [4, 4])`` in float64, with scores that matter."""
    torch.manual_seed(seed)
    crf = LinearChainCrf(size).double()
    for parameter in crf.parameters():
        torch.nn.init.normal_(parameter, std=scale)
    emissions = torch.randn(len(LENGTHS), 4, size, dtype=torch.float64) * scale
    mask = torch.arange(4) < torch.tensor(LENGTHS).unsqueeze(1)
    return crf, emissions, torch.randint(size, (len(LENGTHS), 4)), mask


def learnt(crf: LinearChainCrf) -> Scores:
    """The scores as decoding takes them."""
    transitions, start, end = (score.detach().double().numpy() for score in crf())
    return transitions, start, end


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
    marginals = posterior_marginals(emissions.detach().numpy(), mask.numpy(), learnt(crf))
    assert torch.allclose(emissions.grad, gold - torch.from_numpy(marginals))


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


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sums_are_float32(dtype: torch.dtype) -> None:
    crf, emissions, tags, mask = problem()
    crf.float()
    emissions = emissions.to(dtype)
    expected = log_likelihood(emissions.float(), tags, mask, crf())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = log_likelihood(emissions, tags, mask, crf())
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def test_scores_can_travel_without_the_module() -> None:
    crf, emissions, tags, mask = problem()
    scores = tuple(score.detach().clone() for score in crf())
    assert torch.equal(log_likelihood(emissions, tags, mask, scores), log_likelihood(emissions, tags, mask, crf()))


def test_small_initial_scores() -> None:
    for parameter in LinearChainCrf(9).parameters():
        assert 0 < float(parameter.detach().abs().max()) <= 0.1


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
    assert viterbi_decode(emissions.numpy(), mask.numpy(), learnt(crf)) == tags.tolist()
