"""Which examples each optimizer step sees."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from taskzoo.config import Training
from taskzoo.data.batching import EpochPlan, split_batch
from taskzoo.data.features import lengths_of
from taskzoo.data.token_batches import TokenPlan
from taskzoo.types import Feature


@dataclass(slots=True)
class StepPlan:
    """The steps of a training; the order of examples depends only on seed and epoch.

    Attributes:
        per_epoch: optimizer steps in one pass.
        last_step: optimizer steps in all; a time limit may lower it.
        epoch: from the number of an epoch to its steps: the indices of the examples of each.
    """

    per_epoch: int
    last_step: int
    epoch: Callable[[int], Sequence[list[int]]]

    def after(self, step: int) -> Iterator[list[int]]:
        """What each step after ``step`` sees."""
        while step < self.last_step:
            epoch, offset = divmod(step, self.per_epoch)
            batches = self.epoch(epoch)
            end = min(len(batches), offset + self.last_step - step)
            yield from (batches[number] for number in range(offset, end))
            step += end - offset


def plan_steps(features: Sequence[Feature], settings: Training) -> StepPlan:
    """A step sees ``batch_tokens`` tokens or ``batch_size`` examples; a smaller last batch is a step of its own."""
    lengths, targets = lengths_of(features)
    size, seed, pool = settings.batch_size, settings.seed, settings.length_pool
    if settings.batch_tokens:
        plan = TokenPlan(lengths, targets, batch_tokens=settings.batch_tokens, pool=pool)
        batches: Callable[..., Sequence[list[int]]] = partial(plan.batches, seed=seed)
        per_epoch = plan.steps
    else:
        per_epoch = math.ceil(len(features) / size)
        batches = partial(EpochPlan, lengths, batch_size=size, seed=seed, pool=pool, target_lengths=targets)
    last_step = settings.max_steps or max(1, settings.min_steps, math.ceil(settings.epochs * per_epoch))
    return StepPlan(per_epoch, last_step, lambda number: batches(epoch=number))


def own_share(examples: list[int], micro_batch_size: int, world: int, rank: int) -> list[tuple[list[int], bool]]:
    """This process's micro-batches of one step, each with whether it only stands in for an empty one.

    All processes get the same number of micro-batches, so that they meet at every synchronisation; one without an
    example of its own runs another's, and its loss counts zero.
    """
    shares = split_batch(examples, world)
    count = math.ceil(max(map(len, shares)) / micro_batch_size) if micro_batch_size else 1
    return [(part or examples[:1], not part) for part in split_batch(shares[rank], count)]
