"""What trackers and reporters see of a run. Plugins bring callbacks by ``taskzoo_register_callbacks``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .types import Example, Prediction

Predict = Callable[[Sequence[Example]], list[Prediction]]
"""From prepared examples to their public predictions."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run that events are about: its directory, its configuration and its manifest, as plain values."""

    path: Path
    config: Mapping[str, Any]
    manifest: Mapping[str, Any]


class Callback:
    """Override what you need. One object per run, in its main process only; an error here never stops the run.

    A registered callback is used by a run that names it (``--track NAME``), or by every run if ``always`` is true.
    """

    always: bool = False
    """Whether every run uses it, named or not."""

    @classmethod
    def check(cls) -> None:
        """Refuse a run that names it, where it cannot work, before rows are read: a package that is not installed.

        Raises:
            RequestError: with what to do.
        """

    def run_started(self, run: RunFacts) -> None:
        """The model is loaded and the directory exists; also when a run is resumed."""

    def training_started(self, step: int) -> None:
        """The next step is the one after ``step``, 0 or that of the saved state; later ones that were told are void."""

    def fitted(self, values: Mapping[str, Any]) -> None:
        """The last layer was fitted to convergence: ``step`` 0 and ``probe``, what was found."""

    def step(self, values: Mapping[str, float]) -> None:
        """A logged step: ``step``, ``epoch``, ``loss``, ``learning_rate``, ``grad_norm``, ``tokens_per_second``."""

    def evaluation(self, values: Mapping[str, float]) -> None:
        """Scores on the validation rows: ``step`` and ``validation_NAME`` for each."""

    def validated(self, step: int, examples: Sequence[Example], predict: Predict) -> None:
        """After :meth:`evaluation`: the validation examples, and ``predict``, by the model as it is after this step.

        Nothing is predicted unless ``predict`` is called, which leaves random numbers as they were. Runs of several
        processes do not have this event.
        """

    def checkpoint(self, step: int) -> None:
        """The state after this step was saved."""

    def finished(self, run: RunFacts, metrics: Mapping[str, Any]) -> None:
        """All is written; ``metrics`` as in ``metrics.json``."""

    def failed(self, error: BaseException) -> None:
        """The run stopped, by an error or on request."""
