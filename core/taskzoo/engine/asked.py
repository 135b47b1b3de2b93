"""What the processes of a run ask for, told to all of them with the loss, without making a GPU wait for the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from .accelerator import RunAccelerator
from .finite import on_its_way


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be done after a step, by the wish of any process: to stop; to save, as it is time for that."""

    stop: bool
    save: bool


NOTHING = Asked(stop=False, save=False)


@dataclass(slots=True)
class Agreement:
    """Sums over all processes, of the loss and of what each asks for: on a GPU that is acted on one step late.

    All read the same sums of the same step, so all act alike.

    Args:
        accelerator: of the run.
        late: whether what is asked for in a step is read in the next one.
    """

    accelerator: RunAccelerator
    late: bool
    _waiting: Callable[[], list[float]] | None = field(default=None, init=False)
    _saved: bool = field(default=False, init=False)

    def of(self, sums: torch.Tensor, asked: Asked) -> tuple[torch.Tensor, Asked]:
        """``sums`` ``[n]`` over all processes, and what any of them has asked for, with ``asked`` by this one."""
        if self.accelerator.num_processes == 1:
            return sums, asked
        flags = [sums.new_full((1,), float(flag)) for flag in (asked.stop, asked.save)]  # no copy, which would wait
        total = self.accelerator.reduce(torch.cat([sums, *flags]), reduction="sum")
        before, self._waiting = self._waiting, on_its_way(total[len(sums) :])
        if not self.late:
            before, self._waiting = self._waiting, None
        done, self._saved = self._saved, False
        if before is None:
            return total[: len(sums)], NOTHING
        stop, save = map(bool, before())
        return total[: len(sums)], Asked(stop, save and not done)

    def saved(self) -> None:
        """A state was just saved: who asks for that on the way here has what it wants."""
        self._saved = self.late
