"""Training state on disk: safetensors and JSON, never pickle, replaced in one step.

``checkpoints/last/`` holds what resuming needs (trainable weights, optimizer, schedule, scaler, counters, random
states), ``checkpoints/before/`` the same of the save before it, for the case that the last one is damaged;
``checkpoints/best.safetensors`` the trainable weights of the best evaluation so far. Every file has a checksum.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from taskzoo.durable import flush, rename, replace
from taskzoo.errors import RequestError
from taskzoo.task import Task

from .averaging import averaged
from .background import Writer
from .launched import rank
from .random_state import RandomState
from .sharding import own_part, whole
from .tensor_files import DamagedError, load_tensors, save_tensors

STATE, BEST = 4, 3
"""The pieces of work that a whole state and the best weights are written in; no more of each wait for the disk."""


@dataclass(frozen=True, slots=True)
class _Saved:
    """What one folder holds, whole."""

    state: dict[str, Any]
    model: dict[str, torch.Tensor]
    optimizer: dict[str, torch.Tensor]
    random: dict[str, torch.Tensor]


class TrainingState:
    """The ``checkpoints`` folder of one run."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._best = folder, folder / "best.safetensors"
        self._last, self._before, self._fresh = folder / "last", folder / "before", folder / "last.new"
        self._writer = Writer()
        self._last_is_damaged = False
        self.notes: list[str] = []
        """What a person should know of the state that was read, such as that the last one is damaged."""

    def again(self) -> TrainingState:
        """That of a second attempt from the same start."""
        self._folder.mkdir(exist_ok=True)
        return TrainingState(self._folder / "again")

    @contextmanager
    def writing(self, *, in_background: bool) -> Iterator[None]:
        """Within the context, what is saved may still be written afterwards; at the end all is on the disk.

        Args:
            in_background: write in a thread, from copies; else :meth:`save` and :meth:`save_best` return when all is
                written.
        """
        if in_background:
            self._writer.start()
        try:
            yield
        except BaseException:
            with suppress(Exception):  # the first error is the one to tell
                self._writer.finish()
            raise
        self._writer.finish()

    def is_written(self, *, wait: bool = False) -> bool:
        """Whether all that was saved is on the disk, or wait until it is; an error of the writing is raised."""
        if wait:
            self._writer.wait()
        return not self._writer.busy()

    def exists(self) -> bool:
        """Whether there is something to resume from, be it damaged."""
        self._writer.wait()
        return self._last.is_dir() or self._before.is_dir()

    def saved_step(self) -> int | None:
        """The step after which the state was saved; ``None``: there is no state."""
        return int(self._read().state["progress"]["step"]) if self.exists() else None

    def from_probe(self, *, unknown: bool) -> bool:
        """Whether the training whose state this is started from a probe; ``unknown``: where it does not say."""
        return bool(self._read().state["progress"].get("from_probe", unknown))

    def weigh_classes(self, task: Task) -> None:
        """Weigh the classes of ``task`` as they were when the state was saved."""
        if weighting := self._read().state["progress"].get("weighting"):
            task.weigh_classes(weighting)

    def save(
        self,
        model: nn.Module,
        progress: dict[str, Any],
        *,
        optimizer: torch.optim.Optimizer,
        random: Sequence[RandomState],
        **others: Any,
    ) -> None:
        """Write the whole state next to the last one, then swap. All processes call it, and the first one writes.

        ``random`` are those of all processes, ``others`` are ``schedule`` and ``scaler``.
        """
        self._writer.wait(left=BEST)
        if not rank():
            self._writer.do(self._make_fresh)
        self._write_whole(trainable_tensors(model), self._fresh / "model.safetensors")
        tensors, plain = _flatten(optimizer.state_dict())
        self._write_whole(tensors, self._fresh / "optimizer.safetensors")
        if rank():
            return
        states = {f"torch.{rank}": one.cpu for rank, one in enumerate(random)}
        states |= {f"cuda.{rank}": one.cuda for rank, one in enumerate(random) if one.cuda is not None}
        state = {
            "progress": progress,
            "optimizer": plain,
            **{name: None if part is None else part.state_dict() for name, part in others.items()},
            "random": [one.plain for one in random],
        }
        self._writer.do(partial(self._complete, states, json.dumps(state, default=np.ndarray.tolist)))

    def _make_fresh(self) -> None:
        shutil.rmtree(self._fresh, ignore_errors=True)
        self._folder.mkdir(exist_ok=True)  # without its parents: the run's directory may have been removed
        self._fresh.mkdir()

    def _complete(self, random: dict[str, torch.Tensor], state: str) -> None:
        """Write the rest of a state, and swap."""
        save_tensors(random, self._fresh / "random.safetensors")
        checked = json.dumps({"crc32": zlib.crc32(state.encode()), "state": state})
        (self._fresh / "state.json").write_text(checked, encoding="utf-8")
        flush(self._fresh)  # before anything that is whole goes
        if self._last_is_damaged:
            shutil.rmtree(self._last)
            self._last_is_damaged = False
        elif self._last.is_dir():
            shutil.rmtree(self._before, ignore_errors=True)
            os.replace(self._last, self._before)
        rename(self._fresh, self._last)

    def _write_whole(self, tensors: dict[str, torch.Tensor], file: Path) -> None:
        """Write ``tensors``, which may be divided over the processes."""
        found = {name: whole(tensor, own=self._writer.apart) for name, tensor in tensors.items()}
        if not rank():
            kept = {name: tensor for name, tensor in found.items() if tensor is not None}
            self._writer.do(partial(save_tensors, kept, file))

    def restore(
        self, model: nn.Module, *, optimizer: torch.optim.Optimizer, rank: int = 0, **others: Any
    ) -> dict[str, Any]:
        """Load the state back in place and return the ``progress`` that was saved with it.

        ``rank`` is the number of this process; where there were fewer, its random numbers go on as they are.

        Raises:
            RequestError: the checkpoint does not fit this model, or is damaged.
        """
        saved = self._read()
        state, progress = saved.state, saved.state["progress"]
        put_back(model, saved.model, self._last)
        groups = optimizer.state_dict()["param_groups"]  # of this start: with a rate that was changed on purpose
        slots = _own_parts(_unflatten(saved.optimizer, state["optimizer"]), optimizer)
        optimizer.load_state_dict({"state": slots, "param_groups": groups})
        for name, part in others.items():
            if part is not None and state[name] is not None:
                part.load_state_dict(state[name])
        _set_rates(optimizer, others.get("schedule"))
        if progress.get("best_score") is not None:
            with averaged(optimizer):
                self._check_best(model, at_hand=progress["best_step"] == progress["step"])
        if rank < len(state["random"]):
            tensors = saved.random
            RandomState(tensors[f"torch.{rank}"], tensors.get(f"cuda.{rank}"), state["random"][rank]).put_back()
        return dict(progress)

    def _read(self) -> _Saved:
        """The last state, or the one before if that is damaged.

        Raises:
            RequestError: both are.
        """
        self._writer.wait()
        problems = []
        for folder in (self._last, self._before):
            if not folder.is_dir():
                continue
            try:
                found = _Saved(
                    _read_state(folder / "state.json"),
                    *(load_tensors(folder / f"{name}.safetensors") for name in ("model", "optimizer", "random")),
                )
            except DamagedError as error:
                problems.append(str(error))
                self._last_is_damaged = folder == self._last
                continue
            if problems:
                step = found.state["progress"]["step"]
                self.notes = [
                    f"The last checkpoint is damaged ({problems[0]}); the one before it, of step {step}, is whole."
                ]
            return found
        raise RequestError(
            f"The checkpoints in {str(self._folder)!r} are damaged ({'; '.join(problems)}), so this run cannot go on; "
            "start it again from its config.yaml."
        )

    def _check_best(self, model: nn.Module, *, at_hand: bool) -> None:
        """Find out now whether the best weights can be loaded in the end; write them anew where they are at hand."""
        try:
            load_tensors(self._best)
        except DamagedError as error:
            if not at_hand:
                raise RequestError(
                    f"The best weights so far are damaged ({error}), so this run would not end as it should; start it "
                    "again from its config.yaml."
                ) from None
            if torch.distributed.is_initialized():
                torch.distributed.barrier()  # all have seen the damage before the first process repairs it
            self.save_best(model)

    def save_best(self, model: nn.Module) -> None:
        """Keep the trainable weights as the best so far (:meth:`taskzoo.engine.job.Job.keeps`); as :meth:`save`."""
        self._writer.wait(left=STATE)
        fresh = self._best.with_suffix(".new")
        if not rank():
            self._writer.do(partial(self._folder.mkdir, exist_ok=True))
        self._write_whole(trainable_tensors(model), fresh)
        if not rank():
            self._writer.do(partial(replace, fresh, self._best))

    def load_best(self, model: nn.Module) -> None:
        """Put the best weights back into ``model``; a :class:`RequestError` if they were damaged meanwhile."""
        self._writer.wait()
        try:
            put_back(model, load_tensors(self._best), self._best)
        except DamagedError as error:
            raise RequestError(f"The best weights are damaged ({error}); start the run again.") from None


def _set_rates(optimizer: torch.optim.Optimizer, schedule: LambdaLR | None) -> None:
    """Set the learning rates of the step where ``schedule`` stands, from the rates that this start was given."""
    if schedule is not None:
        schedule.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        for group, base, factor in zip(optimizer.param_groups, schedule.base_lrs, schedule.lr_lambdas, strict=True):
            group["lr"] = base * factor(schedule.last_epoch)


def _read_state(file: Path) -> dict[str, Any]:
    name = f"{file.parent.name}/{file.name}"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        text = content["state"]
        whole = zlib.crc32(text.encode()) == content["crc32"]
    except FileNotFoundError:
        raise DamagedError(f"{name} is missing") from None
    except (ValueError, LookupError, TypeError, AttributeError, OSError):
        raise DamagedError(f"{name} cannot be read") from None
    if not whole:
        raise DamagedError(f"{name} does not hold what was written")
    state: dict[str, Any] = json.loads(text)
    return state


def trainable_tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """Name -> trainable parameters and all buffers that are saved, shared tensors once; not copied."""
    saved = model.state_dict().keys()
    parameters = [(name, p.detach()) for name, p in model.named_parameters() if p.requires_grad]
    buffers = [(name, b) for name, b in model.named_buffers() if name in saved]
    return dict((*parameters, *buffers))


def put_back(model: nn.Module, tensors: dict[str, torch.Tensor], place: Path) -> None:
    """The inverse of :func:`trainable_tensors`; a :class:`RequestError` if names or shapes differ from the model's."""
    here = dict(model.named_parameters()) | dict(model.named_buffers())
    for name, tensor in tensors.items():
        if name not in here or here[name].shape != tensor.shape:
            problem = f"{name!r} is missing or has another shape"
            raise RequestError(f"The checkpoint {str(place)!r} does not fit this model: {problem}.")
        here[name].detach().copy_(own_part(tensor, here[name]))


def _own_parts(state: dict[int, dict[str, Any]], optimizer: torch.optim.Optimizer) -> dict[int, dict[str, Any]]:
    """What this process has of the state of ``optimizer``: what is as large as a parameter is divided like it."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]

    def part(value: Any, like: torch.Tensor) -> Any:
        return own_part(value, like) if isinstance(value, torch.Tensor) and value.shape == like.shape else value

    return {i: {name: part(value, parameters[i]) for name, value in slots.items()} for i, slots in state.items()}


def _flatten(state: dict[str, Any]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    tensors: dict[str, torch.Tensor] = {}
    plain: dict[str, dict[str, Any]] = {}
    for index, slots in state["state"].items():
        for name, value in slots.items():
            if isinstance(value, torch.Tensor):
                tensors[f"{index}.{name}"] = value
            else:
                plain.setdefault(str(index), {})[name] = value
    return tensors, plain


def _unflatten(tensors: dict[str, torch.Tensor], plain: dict[str, Any]) -> dict[int, dict[str, Any]]:
    state: dict[int, dict[str, Any]] = {int(i): dict(slots) for i, slots in plain.items()}
    for key, tensor in tensors.items():
        index, _, name = key.partition(".")
        state.setdefault(int(index), {})[name] = tensor
    return state
