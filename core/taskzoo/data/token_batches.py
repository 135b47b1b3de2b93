"""Training epochs whose batches are counted in tokens: about as much work in every step, whatever the lengths.

With inputs and targets (translation, summaries) an example has two lengths, and a batch is padded on both sides. So
examples are sorted into strips of like inputs, and within a strip by their targets, up and down in turn, so that
neighbours are alike on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import RequestError

STRIPS = (0, 1, 4, 8, 16, 32, 64)
"""Numbers of strips that are tried (0: one for every length of an input); the one with least padding is taken."""
REACHES = (2.0, 1.0, 0.5)
"""How far an example may move from its sorted place in an epoch, in batches: the widest that costs little."""
LITTLE = 0.06
"""More batches than the tokens alone would fill."""


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

    Attributes:
        steps: the number of batches in each epoch.

    Raises:
        RequestError: fewer than one token.
    """

    def __init__(self, lengths: Sequence[int], target_lengths: Sequence[int], *, batch_tokens: int) -> None:
        if batch_tokens < 1:
            raise RequestError(f"The number of tokens in a batch is {batch_tokens} and must be at least 1.")
        inputs, targets = np.asarray(lengths, dtype=np.int64), np.asarray(target_lengths, dtype=np.int64)
        self._batch_tokens = batch_tokens
        self._order = min(
            (_in_strips(inputs, targets, count) for count in STRIPS),
            key=lambda order: _padded_estimate(inputs[order], targets[order], batch_tokens),
        )
        inputs, targets = inputs[self._order], targets[self._order]
        self._place = np.cumsum(inputs + targets) / batch_tokens
        for self._reach in REACHES:
            self._ends = self._cut(inputs, targets)
            self.steps = len(self._ends)
            if self.steps <= (1 + LITTLE) * (inputs + targets).sum() / batch_tokens:
                break

    def batches(self, *, seed: int, epoch: int) -> list[list[int]]:
        """Every index once, in :attr:`steps` batches."""
        generator = np.random.Generator(np.random.PCG64([seed, epoch]))
        # The example that comes k-th by a moved place had a place within reach of the k-th place.
        moved = np.argsort(self._place + self._reach * generator.random(len(self._place)), kind="stable")
        batches = np.split(self._order[moved], self._ends[:-1]) if self.steps else []
        return [batches[i].tolist() for i in generator.permutation(self.steps)]

    def _cut(self, inputs: np.ndarray, targets: np.ndarray) -> list[int]:
        """Where each batch ends, as full as the budget allows."""
        margin = self._reach + 1e-6  # rounding may carry an example a little further
        first = np.searchsorted(self._place, self._place - margin, side="left").tolist()
        end = np.searchsorted(self._place, self._place + margin, side="right").tolist()
        all_inputs, all_targets = inputs.tolist(), targets.tolist()
        ends: list[int] = []
        start = longest_input = longest_target = seen = 0
        for here in range(len(all_inputs)):
            for new in (False, True):  # into the batch at hand, and if that gets too large, into a new one
                if new or here == start:
                    start, seen, longest_input, longest_target = here, first[here], 0, 0
                for other in range(seen, end[here]):  # those that may take this place
                    longest_input = max(longest_input, all_inputs[other])
                    longest_target = max(longest_target, all_targets[other])
                seen = max(seen, end[here])
                cost = (here + 1 - start) * (longest_input + longest_target)
                if cost <= self._batch_tokens or here == start:
                    break
                ends.append(here)
        return [*ends, len(all_inputs)] if all_inputs else []


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
