"""Which examples go into which batch: pure functions from lengths to lists of indices.

Batches of like lengths hold little padding. Indices stand for the examples whose lengths were given.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from taskzoo.errors import RequestError


def plan_epoch(
    lengths: Sequence[int],
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    pool: int = 100,
    target_lengths: Sequence[int] | None = None,
) -> list[list[int]]:
    """The batches of one training epoch: every index once, batches of ``batch_size`` but for one that is smaller.

    Indices are shuffled and cut into pools of about ``pool`` batches; each pool is sorted by length, and where targets
    have lengths, too, by theirs, and cut into batches; the batches of all pools are shuffled. A function of its
    arguments alone, so that a resumed run finds the same plan.

    Raises:
        RequestError: a batch size or pool below 1, or a negative seed.
    """
    _at_least("batch size", batch_size, 1)
    _at_least("pool", pool, 1)
    _at_least("seed", seed, 0)
    _at_least("epoch", epoch, 0)
    size = np.asarray(lengths, dtype=np.int64)
    target = np.zeros_like(size) if target_lengths is None else np.asarray(target_lengths, dtype=np.int64)
    generator = np.random.Generator(np.random.PCG64([seed, epoch]))
    shuffled = generator.permutation(len(size))
    count = -(-len(size) // batch_size)
    pools = max(1, -(-count // pool))
    # Pools of nearly as many batches each: a small pool at the end would hold much padding.
    bounds = [batch_size * (count * i // pools) for i in range(pools + 1)]
    batches: list[list[int]] = []
    for start, end in pairwise(bounds):
        drawn = shuffled[start:end]
        drawn = drawn[np.lexsort((target[drawn], size[drawn]))]
        batches.extend(drawn[i : i + batch_size].tolist() for i in range(0, len(drawn), batch_size))
    return [batches[i] for i in generator.permutation(len(batches))]


def split_batch(batch: Sequence[int], parts: int) -> list[list[int]]:
    """A global batch as ``parts`` micro-batches, in order; sizes differ by at most one, and may be 0.

    Raises:
        RequestError: less than one part.
    """
    _at_least("number of parts", parts, 1)
    return [part.tolist() for part in np.array_split(np.asarray(batch, dtype=object), parts)]


def plan_evaluation(lengths: Sequence[int], *, max_tokens: int, max_examples: int) -> list[list[int]]:
    """Batches for prediction, longest first, so that lack of memory shows at once.

    A batch holds at most ``max_examples`` and, padded, at most ``max_tokens``; an example longer than that has a
    batch of its own.

    Raises:
        RequestError: a limit below 1.
    """
    _at_least("number of tokens in a batch", max_tokens, 1)
    _at_least("number of examples in a batch", max_examples, 1)
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    batches: list[list[int]] = []
    for index in order:
        last = batches[-1] if batches else None
        if last and len(last) < max_examples and (len(last) + 1) * lengths[last[0]] <= max_tokens:
            last.append(index)
        else:
            batches.append([index])
    return batches


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise RequestError(f"The {name} is {value} and must be at least {least}.")
