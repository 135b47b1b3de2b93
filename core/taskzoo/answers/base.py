"""The form that all answers have, and what they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from taskzoo.task import Batch, Metric, Prediction

if TYPE_CHECKING:
    from taskzoo.models.baseline import TextBaseline

TOP = 5
"""Labels with their probabilities that a prediction shows."""


class Answer(Protocol):
    """What is said of a text. ``gold`` is a label, a list of labels or a number, as the kind has it."""

    kind: str
    """``single``, ``multi`` or ``value``: a key of :data:`taskzoo.models.sequence.PROBLEMS`."""
    labels: list[str]
    """Names of the model's outputs; none for a number."""
    known: frozenset[str]
    """The same as a set."""
    primary_metric: str

    def target(self, gold: Any) -> Any:
        """The target of a feature; ``None`` for a label that training did not have."""
        ...  # pragma: no cover

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float) -> tuple[torch.Tensor, torch.Tensor]:
        """As :meth:`taskzoo.task.Task.loss`."""
        ...  # pragma: no cover

    def predictions(self, logits: np.ndarray) -> list[Prediction]:
        """Predictions, without the text, from logits ``[rows, outputs]``."""
        ...  # pragma: no cover

    def references(self, gold: Sequence[Any]) -> list[Prediction]:
        """Gold answers in the form of predictions."""
        ...  # pragma: no cover

    def tune(self, gold: Sequence[Any], logits: np.ndarray) -> dict[str, Any]:
        """Learn from validation rows what training rows cannot tell, and say what."""
        ...  # pragma: no cover

    def metrics(self) -> Sequence[Metric]: ...  # pragma: no cover

    def baseline(
        self, texts: Sequence[str], gold: Sequence[Any], seed: int
    ) -> Callable[[Sequence[str]], list[Prediction]]:
        """A plain model of the same answer, fitted on training texts."""
        ...  # pragma: no cover

    def state(self) -> dict[str, Any]: ...  # pragma: no cover


def decode_logits(outputs: Any) -> list[np.ndarray]:
    """One float32 array ``[outputs]`` per feature of the batch."""
    return list(outputs.logits.float().cpu().numpy())


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


def fit_baseline(
    kind: str, texts: Sequence[str], targets: Any, *, num_labels: int, seed: int, class_weight: str | None = None
) -> TextBaseline:
    """TF-IDF with a linear model, fitted."""
    from taskzoo.models.baseline import TextBaseline

    model = TextBaseline()
    model.fit(texts, targets, kind=kind, num_labels=num_labels, seed=seed, class_weight=class_weight)
    return model


def balanced_weights(counts: Mapping[str, int], labels: Sequence[str], mode: str) -> list[float] | None:
    """A weight per label whose mean over the training rows is 1: 1/n for ``balanced``, 1/sqrt(n) for ``sqrt``.

    ``None`` for ``none``. The balanced ones are those of King & Zeng 2001, as in scikit-learn.
    """
    if mode == "none":
        return None
    n = np.array([max(1, counts[label]) for label in labels], dtype=np.float64)
    weights = 1 / n if mode == "balanced" else 1 / np.sqrt(n)
    return [float(w) for w in weights * n.sum() / (weights * n).sum()]
