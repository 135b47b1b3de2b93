from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.data.token_batches import TokenPlan
from taskzoo.errors import RequestError

_PAIRS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=120)


def translations(count: int, *, mean: float = 25, noise: float = 0.2) -> tuple[list[int], list[int]]:
    """Lognormal lengths as of sentences, and of their translations: correlation 0.94."""
    generator = np.random.default_rng(0)
    inputs = generator.lognormal(math.log(mean) - 0.18, 0.6, count)
    targets = inputs * generator.lognormal(0, noise, count)
    return [max(1, round(length)) for length in inputs], [max(1, round(length)) for length in targets]


def cost(inputs: list[int], targets: list[int], batch: list[int]) -> int:
    return len(batch) * (max(inputs[i] for i in batch) + max(targets[i] for i in batch))


def padding(inputs: list[int], targets: list[int], batches: list[list[int]]) -> float:
    return 1 - (sum(inputs) + sum(targets)) / sum(cost(inputs, targets, batch) for batch in batches)


@given(_PAIRS, st.integers(1, 500), st.integers(0, 9), st.integers(0, 9), st.integers(0, 4))
def test_every_index_once_within_the_budget(
    pairs: list[tuple[int, int]], budget: int, seed: int, epoch: int, pool: int
) -> None:
    inputs, targets = [a for a, _ in pairs], [b for _, b in pairs]
    plan = TokenPlan(inputs, targets, batch_tokens=budget, pool=pool)
    batches = plan.batches(seed=seed, epoch=epoch)
    assert sorted(i for batch in batches for i in batch) == list(range(len(pairs)))
    assert len(batches) == plan.steps
    assert all(len(batch) == 1 or cost(inputs, targets, batch) <= budget for batch in batches if batch)
    assert all(batches)
    assert all(type(i) is int for batch in batches for i in batch)


@pytest.mark.parametrize(("budget", "most"), [(1024, 0.03), (2048, 0.04), (4096, 0.07)])
def test_padding_is_small_on_both_sides(budget: int, most: float) -> None:
    inputs, targets = translations(30_000)
    plan = TokenPlan(inputs, targets, batch_tokens=budget)
    for epoch in range(3):
        batches = plan.batches(seed=0, epoch=epoch)
        assert padding(inputs, targets, batches) < most
        assert np.mean([cost(inputs, targets, batch) for batch in batches]) > 0.93 * budget


def test_examples_of_one_length_change_their_company_from_epoch_to_epoch() -> None:
    plan = TokenPlan([3] * 5000, [4] * 5000, batch_tokens=500)
    first, second = (plan.batches(seed=0, epoch=epoch) for epoch in (0, 1))
    before = {i: number for number, batch in enumerate(first) for i in batch}
    together = [sum(before[i] == before[batch[0]] for i in batch[1:]) / (len(batch) - 1) for batch in second]
    assert np.mean(together) < 0.4


def test_summaries_have_little_padding_too() -> None:
    """No input is as long as another, and targets vary much; sorting by the input alone pads twice as much."""
    inputs, targets = translations(5000, mean=500, noise=0.4)
    targets = [math.ceil(length * 0.12) for length in targets]
    batches = TokenPlan(inputs, targets, batch_tokens=8192).batches(seed=0, epoch=0)
    assert padding(inputs, targets, batches) < 0.05


def test_the_plan_depends_on_seed_and_epoch_alone() -> None:
    inputs, targets = translations(3000)
    plan = TokenPlan(inputs, targets, batch_tokens=2048)
    np.random.seed(7)
    again = TokenPlan(inputs, targets, batch_tokens=2048).batches(seed=0, epoch=0)
    assert plan.batches(seed=0, epoch=0) == again
    found = [plan.batches(seed=seed, epoch=epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    sets = [{frozenset(batch) for batch in batches if len(batch) > 1} for batches in found]
    assert len(sets[0] & sets[1]) < len(sets[0]) / 20
    assert len(sets[1] & sets[2]) < len(sets[1]) / 20


def test_batches_are_not_in_order_of_length() -> None:
    inputs, targets = translations(5000)
    batches = TokenPlan(inputs, targets, batch_tokens=1024).batches(seed=0, epoch=0)
    longest = [max(inputs[i] for i in batch) for batch in batches]
    assert abs(np.corrcoef(longest, range(len(longest)))[0, 1]) < 0.2


def test_pools_mix_lengths_and_company_at_a_little_padding() -> None:
    inputs, targets = translations(10_000)
    sorted_plan, plan = (TokenPlan(inputs, targets, batch_tokens=1024, pool=pool) for pool in (0, 8))
    first, second = (plan.batches(seed=0, epoch=epoch) for epoch in (0, 1))
    alike = sorted_plan.batches(seed=0, epoch=0)
    spread, before = (np.mean([np.ptp([inputs[i] for i in b]) for b in batches]) for batches in (first, alike))
    assert spread > 2 * before
    assert padding(inputs, targets, first) < 0.2
    old = {i: number for number, batch in enumerate(first) for i in batch}
    together = [np.mean([old[i] == old[b[0]] for i in b[1:]]) for b in second if len(b) > 1]
    assert np.mean(together) < 0.1


def test_examples_above_the_budget_stand_alone() -> None:
    plan = TokenPlan([9, 100, 1, 1], [1, 1, 1, 200], batch_tokens=10)
    assert sorted(map(sorted, plan.batches(seed=0, epoch=0))) == [[0], [1], [2], [3]]


def test_a_budget_of_nothing() -> None:
    with pytest.raises(RequestError, match="must be at least 1"):
        TokenPlan([1], [1], batch_tokens=0)
    assert TokenPlan([], [], batch_tokens=5).batches(seed=0, epoch=0) == []
