"""Makes runs in one of several processes and measures what it holds of them; ``test_sharding.py`` starts it.

``python sharded_runs.py REQUESTS.json`` in an environment as torchrun makes it. A request has the arguments of
``finetune``, and may say after how many steps to stop (``stop_after``), or that the run is to be resumed.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import nn
from torch.distributed.tensor import DTensor
from transformers import AutoModelForSeq2SeqLM

from taskzoo import finetune, resume
from taskzoo.engine import trainer
from taskzoo.engine.launched import rank
from taskzoo.engine.optim import scale_and_clip
from taskzoo.engine.precision import make_accelerator
from taskzoo.engine.sharding import Sharded
from taskzoo.errors import Interrupted
from taskzoo.runs import finetune as requests


def held(tensors: Iterable[torch.Tensor]) -> list[int]:
    """How many numbers this process has of ``tensors``, and how many they are."""
    known = list(tensors)
    return [sum((t.to_local() if isinstance(t, DTensor) else t).numel() for t in known), sum(t.numel() for t in known)]


class Measured:
    """What this process holds of a training before each of its steps; of the last one it is kept."""

    def __init__(self) -> None:
        self.sizes: dict[str, list[int]] = {}
        self._build, self._clip = trainer.build_optimizer, trainer.scale_and_clip

    def build_optimizer(self, model: torch.nn.Module, *others: Any) -> torch.optim.Optimizer:
        self._model, self._optimizer = model, self._build(model, *others)
        return self._optimizer

    def scale_and_clip(self, parameters: list[torch.nn.Parameter], *others: Any) -> torch.Tensor:
        slots = [value for state in self._optimizer.state.values() for value in state.values()]
        self.sizes = {
            "weights": held(self._model.parameters()),
            "gradients": held(p.grad for p in parameters if p.grad is not None),
            "state": held(value for value in slots if isinstance(value, torch.Tensor) and value.dim()),
        }
        return self._clip(parameters, *others)


def make(request: dict[str, Any]) -> dict[str, list[int]]:
    """Make, stop or resume a run; how much of its training this process held."""
    measured, stop_after, start = Measured(), request.pop("stop_after", 0), requests.start
    asked = iter([False] * (stop_after - 1))
    stop = (lambda: next(asked, True)) if stop_after else (lambda: False)
    with (
        mock.patch.object(trainer, "build_optimizer", measured.build_optimizer),
        mock.patch.object(trainer, "scale_and_clip", measured.scale_and_clip),
        mock.patch.object(requests, "start", partial(start, stop=stop)),
        suppress(Interrupted),
    ):
        resume(request["resume"]) if "resume" in request else finetune(**request)
    return measured.sizes


def half_precision(checkpoint: str) -> dict[str, Any]:
    """Gradients of a model whose layers are gathered in bfloat16, and what a scaler makes of an overflow elsewhere."""

    def gradient(*, half: torch.dtype | None = None, sharded: bool = True) -> list[torch.Tensor]:
        model = AutoModelForSeq2SeqLM.from_pretrained(checkpoint)
        if sharded:
            Sharded(model, device, torch.bfloat16)
        layer = model.encoder.block[0].layer[0].SelfAttention.q
        layer.register_forward_pre_hook(lambda *_: types.update(layer=str(layer.weight.dtype)))
        ids = torch.arange(24).view(2, 12) + 10
        with torch.autocast("cpu", half, enabled=half is not None):
            loss = model(input_ids=ids, labels=ids).loss
        types["outside"] = str(model.lm_head.weight.dtype)
        loss.backward()
        return [p.grad.full_tensor() if isinstance(p.grad, DTensor) else p.grad for p in model.parameters()]

    types: dict[str, str] = {}
    device = make_accelerator("fp32").device  # by which the processes know of each other
    exact, autocast = gradient(sharded=False), gradient(half=torch.bfloat16, sharded=False)
    narrow = gradient(half=torch.bfloat16)
    size = math.sqrt(sum(g.square().sum() for g in exact))
    found = {
        name: math.sqrt(sum((a - b).square().sum() for a, b in zip(exact, other, strict=True))) / size
        for name, other in (("narrow", narrow), ("autocast", autocast))
    }
    return {**found, "types": [types["layer"], types["outside"]], "scales": scales(device)}


def scales(device: torch.device) -> list[float]:
    """Of the loss: after a step, and after one whose gradient overflows in the last process alone."""
    model = nn.Linear(4, 4)
    Sharded(model, device)
    optimizer, scaler, found = torch.optim.AdamW(model.parameters()), torch.amp.GradScaler("cpu"), []
    for overflows in (False, True):
        scaler.scale(model(torch.ones(2, 4)).sum()).backward()
        if overflows and rank():
            model.weight.grad.to_local()[0] = torch.inf
        scaler.unscale_(optimizer)
        norm = scale_and_clip(model.parameters(), torch.ones(()), 1.0)
        assert bool(torch.isfinite(norm)) != overflows
        scaler.update()
        found.append(scaler.get_scale())
    return found


def main() -> None:
    """Make all runs of the file; what was held goes to ``RANK.json`` beside it."""
    file = Path(sys.argv[1])
    asked = json.loads(file.read_text(encoding="utf-8"))
    sizes = [half_precision(one["checkpoint"]) if "checkpoint" in one else make(one) for one in asked]
    (file.parent / f"{rank()}.json").write_text(json.dumps(sizes), encoding="utf-8")


if __name__ == "__main__":
    main()
