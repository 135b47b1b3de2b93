"""Stopping at a gradient that is not finite, without making a GPU wait for the answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from taskzoo.errors import TrainingError


@dataclass(slots=True)
class FiniteCheck:
    """Looks at the norm of the gradient of every step: on a CPU at once, on a GPU one step late.

    To read a number from a GPU is to wait until all that it was given is computed, and then it idles until it is given
    more. So the norm is copied to the host in the background and read when the next step is on its way. Whoever keeps,
    shows or judges the weights of a step calls :meth:`settle` first.

    Args:
        error: for a step and its examples (their indices), what is raised.
        late: whether norms are read one step late.
    """

    error: Callable[[int, list[int]], TrainingError]
    late: bool
    _waiting: tuple[int, Callable[[], list[float]], list[int]] | None = field(default=None, init=False)

    def look(self, step: int, norm: torch.Tensor, examples: list[int]) -> None:
        """Take note of ``norm``, a scalar, of ``step`` on ``examples``.

        Raises:
            TrainingError: it is not finite, or that of the step before is not.
        """
        self.settle()
        self._waiting = (step, on_its_way(norm[None]), examples)
        if not self.late:
            self.settle()

    def settle(self) -> None:
        """Raise the error of a step that has not been looked at yet, if its norm is not finite."""
        if self._waiting is not None:
            (step, norm, examples), self._waiting = self._waiting, None
            if not math.isfinite(norm()[0]):
                raise self.error(step, examples)


def on_its_way(values: torch.Tensor) -> Callable[[], list[float]]:
    """What gives the numbers of ``values`` ``[n]`` once they have arrived on the host."""
    if values.device.type != "cuda":
        return values.tolist
    arriving = values.to("cpu", non_blocking=True)
    arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
    arrived.record()

    def read() -> list[float]:
        arrived.synchronize()
        numbers: list[float] = arriving.tolist()
        return numbers

    return read
