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
from taskzoo.task import Task


class TrainingState:
    """The ``checkpoints`` folder of one run."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._best = folder, folder / "best.safetensors"
        self._last, self._old = folder / "last", folder / "last.old"
        if self._old.is_dir() and not self._last.exists():  # stopped between the two halves of a swap
            os.replace(self._old, self._last)

    def again(self) -> TrainingState:
        """That of a second attempt from the same start."""
        return TrainingState(self._folder / "again")

    def exists(self) -> bool:
        """Whether there is something to resume from."""
        return (self._last / "state.json").is_file()

    def _read(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self._last / "state.json").read_text(encoding="utf-8"))
        return state

    def saved_step(self) -> int | None:
        """The step after which the state was saved; ``None``: there is no state."""
        return int(self._read()["progress"]["step"]) if self.exists() else None

    def weigh_classes(self, task: Task) -> None:
        """Weigh the classes of ``task`` as they were when the state was saved."""
        if weighting := self._read()["progress"].get("weighting"):
            task.weigh_classes(weighting)

    def save(
        self, model: nn.Module, progress: dict[str, Any], *, optimizer: torch.optim.Optimizer, **others: Any
    ) -> None:
        """Write the whole state next to the old one, then swap; ``others`` are ``schedule`` and ``scaler``."""
        fresh = self._folder / "last.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        save_file(trainable_tensors(model), fresh / "model.safetensors")
        tensors, structure = _flatten(optimizer.state_dict())
        save_file(tensors, fresh / "optimizer.safetensors")
        cuda = {"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {}
        save_file({"torch": torch.get_rng_state(), **cuda}, fresh / "random.safetensors")
        state = {
            "progress": progress,
            "optimizer": structure,
            **{name: None if part is None else part.state_dict() for name, part in others.items()},
            "random": {"python": random.getstate(), "numpy": np.random.get_state()},
        }
        (fresh / "state.json").write_text(json.dumps(state, default=np.ndarray.tolist), encoding="utf-8")
        shutil.rmtree(self._old, ignore_errors=True)
        if self._last.exists():
            os.replace(self._last, self._old)
        os.replace(fresh, self._last)
        shutil.rmtree(self._old, ignore_errors=True)

    def restore(self, model: nn.Module, *, optimizer: torch.optim.Optimizer, **others: Any) -> dict[str, Any]:
        """Load the state back in place and return the ``progress`` that was saved with it.

        Raises:
            RequestError: the checkpoint does not fit this model.
        """
        state = self._read()
        load_trainable(model, self._last / "model.safetensors")
        optimizer.load_state_dict(_unflatten(load_file(self._last / "optimizer.safetensors"), state["optimizer"]))
        for name, part in others.items():
            if part is not None and state[name] is not None:
                part.load_state_dict(state[name])
        tensors = load_file(self._last / "random.safetensors")
        torch.set_rng_state(tensors["torch"])
        if "cuda" in tensors and torch.cuda.is_available():
            torch.cuda.set_rng_state(tensors["cuda"])
        version, internal, gauss = state["random"]["python"]
        random.setstate((version, tuple(internal), gauss))
        np.random.set_state(state["random"]["numpy"])
        progress: dict[str, Any] = state["progress"]
        return progress

    def save_best(self, model: nn.Module) -> None:
        """Keep the trainable weights as the best so far (:meth:`taskzoo.engine.job.Job.keeps`)."""
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = self._best.with_suffix(".new")
        save_file(trainable_tensors(model), fresh)
        os.replace(fresh, self._best)

    def load_best(self, model: nn.Module) -> None:
        """Put the best weights back into ``model``."""
        load_trainable(model, self._best)


def trainable_tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """Name -> tensor of trainable parameters and all buffers that are saved, shared tensors once."""
    saved = model.state_dict().keys()
    parameters = [(name, p.detach()) for name, p in model.named_parameters() if p.requires_grad]
    buffers = [(name, b) for name, b in model.named_buffers() if name in saved]
    return {name: tensor.cpu().contiguous() for name, tensor in (*parameters, *buffers)}


def load_trainable(model: nn.Module, file: Path) -> None:
    """The inverse of :func:`trainable_tensors`; a :class:`RequestError` if names or shapes differ from the model's."""
    here = dict(model.named_parameters()) | dict(model.named_buffers())
    for name, tensor in load_file(file).items():
        if name not in here or here[name].shape != tensor.shape:
            problem = f"{name!r} is missing or has another shape"
            raise RequestError(f"The checkpoint {file} does not fit this model: {problem}.")
        here[name].detach().copy_(tensor)


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
