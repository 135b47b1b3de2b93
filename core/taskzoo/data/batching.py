"""Which examples go into which batch: pure functions from lengths to lists of indices.

Batches of like lengths hold little padding. Indices stand for the examples whose lengths were given.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import overload

import numpy as np

from taskzoo.errors import RequestError

Lengths = Sequence[int] | np.ndarray


def plan_epoch(
    lengths: Lengths,
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    pool: int = 100,
    target_lengths: Lengths | None = None,
) -> list[list[int]]:
    """The batches of an :class:`EpochPlan`, with the same arguments, as lists."""
    plan = EpochPlan(lengths, batch_size=batch_size, seed=seed, epoch=epoch, pool=pool, target_lengths=target_lengths)
    return list(plan)


class EpochPlan(Sequence[list[int]]):
    """The batches of one training epoch: every index once, batches of ``batch_size`` but for one that is smaller.

    Indices are shuffled and cut into pools of about ``pool`` batches; each pool is sorted by length, and where targets
    have lengths, too, by theirs, and cut into batches; the batches of all pools are shuffled. A function of its
    arguments alone, so that a resumed run finds the same plan.

    Raises:
        RequestError: a batch size or pool below 1, or a negative seed.
    """

    def __init__(
        self,
        lengths: Lengths,
        *,
        batch_size: int,
        seed: int,
        epoch: int,
        pool: int = 100,
        target_lengths: Lengths | None = None,
    ) -> None:
        _at_least("batch size", batch_size, 1)
        _at_least("pool", pool, 1)
        _at_least("seed", seed, 0)
        _at_least("epoch", epoch, 0)
        size = np.asarray(lengths)
        target = np.zeros_like(size) if target_lengths is None else np.asarray(target_lengths)
        generator = np.random.Generator(np.random.PCG64([seed, epoch]))
        order = generator.permutation(len(size)).astype(np.int32)
        count = -(-len(size) // batch_size)
        pools = max(1, -(-count // pool))
        # Pools of nearly as many batches each: a small pool at the end would hold much padding.
        for start, end in pairwise(batch_size * (count * i // pools) for i in range(pools + 1)):
            drawn = order[start:end]
            order[start:end] = drawn[np.lexsort((target[drawn], size[drawn]))]
        self._order, self._size, self._batches = order, batch_size, generator.permutation(count)

    def __len__(self) -> int:
        return len(self._batches)

    @overload
    def __getitem__(self, index: int) -> list[int]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[int]]: ...
    def __getitem__(self, index: int | slice) -> list[int] | list[list[int]]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        start = int(self._batches[index]) * self._size
        found: list[int] = self._order[start : start + self._size].tolist()
        return found


def split_batch(batch: Sequence[int], parts: int) -> list[list[int]]:
    """A global batch as ``parts`` micro-batches, in order; sizes differ by at most one, and may be 0.

    Raises:
        RequestError: less than one part.
    """
    _at_least("number of parts", parts, 1)
    return [part.tolist() for part in np.array_split(np.asarray(batch, dtype=object), parts)]


def plan_evaluation(lengths: Lengths, *, max_tokens: int, max_examples: int) -> list[list[int]]:
    """Batches for prediction, longest first, so that lack of memory shows at once.

    A batch holds at most ``max_examples`` and, padded, at most ``max_tokens``; an example longer than that has a
    batch of its own.

    Raises:
        RequestError: a limit below 1.
    """
    _at_least("number of tokens in a batch", max_tokens, 1)
    _at_least("number of examples in a batch", max_examples, 1)
    size = np.asarray(lengths)
    lengths = size.tolist()
    batches: list[list[int]] = []
    for index in np.argsort(-size, kind="stable").tolist():
        last = batches[-1] if batches else None
        if last and len(last) < max_examples and (len(last) + 1) * lengths[last[0]] <= max_tokens:
            last.append(index)
        else:
            batches.append([index])
    return batches


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise RequestError(f"The {name} is {value} and must be at least {least}.")
