"""What is served: anything that predicts as a loaded run does, under a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from taskzoo.errors import RequestError
from taskzoo.types import Prediction

if TYPE_CHECKING:
    from taskzoo.spec import TaskSpec

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class TextModel(Protocol):
    """A model with its task: a loaded run, or an exported model with the same interface."""

    def predict(self, inputs: list[Any], *, min_confidence: float | None = None) -> Any:
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
        labelled: whether a prediction is one label with its probability.
        confident: whether it can abstain where it is not confident.
        min_confidence: give no label where the best one is less probable than this, unless a request says otherwise.
    """

    name: str
    task: str
    inputs: tuple[str, ...]
    model: TextModel
    text_key: str = "generated_text"
    labelled: bool = False
    confident: bool = False
    min_confidence: float | None = None

    def predict(self, inputs: list[Any], min_confidence: float | None) -> list[Prediction]:
        """One prediction per input."""
        found: list[Prediction] = self.model.predict(inputs, min_confidence=min_confidence)
        return found


def make_served(
    name: str, model: TextModel, spec: TaskSpec, pair: Sequence[str] = (), min_confidence: float | None = None
) -> Served:
    """A model with what its spec says of it; it predicts once, so that a damaged one is refused before it is served.

    Args:
        name: see :class:`Served`.
        model: the model.
        spec: of its task.
        pair: the roles of its inputs where it reads several texts.
        min_confidence: see :class:`Served`.

    Raises:
        TaskZooError: it cannot predict.
    """
    inputs = tuple(pair) or (spec.input_role,)
    trial = [dict.fromkeys(inputs, "text")]
    (example,) = model.predict(trial, min_confidence=min_confidence)
    try:
        model.predict(trial, min_confidence=0.5)
    except RequestError:
        confident = False
    else:
        confident = True
    translates = len(spec.languages) > 1
    return Served(
        name,
        spec.id,
        inputs,
        model,
        text_key="translation_text" if translates else "summary_text",
        labelled="label" in example and "score" in example,
        confident=confident,
        min_confidence=min_confidence,
    )


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
