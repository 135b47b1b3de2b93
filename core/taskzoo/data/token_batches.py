"""Training epochs whose batches are counted in tokens: about as much work in every step, whatever the lengths.

With inputs and targets (translation, summaries) an example has two lengths, and a batch is padded on both sides. So
examples are sorted into strips of like inputs, and within a strip by their targets, up and down in turn, so that
neighbours are alike on both sides. Batches of alike sentences teach less than mixed ones, so the sorted examples may be
dealt like cards into pools, each of which has all lengths and is cut into batches for itself.
"""

from __future__ import annotations

import numpy as np

from taskzoo.errors import RequestError

from .batching import Lengths

STRIPS = (0, 1, 4, 8, 16, 32, 64)
"""Numbers of strips that are tried (0: one for every length of an input); the one with least padding is taken."""
BLOCKS = (4, 1.4, 0.5, 0.25)
"""How many batches of neighbours trade places in each epoch: the most that costs little."""
LITTLE = 0.03
"""More batches than there would be if no example moved."""


class TokenPlan:
    """The batches of all epochs; a function of its arguments alone, so that a resumed run finds the same plan.

    A batch costs examples x (longest input + longest target), its padded tokens on both sides. Sorted places are cut
    into batches once, greedily, so every epoch has as many. Each epoch shuffles the examples of a block of neighbours,
    and the batches. A batch is cut for the longest examples of its blocks, so it never costs more than
    ``batch_tokens``, but for a single example that is longer.

    Args:
        lengths: tokens of each example's input.
        target_lengths: tokens of each example's target, 0 for none.
        batch_tokens: padded tokens of a batch.
        pool: about so many batches are cut from one pool (0: all from the same).

    Attributes:
        steps: the number of batches in each epoch.

    Raises:
        RequestError: fewer than one token.
    """

    def __init__(self, lengths: Lengths, target_lengths: Lengths, *, batch_tokens: int, pool: int = 0) -> None:
        if batch_tokens < 1:
            raise RequestError(f"The number of tokens in a batch is {batch_tokens} and must be at least 1.")
        inputs, targets = np.asarray(lengths, dtype=np.int64), np.asarray(target_lengths, dtype=np.int64)
        self._batch_tokens = batch_tokens
        pools = max(1, round((inputs + targets).sum() / batch_tokens / pool)) if pool else 1
        self._dealt = np.concatenate([np.arange(start, len(inputs), pools) for start in range(pools)])
        orders = [_in_strips(inputs, targets, count) for count in STRIPS]
        still = np.arange(len(inputs))  # every example is a block
        cuts = [self._cut(inputs[order], targets[order], still) for order in orders]
        best = min(range(len(orders)), key=lambda number: len(cuts[number]))
        self._order = orders[best]
        inputs, targets = inputs[self._order], targets[self._order]
        for size in BLOCKS:  # neighbours of a pool are as many places apart as there are pools
            self._block = np.cumsum(inputs + targets) // (size * pools * batch_tokens)
            self._ends = self._cut(inputs, targets, self._block)
            if len(self._ends) <= (1 + LITTLE) * len(cuts[best]):
                break
        self.steps = len(self._ends)

    def batches(self, *, seed: int, epoch: int) -> list[list[int]]:
        """Every index once, in :attr:`steps` batches."""
        generator = np.random.Generator(np.random.PCG64([seed, epoch]))
        moved = np.lexsort((generator.random(len(self._order)), self._block))
        batches = np.split(self._order[moved[self._dealt]], self._ends[:-1]) if self.steps else []
        return [batches[i].tolist() for i in generator.permutation(self.steps)]

    def _cut(self, inputs: np.ndarray, targets: np.ndarray, block: np.ndarray) -> list[int]:
        """Where each batch ends among the examples as they are dealt, as full as the budget allows."""
        if not len(inputs):
            return []
        starts, place = np.unique(block, return_index=True, return_inverse=True)[1:]
        longest = [np.maximum.reduceat(sizes, starts)[place][self._dealt].tolist() for sizes in (inputs, targets)]
        new_pool = {0, *(np.flatnonzero(np.diff(self._dealt) < 0) + 1).tolist()}
        ends: list[int] = []
        start = most_input = most_target = 0
        for here, (an_input, a_target) in enumerate(zip(*longest, strict=True)):
            widest = max(most_input, an_input) + max(most_target, a_target)
            if here in new_pool or (here + 1 - start) * widest > self._batch_tokens:
                ends.append(here)
                start, most_input, most_target = here, 0, 0
            most_input, most_target = max(most_input, an_input), max(most_target, a_target)
        return [*ends[1:], len(inputs)]


def _in_strips(inputs: np.ndarray, targets: np.ndarray, count: int) -> np.ndarray:
    """The indices sorted by strip of inputs, then by target; strips hold as many tokens each."""
    if count:
        by_input = np.argsort(inputs, kind="stable")
        tokens = np.cumsum((inputs + targets)[by_input])
        strip = np.empty(len(inputs), dtype=np.int64)
        strip[by_input] = tokens * count // (tokens[-1:] + 1)
    else:
        strip = np.unique(inputs, return_inverse=True)[1]
    return np.lexsort((inputs, np.where(strip % 2, -targets, targets), strip))
