"""Training state on disk: safetensors and JSON, never pickle, replaced atomically.

``checkpoints/last/`` holds what resuming needs (trainable weights, optimizer, schedule, scaler, counters, random
states); ``checkpoints/best.safetensors`` the trainable weights of the best evaluation so far.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from taskzoo.errors import RequestError


class Checkpoints:
    """The ``checkpoints`` folder of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        old = folder / "last.old"
        if old.is_dir() and not self.last.exists():  # stopped between the two halves of a swap
            os.replace(old, self.last)

    @property
    def last(self) -> Path:
        return self.folder / "last"

    @property
    def best(self) -> Path:
        return self.folder / "best.safetensors"

    def exists(self) -> bool:
        """Whether there is something to resume from."""
        return (self.last / "state.json").is_file()

    def save(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        progress: dict[str, Any],
        *,
        scaler: Any = None,
    ) -> None:
        """Write the whole state beside the old one, then swap."""
        fresh, old = self.folder / "last.new", self.folder / "last.old"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        save_file(trainable_tensors(model), fresh / "model.safetensors")
        tensors, structure = _flatten(optimizer.state_dict())
        save_file(tensors, fresh / "optimizer.safetensors")
        save_file(_random_tensors(), fresh / "random.safetensors")
        state = {
            "progress": progress,
            "optimizer": structure,
            "schedule": schedule.state_dict(),
            "scaler": scaler.state_dict() if scaler is not None else None,
            "random": {"python": _python_state(), "numpy": _numpy_state()},
        }
        (fresh / "state.json").write_text(json.dumps(state), encoding="utf-8")
        shutil.rmtree(old, ignore_errors=True)
        if self.last.exists():
            os.replace(self.last, old)
        os.replace(fresh, self.last)
        shutil.rmtree(old, ignore_errors=True)

    def restore(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        *,
        scaler: Any = None,
    ) -> dict[str, Any]:
        """Load the state back in place and return the ``progress`` that was saved with it.

        Raises:
            RequestError: the checkpoint does not fit this model.
        """
        state = json.loads((self.last / "state.json").read_text(encoding="utf-8"))
        load_trainable(model, self.last / "model.safetensors")
        optimizer.load_state_dict(_unflatten(load_file(self.last / "optimizer.safetensors"), state["optimizer"]))
        schedule.load_state_dict(state["schedule"])
        if scaler is not None and state["scaler"] is not None:
            scaler.load_state_dict(state["scaler"])
        _set_random(load_file(self.last / "random.safetensors"), state["random"])
        progress: dict[str, Any] = state["progress"]
        return progress

    def save_best(self, model: nn.Module) -> None:
        """Keep the trainable weights as the best so far."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.best.with_suffix(".new")
        save_file(trainable_tensors(model), fresh)
        os.replace(fresh, self.best)

    def load_best(self, model: nn.Module) -> None:
        """Put the best weights back into ``model``."""
        load_trainable(model, self.best)

    def remove(self) -> None:
        """Delete everything; a finished run needs none of it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def trainable_tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """Name -> tensor of trainable parameters and all buffers that are saved, shared tensors once."""
    buffers = set(model.state_dict()) - {n for n, _ in model.named_parameters(remove_duplicate=False)}
    tensors = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}
    tensors.update({n: b.detach() for n, b in model.named_buffers() if n in buffers})
    return {n: t.cpu().contiguous() for n, t in tensors.items()}


def load_trainable(model: nn.Module, file: Path) -> None:
    """The inverse of :func:`trainable_tensors`.

    Raises:
        RequestError: names or shapes differ from the model's.
    """
    saved = load_file(file)
    here = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    wrong = [n for n, t in saved.items() if n not in here or here[n].shape != t.shape]
    if wrong:
        raise RequestError(
            f"The checkpoint {file} does not fit this model: {wrong[0]!r} is missing or of another shape."
        )
    with torch.no_grad():
        for name, tensor in saved.items():
            here[name].copy_(tensor)


def _flatten(state: dict[str, Any]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    tensors: dict[str, torch.Tensor] = {}
    plain: dict[str, dict[str, Any]] = {}
    for index, slots in state["state"].items():
        for name, value in slots.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{index}.{name}"] = value.detach().cpu().contiguous()
            else:
                plain.setdefault(str(index), {})[name] = value
    return tensors, {"param_groups": state["param_groups"], "plain": plain}


def _unflatten(tensors: dict[str, torch.Tensor], structure: dict[str, Any]) -> dict[str, Any]:
    state: dict[int, dict[str, Any]] = {int(i): dict(slots) for i, slots in structure["plain"].items()}
    for key, tensor in tensors.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = tensor
    return {"state": state, "param_groups": structure["param_groups"]}


def _random_tensors() -> dict[str, torch.Tensor]:
    tensors = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["cuda"] = torch.cuda.get_rng_state()
    return tensors


def _python_state() -> list[Any]:
    version, internal, gauss = random.getstate()
    return [version, list(internal), gauss]


def _numpy_state() -> list[Any]:
    state: Any = np.random.get_state(legacy=True)
    name, keys, position, has_gauss, cached = state
    return [name, keys.tolist(), position, has_gauss, cached]


def _set_random(tensors: dict[str, torch.Tensor], plain: dict[str, Any]) -> None:
    torch.set_rng_state(tensors["torch"])
    if "cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["cuda"])
    version, internal, gauss = plain["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = plain["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), position, has_gauss, cached))
