"""What is served: anything that predicts as a loaded run does, under a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from taskzoo.errors import RequestError
from taskzoo.types import Prediction

from .options import NAMES, PredictOptions

if TYPE_CHECKING:
    from taskzoo.spec import TaskSpec

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_TENSORS = {"label": "BYTES", "text": "BYTES", "value": "FP64", "score": "FP64"}
"""What a prediction may have that is one text or one number, with its type in the Open Inference Protocol."""


class TextModel(Protocol):
    """A model with its task: a loaded run, or an exported model with the same interface."""

    def predict(self, inputs: list[Any], *, min_confidence: float | None = None, coverage: float | None = None) -> Any:
        """One prediction per input, which is a text or a mapping of columns.

        Raises:
            RequestError: an input cannot be used.
        """


@dataclass(frozen=True, slots=True)
class Served:
    """A model under its name.

    Args:
        name: in paths and requests.
        task: the name of its task.
        inputs: the roles that a request fills, such as ``("text",)``.
        model: is called from one thread only.
        text_key: what generated text is called in answers of hub endpoints.
        tensors: what of a prediction is one text or one number, and its type (``BYTES``, ``FP64``).
        takes: the names of the options that it can honour.
        options: those of requests that do not say them.
    """

    name: str
    task: str
    inputs: tuple[str, ...]
    model: TextModel
    text_key: str = "generated_text"
    tensors: Mapping[str, str] = field(default_factory=dict)
    takes: Sequence[str] = ()
    options: PredictOptions = field(default_factory=PredictOptions)

    def predict(self, inputs: list[Any], options: PredictOptions) -> list[Prediction]:
        """One prediction per input."""
        asked = {"min_confidence": options.min_confidence, "coverage": options.coverage}
        found: list[Prediction] = self.model.predict(inputs, **asked)
        return found


def make_served(
    name: str, model: TextModel, spec: TaskSpec, pair: Sequence[str] = (), options: PredictOptions | None = None
) -> Served:
    """A model with what its spec says of it; it predicts once, so that a damaged one is refused before it is served.

    Args:
        name: see :class:`Served`.
        model: the model.
        spec: of its task.
        pair: the roles of its inputs where it reads several texts.
        options: see :class:`Served`.

    Raises:
        TaskZooError: it cannot predict, or not with these options.
    """
    inputs = tuple(pair) or (spec.input_role,)
    served = Served(name, spec.id, inputs, model, options=options or PredictOptions())
    trial = [dict.fromkeys(inputs, "text")]
    (example,) = served.predict(trial, served.options)
    return replace(
        served,
        text_key="translation_text" if len(spec.languages) > 1 else "summary_text",
        tensors={name: kind for name, kind in _TENSORS.items() if name in example and name not in inputs},
        takes=[option for option in NAMES if _predicts(served, trial, PredictOptions(**{option: 0.5}))],
    )


def _predicts(served: Served, inputs: list[Any], options: PredictOptions) -> bool:
    try:
        served.predict(inputs, options)
    except RequestError:
        return False
    return True


def named_runs(runs: Iterable[str]) -> dict[str, str]:
    """Name -> directory, of arguments ``RUN`` or ``NAME=RUN``; a run is otherwise named like its folder.

    Raises:
        RequestError: a name cannot stand in a path, or two are the same.
    """
    found: dict[str, str] = {}
    for run in runs:
        given, equals, path = run.partition("=")
        if not equals or Path(run).exists():
            given, path = Path(run).resolve().name, run
        if not _NAME.fullmatch(given):
            raise RequestError(
                f"{given!r} cannot be a model's name (letters, digits, '.', '_', '-'); give NAME={path}."
            )
        if given in found:
            raise RequestError(f"Two runs are named {given!r}; give one of them another name: NAME={path}.")
        found[given] = path
    return found
