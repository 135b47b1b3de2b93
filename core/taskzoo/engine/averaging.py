"""Averages of the weights over the steps of training, which are evaluated and saved in place of the weights.

They are part of the optimizer's state, so checkpoints have them, and steps that are skipped leave them alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

AVERAGE, UPDATES = "average", "average_updates"
"""Names in the state of an optimizer: the average of a parameter, and how many steps it has."""


def decay_after(updates: int, decay: float) -> float:
    """What an average keeps of itself in a step after ``updates`` others: less at first, so that it leaves the start.

    As in TensorFlow's ``ExponentialMovingAverage`` with ``num_updates``.
    """
    return min(decay, (1 + updates) / (10 + updates))


def keep_average(optimizer: torch.optim.Optimizer, decay: float) -> None:
    """Keep an exponential moving average of all parameters that ``optimizer`` changes (Polyak & Juditsky 1992).

    The first is that of the weights before the first step.
    """

    @torch.no_grad()
    def before(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        """The weights before a parameter's first step; kept apart, as optimizers take a state for a begun one."""
        for parameter in _stepped(optimizer):
            if AVERAGE not in optimizer.state.get(parameter, {}):
                first[parameter] = parameter.detach().clone()

    @torch.no_grad()
    def after(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        alike: dict[int, list[torch.Tensor]] = {}  # by the steps that their averages have
        for parameter in _stepped(optimizer):
            state = optimizer.state[parameter]
            if AVERAGE not in state:
                state[AVERAGE], state[UPDATES] = first.pop(parameter), 0
            alike.setdefault(state[UPDATES], []).append(parameter)
            state[UPDATES] += 1
        for updates, parameters in alike.items():  # on a GPU one kernel for many weights
            averages: list[torch.Tensor] = [optimizer.state[parameter][AVERAGE] for parameter in parameters]
            torch._foreach_lerp_(averages, parameters, 1 - decay_after(updates, decay))

    first: dict[nn.Parameter, torch.Tensor] = {}
    optimizer.register_step_pre_hook(before)
    optimizer.register_step_post_hook(after)


@torch.no_grad()
def put_average(optimizer: torch.optim.Optimizer) -> None:
    """Set parameters to their averages, where ``optimizer`` has any, for good."""
    if hasattr(optimizer, "eval"):  # schedule-free ones compute theirs
        optimizer.eval()
    for parameter, state in optimizer.state.items():
        if AVERAGE in state:
            parameter.copy_(state[AVERAGE])


@contextmanager
def averaged(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """Within the context, parameters are their averages; on leaving, they are bit for bit what they were."""
    averages = hasattr(optimizer, "eval") or any(AVERAGE in state for state in optimizer.state.values())
    kept = [(p, p.detach().clone()) for p in _parameters(optimizer) if averages]
    put_average(optimizer)
    try:
        yield
    finally:
        if hasattr(optimizer, "train"):
            optimizer.train()
        with torch.no_grad():
            for parameter, value in kept:
                parameter.copy_(value)


def _parameters(optimizer: torch.optim.Optimizer) -> Iterator[nn.Parameter]:
    return (parameter for group in optimizer.param_groups for parameter in group["params"])


def _stepped(optimizer: torch.optim.Optimizer) -> Iterator[nn.Parameter]:
    return (parameter for parameter in _parameters(optimizer) if parameter.grad is not None)
