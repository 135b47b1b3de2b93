from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.data.batching import plan_epoch, plan_evaluation, split_batch
from taskzoo.errors import RequestError

_LENGTHS = st.lists(st.integers(0, 600), max_size=200)


def realistic(count: int = 3400, spread: float = 0.5) -> list[int]:
    """Lognormal lengths of mean 31, like those of short messages."""
    drawn = np.random.default_rng(0).lognormal(math.log(31) - spread**2 / 2, spread, count)
    return [max(1, round(length)) for length in drawn]


def padding_share(lengths: Sequence[int], batches: Iterable[Sequence[int]]) -> float:
    """The share of positions that are padding when each batch is padded to its longest example."""
    real = padded = 0
    for batch in batches:
        sizes = [lengths[i] for i in batch]
        real += sum(sizes)
        padded += max(sizes, default=0) * len(sizes)
    return 1 - real / padded if padded else 0.0


@given(_LENGTHS, st.integers(1, 40), st.integers(0, 9), st.integers(0, 9), st.integers(1, 9))
def test_an_epoch_holds_every_index_once(lengths: list[int], batch_size: int, seed: int, epoch: int, pool: int) -> None:
    batches = plan_epoch(lengths, batch_size=batch_size, seed=seed, epoch=epoch, pool=pool)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert len(batches) == math.ceil(len(lengths) / batch_size)
    sizes = sorted(len(batch) for batch in batches)
    assert all(size == batch_size for size in sizes[1:])
    assert all(type(i) is int for batch in batches for i in batch)


@pytest.mark.parametrize("spread", [0.4, 0.5, 0.6])
@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_padding_is_below_5_percent(spread: float, epoch: int) -> None:
    lengths = realistic(spread=spread)
    assert padding_share(lengths, plan_epoch(lengths, batch_size=32, seed=0, epoch=epoch)) < 0.05
    in_order = [list(range(i, min(i + 32, len(lengths)))) for i in range(0, len(lengths), 32)]
    assert padding_share(lengths, in_order) > 0.3


def test_examples_with_like_targets_go_together() -> None:
    """Short inputs whose targets vary: sorting by both pads a third as much as sorting by the input."""
    generator = np.random.default_rng(0)
    inputs, targets = (generator.integers(3, 3 + most, 20_000).tolist() for most in (6, 30))

    def padding(batches: list[list[int]]) -> float:
        return padding_share(targets, batches)

    alone = plan_epoch(inputs, batch_size=32, seed=0, epoch=0)
    both = plan_epoch(inputs, batch_size=32, seed=0, epoch=0, target_lengths=targets)
    assert padding(alone) > 0.4
    assert padding(both) < 0.1
    assert padding_share(inputs, both) == pytest.approx(padding_share(inputs, alone))
    assert plan_epoch(inputs, batch_size=32, seed=0, epoch=0, target_lengths=[0] * len(inputs)) == alone


def test_padding_is_below_5_percent_for_many_examples() -> None:
    lengths = realistic(50_000)
    assert padding_share(lengths, plan_epoch(lengths, batch_size=32, seed=0, epoch=0)) < 0.05


def test_the_plan_depends_on_seed_and_epoch_alone() -> None:
    lengths = realistic(500)

    def plan(seed: int, epoch: int) -> list[list[int]]:
        return plan_epoch(lengths, batch_size=16, seed=seed, epoch=epoch)

    np.random.seed(7)
    assert plan(0, 0) == plan(0, 0)
    assert plan(0, 0) != plan(0, 1)
    assert plan(0, 1) != plan(1, 0)
    first, second = ({frozenset(batch) for batch in plan(0, epoch)} for epoch in (0, 1))
    assert len(first & second) < len(first) / 2


def test_batches_are_not_in_order_of_length() -> None:
    lengths = realistic()
    longest = [max(lengths[i] for i in batch) for batch in plan_epoch(lengths, batch_size=32, seed=0, epoch=0)]
    assert abs(np.corrcoef(longest, range(len(longest)))[0, 1]) < 0.3


@given(st.lists(st.integers(), max_size=50), st.integers(1, 12))
def test_split_batch_keeps_order_and_balance(batch: list[int], parts: int) -> None:
    split = split_batch(batch, parts)
    assert len(split) == parts
    assert [i for part in split for i in part] == batch
    sizes = [len(part) for part in split]
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)


@given(_LENGTHS, st.integers(1, 2000), st.integers(1, 40))
def test_evaluation_batches_are_bounded(lengths: list[int], max_tokens: int, max_examples: int) -> None:
    batches = plan_evaluation(lengths, max_tokens=max_tokens, max_examples=max_examples)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[i] for i in batch)
        assert 1 <= len(batch) <= max_examples
        assert len(batch) == 1 or longest * len(batch) <= max_tokens
    flat = [lengths[i] for batch in batches for i in batch]
    assert flat == sorted(lengths, reverse=True)


def test_evaluation_batches_are_full() -> None:
    assert plan_evaluation([5, 5, 10, 5], max_tokens=10, max_examples=9) == [[2], [0, 1], [3]]
    assert plan_evaluation([5, 5, 10, 5], max_tokens=99, max_examples=2) == [[2, 0], [1, 3]]


def test_padding_share() -> None:
    assert padding_share([1, 3], [[0, 1]]) == pytest.approx(1 / 3)
    assert padding_share([1, 3], [[0], [1]]) == 0
    assert padding_share([], []) == 0
    assert padding_share([0], [[0], []]) == 0


@pytest.mark.parametrize("settings", [{"batch_size": 0}, {"batch_size": 1, "pool": 0}, {"batch_size": 1, "seed": -1}])
def test_limits_that_make_no_sense(settings: dict[str, int]) -> None:
    with pytest.raises(RequestError, match="must be at least"):
        plan_epoch([1, 2], **{"seed": 0, "epoch": 0, **settings})
    with pytest.raises(RequestError, match="must be at least 1"):
        split_batch([1], 0)
    with pytest.raises(RequestError, match="must be at least 1"):
        plan_evaluation([1], max_tokens=0, max_examples=1)


def test_data_imports_no_torch() -> None:
    code = "import sys, taskzoo.data; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
