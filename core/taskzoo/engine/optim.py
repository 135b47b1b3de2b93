"""Optimizers and learning-rate schedules."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from taskzoo.config import SCHEDULE_FREE, Training

from .averaging import keep_average
from .freezing import parameters_by_depth
from .further_optimizers import build_muon, build_schedule_free
from .sharding import joint_norm, local_parts

NORM_NAME = re.compile(r"Norm(\dd)?$")
"""Ends of names of classes that normalise, or of their bases, such as ``LlamaRMSNorm`` or ``LazyBatchNorm1d``."""


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups with and without weight decay, trainable parameters only.

    Biases and all parameters of normalisation layers are left out by the type of the module that holds them, so
    that a norm called ``ln_f`` or ``final_layer`` is found as well.
    """
    exempt = {
        id(parameter)
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if name.split("_")[-1] == "bias" or any(NORM_NAME.search(cls.__name__) for cls in type(module).__mro__)
    }
    trainable = [p for p in model.parameters() if p.requires_grad]
    decayed, others = [p for p in trainable if id(p) not in exempt], [p for p in trainable if id(p) in exempt]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def layer_groups(model: nn.Module, groups: list[dict[str, Any]], settings: Training) -> list[dict[str, Any]]:
    """Each of ``groups`` divided by depth, with the rate of its depth, those with the highest first.

    What is above the layers has the full rate, and each layer ``layer_decay`` times the rate of the one after it; the
    embeddings are below the first (Howard & Ruder 2018, whose factor was 1/2.6; Clark et al. 2020, 0.8 to 0.9).
    """
    by_depth = [{id(p) for p in parameters} for parameters in parameters_by_depth(model)]
    return [
        {**group, "params": chosen, "lr": settings.learning_rate * settings.layer_decay**distance}
        for distance, ids in enumerate(reversed(by_depth))
        for group in groups
        if (chosen := [p for p in group["params"] if id(p) in ids])
    ]


def build_optimizer(model: nn.Module, settings: Training) -> torch.optim.Optimizer:
    """The optimizer named by ``settings.optimizer``; ``adam`` is without and ``adamw`` with decoupled decay.

    Raises:
        RequestError: the package of the optimizer is not installed, or the model does not suit.
    """
    groups = decay_groups(model, settings.weight_decay)
    if settings.layer_decay != 1:
        groups = layer_groups(model, groups, settings)
    optimizer = _build(model, groups, settings)
    if settings.ema_decay:
        keep_average(optimizer, settings.ema_decay)
    return optimizer


def _build(model: nn.Module, groups: list[dict[str, Any]], settings: Training) -> torch.optim.Optimizer:
    name, rate = settings.optimizer, settings.learning_rate
    if name == SCHEDULE_FREE:
        return build_schedule_free(groups, settings)
    if name == "muon":
        return build_muon(model, groups, settings)
    if name in ("adamw", "adam"):
        cls = torch.optim.AdamW if name == "adamw" else torch.optim.Adam
        betas = (settings.adam_beta1, settings.adam_beta2)
        return cls(groups, lr=rate, betas=betas, eps=settings.adam_epsilon, fused=True)
    if name in ("sgd", "momentum"):
        return torch.optim.SGD(groups, lr=rate, momentum=settings.momentum if name == "momentum" else 0.0)
    return torch.optim.Adafactor(groups, lr=rate)


def warmup_steps(warmup: float, total: int) -> int:
    """Steps of warm-up: a share of ``total`` below 1, else a number of steps."""
    return min(total, math.ceil(warmup * total) if warmup < 1 else int(warmup))


def build_schedule(optimizer: torch.optim.Optimizer, settings: Training, last_step: Callable[[], int]) -> LambdaLR:
    """Linear warm-up, then ``linear`` or ``cosine`` decay to 0 at ``last_step()`` optimizer steps, or ``constant``.

    A schedule-free optimizer has a constant rate, whatever the setting.
    """
    constant = settings.schedule == "constant" or settings.optimizer == SCHEDULE_FREE

    def factor(step: int) -> float:
        total = last_step()
        warm = warmup_steps(settings.warmup, total)
        if step < warm:
            return (step + 1) / (warm + 1)
        if constant:
            return 1.0
        progress = (step - warm) / max(1, total - warm)
        return 1.0 - progress if settings.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * progress))

    return LambdaLR(optimizer, factor)


@torch.no_grad()
def scale_and_clip(parameters: Iterable[nn.Parameter], scale: torch.Tensor, max_norm: float) -> torch.Tensor:
    """Multiply all gradients by ``scale`` and clip their joint 2-norm to ``max_norm`` (0: no clipping) in one pass.

    The norm after scaling and before clipping comes back, a scalar tensor.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return torch.zeros(())
    own = local_parts(gradients)
    norm = torch.nn.utils.get_total_norm(own)
    norm = (norm if own is gradients else joint_norm(norm)) * scale
    factor = scale * torch.clamp(max_norm / (norm + 1e-6), max=1.0) if max_norm else scale
    torch._foreach_mul_(own, factor.to(own[0].device))
    return norm
