"""Training epochs whose batches are counted in tokens: about as much work in every step, whatever the lengths.

With inputs and targets (translation, summaries) an example has two lengths, and a batch is padded on both sides. So
examples are sorted into strips of like inputs, and within a strip by their targets, up and down in turn, so that
neighbours are alike on both sides. Batches of alike sentences teach less than mixed ones, so the sorted examples may be
dealt like cards into pools, each of which has all lengths and is cut into batches for itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import RequestError

STRIPS = (0, 1, 4, 8, 16, 32, 64)
"""Numbers of strips that are tried (0: one for every length of an input); the one with least padding is taken."""
FARTHEST, NEAREST = 2.0, 0.5
"""How far an example may move from its sorted place in an epoch, in batches: the widest that costs little."""
LITTLE = 0.04
"""More batches than there would be if no example moved."""


class TokenPlan:
    """The batches of all epochs; a function of its arguments alone, so that a resumed run finds the same plan.

    A batch costs examples x (longest input + longest target), its padded tokens on both sides. Sorted places are cut
    into batches once, so every epoch has as many. Each epoch moves the examples a little, and shuffles the batches. A
    batch is cut for the longest examples that can get into it, so it never costs more than ``batch_tokens``, but for a
    single example that is longer.

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

    def __init__(
        self, lengths: Sequence[int], target_lengths: Sequence[int], *, batch_tokens: int, pool: int = 0
    ) -> None:
        if batch_tokens < 1:
            raise RequestError(f"The number of tokens in a batch is {batch_tokens} and must be at least 1.")
        inputs, targets = np.asarray(lengths, dtype=np.int64), np.asarray(target_lengths, dtype=np.int64)
        self._batch_tokens = batch_tokens
        self._pools = max(1, round((inputs + targets).sum() / batch_tokens / pool)) if pool else 1
        self._dealt = np.concatenate([np.arange(p, len(inputs), self._pools) for p in range(self._pools)])
        self._order = min(
            (_in_strips(inputs, targets, count) for count in STRIPS),
            key=lambda order: _padded_estimate(inputs[order][self._dealt], targets[order][self._dealt], batch_tokens),
        )
        inputs, targets = inputs[self._order], targets[self._order]
        self._place = np.cumsum(inputs + targets) / batch_tokens
        least = len(self._cut(inputs, targets, 0.0))
        self._reach = FARTHEST * self._pools  # neighbours of a pool are as many places apart as there are pools
        self._ends = self._cut(inputs, targets, self._reach)
        while len(self._ends) > (1 + LITTLE) * least and self._reach > NEAREST:
            self._reach /= 2
            self._ends = self._cut(inputs, targets, self._reach)
        self.steps = len(self._ends)

    def batches(self, *, seed: int, epoch: int) -> list[list[int]]:
        """Every index once, in :attr:`steps` batches."""
        generator = np.random.Generator(np.random.PCG64([seed, epoch]))
        # The example that comes k-th by a moved place had a place within reach of the k-th place.
        moved = np.argsort(self._place + self._reach * generator.random(len(self._place)), kind="stable")
        batches = np.split(self._order[moved[self._dealt]], self._ends[:-1]) if self.steps else []
        return [batches[i].tolist() for i in generator.permutation(self.steps)]

    def _cut(self, inputs: np.ndarray, targets: np.ndarray, reach: float) -> list[int]:
        """Where each batch ends among the examples as they are dealt, as full as the budget allows."""
        margin = reach + 1e-6  # rounding may carry an example a little further
        first = np.searchsorted(self._place, self._place - margin, side="left")
        end = np.searchsorted(self._place, self._place + margin, side="right")
        worst = [_window_maxima(lengths, first, end)[self._dealt].tolist() for lengths in (inputs, targets)]
        closed = set(np.flatnonzero(np.diff(self._dealt) < 0).tolist())  # the last place of each pool
        ends: list[int] = []
        start = longest_input = longest_target = 0
        for here, (an_input, a_target) in enumerate(zip(*worst, strict=True)):
            longest_input, longest_target = max(longest_input, an_input), max(longest_target, a_target)
            if here > start and (here + 1 - start) * (longest_input + longest_target) > self._batch_tokens:
                ends.append(here)
                start, longest_input, longest_target = here, an_input, a_target
            if here in closed:
                ends.append(here + 1)
                start, longest_input, longest_target = here + 1, 0, 0
        return [*ends, len(inputs)] if len(inputs) else []


def _window_maxima(values: np.ndarray, first: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The largest of ``values[first[i]:end[i]]`` for each i; no window is empty. Shapes ``[N]``.

    Two overlapping spans whose length is a power of two cover a window.
    """
    result = np.empty_like(values)
    exponent = np.log2(np.maximum(end - first, 1)).astype(np.int64)
    table = values
    for power in range(int(exponent.max()) + 1 if len(values) else 0):
        here = np.flatnonzero(exponent == power)
        result[here] = np.maximum(table[first[here]], table[end[here] - (1 << power)])
        table = np.maximum(table[: -(1 << power)], table[(1 << power) :])
    return result


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


def _padded_estimate(inputs: np.ndarray, targets: np.ndarray, batch_tokens: int) -> int:
    """Padded tokens if batches held ``batch_tokens`` without their padding."""
    batch = (np.cumsum(inputs + targets) - 1) // batch_tokens
    starts = np.flatnonzero(np.diff(batch, prepend=-1))
    if not len(starts):
        return 0
    sizes = np.diff(starts, append=len(inputs))
    return int((sizes * (np.maximum.reduceat(inputs, starts) + np.maximum.reduceat(targets, starts))).sum())
