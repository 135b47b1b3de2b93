"""What all heads have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from taskzoo.errors import RequestError
from taskzoo.types import Batch, LogitKind, LogitTargets, Loss, Metric, Prediction

TOP = 5
"""Labels with their probabilities that a prediction shows."""
LOGIT_KINDS: Mapping[str, LogitKind] = {
    "single_label_classification": "softmax",
    "multi_label_classification": "sigmoid",
    "regression": "value",
}


class Head(ABC):
    """What is predicted for a text. ``gold`` is a label, a list of labels or a number, as the head has it."""

    problem_type: ClassVar[str]
    """``transformers``' name of the kind, which goes into the model's configuration."""
    primary_metric: str
    labels: list[str]
    """Names of the model's outputs; none for a number."""

    no_answer: ClassVar[Mapping[str, Any]] = MappingProxyType({"label": None})
    """The prediction for no text at all."""

    @abstractmethod
    def target(self, gold: Any) -> Any:
        """The target of a feature; ``None`` where training did not have the label."""

    def unknown_labels(self, gold: Any) -> list[str]:
        """The labels in ``gold`` that training did not have."""
        return []

    def extended(self, gold: Sequence[Any], settings: Mapping[str, Any]) -> Head:
        """The head for training that continues from this one: with the labels in ``gold`` that are new, at the end.

        Args:
            gold: answers of the further training rows.
            settings: options that may be others than before: :attr:`taskzoo.heads.text_task.TextTask.loss_options`.

        Raises:
            RequestError: there are new labels, and this head cannot have more.
        """
        if new := sorted({label for answer in gold for label in self.unknown_labels(answer)}):
            raise RequestError(
                f"The label {new[0]!r} is new, and a {type(self).__name__} has the labels that it has; train on all "
                "rows from the base model."
            )
        return self

    @property
    def logit_targets(self) -> LogitTargets | None:
        """As :attr:`taskzoo.task.Task.logit_targets`; by the problem type."""
        kind = LOGIT_KINDS.get(self.problem_type)
        return None if kind is None else LogitTargets(kind, self.labels)

    @abstractmethod
    def collate(self, targets: Sequence[Any]) -> dict[str, np.ndarray]:
        """The targets of a batch, from those of its features; ``None`` is unknown and does not count."""

    @abstractmethod
    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        """As :meth:`taskzoo.task.Task.loss`."""

    @property
    def class_weightings(self) -> Sequence[str]:
        """As :attr:`taskzoo.task.Task.class_weightings`."""
        return ()

    def weigh_classes(self, name: str) -> None:  # noqa: B027 - most have nothing to choose
        """As :meth:`taskzoo.task.Task.weigh_classes`."""

    @abstractmethod
    def predictions(self, logits: np.ndarray) -> list[Prediction]:
        """Predictions, without the text, from logits ``[rows, outputs]``."""

    @abstractmethod
    def references(self, gold: Sequence[Any]) -> list[Prediction]:
        """Gold answers in the form of predictions."""

    def tune(self, gold: Sequence[Any], logits: np.ndarray) -> dict[str, Any]:
        """Learn from validation rows what training rows cannot tell, and say what."""
        return {}

    def label_sets(self, predictions: Sequence[Prediction], coverage: float) -> list[list[str]]:
        """As :meth:`taskzoo.task.Task.label_sets`."""
        raise RequestError("coverage needs predictions of one label with its probability; this run's have none.")

    @property
    def logit_scaling(self) -> tuple[float, float]:
        """As :attr:`taskzoo.task.Task.logit_scaling`."""
        return 1.0, 0.0

    def plain_lines(self) -> list[str]:
        """Python for the model card: from ``outputs`` of ``transformers``' pipeline for one text to the answer.

        Each output has a ``label`` and a ``score``, the highest first.
        """
        return []

    @abstractmethod
    def metrics(self) -> Sequence[Metric]:
        """The metrics of its predictions."""

    baseline_fits: ClassVar[int] = 1
    """How often :meth:`baseline` fits a model for each label."""

    @abstractmethod
    def baseline(
        self, texts: Sequence[str], gold: Sequence[Any], seed: int
    ) -> Callable[[Sequence[str]], list[Prediction]]:
        """A plain model with the same predictions, fitted on training texts."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """The arguments that make the same head again, JSON-serialisable."""

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`state`."""
        return cls(**state)


def pool_windows(parts: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Logits ``[rows, outputs]``: the mean over the windows of each row."""
    return np.stack([np.mean(windows, axis=0) for windows in parts]) if parts else np.zeros((0, 1), np.float32)


def top_scores(labels: Sequence[str], probabilities: np.ndarray, limit: int = TOP) -> list[dict[str, float]]:
    """The ``limit`` likeliest labels of each row with their probabilities, likeliest first."""
    limit = min(limit, len(labels))
    best = np.argpartition(-probabilities, limit - 1, axis=1)[:, :limit]
    scores = np.take_along_axis(probabilities, best, axis=1)
    order = np.argsort(-scores, axis=1, kind="stable")
    best, scores = np.take_along_axis(best, order, axis=1), np.take_along_axis(scores, order, axis=1)
    return [
        {labels[i]: round(float(p), 4) for i, p in zip(ids, values, strict=True)}
        for ids, values in zip(best, scores, strict=True)
    ]
