"""The one ``Accelerator`` of a run, which leaves that of its caller alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState

STATES = (PartialState, AcceleratorState, GradientState)
"""Classes whose objects all share one state in a process."""
HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}


class RunAccelerator(Accelerator):
    """An ``Accelerator`` whose state is its own.

    ``accelerate`` keeps one state per process, so that the second of two accelerators must have the first one's
    precision. The state of this one is in force only while :meth:`active`; before and after it is the caller's.
    """

    def __init__(self, **arguments: Any) -> None:
        self._own: list[dict[str, Any]] = [{} for _ in STATES]
        with self.active():
            super().__init__(**arguments)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Within the context, ``accelerate`` works with the state of this accelerator. May be nested."""
        before = [state._shared_state for state in STATES]  # it has no public way to have two states
        for state, own in zip(STATES, self._own, strict=True):
            state._shared_state = own
        try:
            yield
        finally:
            for state, content in zip(STATES, before, strict=True):
                state._shared_state = content

    @property
    def is_main_process(self) -> bool:
        return bool(self.process_index == 0)

    def wait_for_everyone(self) -> None:
        with self.active():
            super().wait_for_everyone()

    def autocast(self) -> Any:
        """The context in which a forward pass has the precision of the run."""
        dtype = HALF.get(self.mixed_precision)
        return nullcontext() if dtype is None else torch.autocast(self.device.type, dtype=dtype)
