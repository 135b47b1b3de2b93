"""The one ``Accelerator`` of a run, which leaves that of its caller alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from accelerate.utils import broadcast_object_list

from .sharding import is_sharded

STATES = (PartialState, AcceleratorState, GradientState)
"""Classes whose objects all share one state in a process."""
HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}


_LOCK = threading.Lock()
_CALLERS: list[Any] = []


class _Entered:
    """One use of an accelerator's state; they compare by identity."""

    def __init__(self, states: list[dict[str, Any]]) -> None:
        self.states = states


_ENTERED: list[_Entered] = []


def _put_in_force() -> None:
    states = _ENTERED[-1].states if _ENTERED else _CALLERS
    for kind, content in zip(STATES, states, strict=True):
        kind._shared_state = content


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
        """Within the context, ``accelerate`` works with the state of this accelerator. May be nested.

        Of several threads that are within, the last to enter has its state in force; the caller's is back when all
        have left, in whatever order.
        """
        entered = _Entered(self._own)
        with _LOCK:
            if not _ENTERED:
                _CALLERS[:] = [state._shared_state for state in STATES]  # it has no public way to have two states
            _ENTERED.append(entered)
            _put_in_force()
        try:
            yield
        finally:
            with _LOCK:
                _ENTERED.remove(entered)
                _put_in_force()

    @property
    def is_main_process(self) -> bool:
        return bool(self.process_index == 0)

    def prepare_model(
        self, model: torch.nn.Module, device_placement: bool | None = None, evaluation_mode: bool = False
    ) -> torch.nn.Module:
        """As that of ``accelerate``; a sharded model is where it belongs, and exchanges its gradients itself."""
        if is_sharded(model):
            device_placement, evaluation_mode = False, True
        prepared: torch.nn.Module = super().prepare_model(model, device_placement, evaluation_mode)
        return prepared

    def wait_for_everyone(self) -> None:
        with self.active():
            super().wait_for_everyone()

    def decided(self, decision: bool) -> bool:
        """The decision of the first process, for all: clocks and memory differ between them."""
        with self.active():
            found: list[bool] = broadcast_object_list([decision])
        return found[0]

    def autocast(self) -> Any:
        """The context in which a forward pass has the precision of the run."""
        dtype = HALF.get(self.mixed_precision)
        return nullcontext() if dtype is None else torch.autocast(self.device.type, dtype=dtype)
