"""What is to be recommended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from taskzoo.errors import RequestError
from taskzoo.option_names import option_name
from taskzoo.runs.request import DataRequest

from .candidates import named_language

if TYPE_CHECKING:
    from taskzoo.registry import TaskReference

TOP = 5


@dataclass(frozen=True)
class RecommendRequest:
    """What is to be recommended.

    Args:
        task: as :func:`taskzoo.finetune` takes it.
        data: the rows; those for training are needed.
        models: only these, by name, hub id or directory; none: all of the catalogue that suit.
        language: of the texts; ``None``: guessed.
        device: ``cpu`` or ``cuda``; ``None``: what a run would take.
        max_minutes: how long a training may take.
        top: how many choices are kept.
        settings: further settings and options of the task.
    """

    task: TaskReference
    data: DataRequest
    models: Sequence[str] = ()
    language: str | None = None
    device: str | None = None
    max_minutes: float | None = None
    top: int = TOP
    settings: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse what cannot be met, before a row is read.

        Raises:
            RequestError: no training rows are named, or a number or device that cannot be used.
            UnknownNameError: a language that is none.
        """
        if self.data.train is None and self.data.name is None:
            options = f"{option_name('train', 'FILE')} or {option_name('data', 'NAME')}"
            raise RequestError(f"Which rows is the model for? Give {options}.")
        if self.max_minutes is not None and not (math.isfinite(self.max_minutes) and self.max_minutes > 0):
            raise RequestError(f"{option_name('max_minutes')} is {self.max_minutes:g}; give minutes above 0.")
        if self.top < 1:
            raise RequestError(f"{option_name('top')} is {self.top}; give 1 or more.")
        if self.language is not None:
            named_language(self.language)
        has_cuda = torch.cuda.is_available()
        if self.device not in (None, "cpu", "cuda"):
            raise RequestError(f"There is no device {self.device!r}; there are cpu and cuda.")
        if self.device == "cuda" and not has_cuda:
            raise RequestError(f"{option_name('device', 'cuda')}: this machine has no CUDA device that torch can use.")
        if self.device == "cpu" and has_cuda:
            raise RequestError(
                f"{option_name('device', 'cpu')}: torch sees a CUDA device here and would use it; hide it with "
                "CUDA_VISIBLE_DEVICES= before torch is imported."
            )
