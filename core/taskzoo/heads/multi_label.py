"""Any number of the labels, none included."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from taskzoo.types import Batch, Loss, Metric, Prediction

from .base import Head, top_scores
from .label_text import in_order

MOST_POSITIVE_WEIGHT = 100.0


class MultiLabelHead(Head):
    """A sigmoid per label, with a threshold per label.

    Args:
        labels: in the order of the model's outputs.
        positive_weights: how much a row that has the label counts, one per label, or ``None``.
        focal_gamma: of the focal loss, 0 for plain cross-entropy.
        thresholds: the probability from which a label is given, one per label; 0.5 until tuned.
        temperature: the logits are divided by it before the sigmoid.
    """

    problem_type = "multi_label_classification"
    primary_metric = "average_precision_macro"
    no_answer = MappingProxyType({"labels": []})
    baseline_fits = 2

    def __init__(
        self,
        labels: Sequence[str],
        *,
        positive_weights: Sequence[float] | None = None,
        focal_gamma: float = 0.0,
        thresholds: Sequence[float] | None = None,
        temperature: float = 1.0,
    ) -> None:
        self.labels = list(labels)
        self.thresholds = [0.5] * len(self.labels) if thresholds is None else list(thresholds)
        self.temperature = temperature
        self._weights = None if positive_weights is None else list(positive_weights)
        self._gamma = focal_gamma
        self._ids = {label: i for i, label in enumerate(self.labels)}

    @classmethod
    def fitted(
        cls, gold: Sequence[Sequence[str]], order: Sequence[str], *, class_weights: str = "none", **settings: Any
    ) -> Self:
        """With the labels in ``order``; weights are rows without by rows with the label (or the root of that).

        ``auto`` gives none: rare labels have thresholds of their own.
        """
        return cls(order, positive_weights=_positive_weights(gold, order, class_weights), **settings)

    def extended(self, gold: Sequence[Any], settings: Mapping[str, Any]) -> Head:
        """Temperature and thresholds stay until validation rows give others; that of a new label is 0.5."""
        new = in_order({label for labels in gold for label in labels} - self._ids.keys())
        labels = [*self.labels, *new]
        return type(self)(
            labels,
            positive_weights=_positive_weights(gold, labels, settings["class_weights"]),
            focal_gamma=settings["focal_gamma"],
            thresholds=[*self.thresholds, *[0.5] * len(new)],
            temperature=self.temperature,
        )

    def target(self, gold: Any) -> list[int]:
        return sorted({self._ids[label] for label in gold if label in self._ids})

    def unknown_labels(self, gold: Any) -> list[str]:
        return [label for label in gold if label not in self._ids]

    def collate(self, targets: Sequence[Any]) -> dict[str, np.ndarray]:
        """``labels`` ``[B, num_labels]`` of 0 and 1 from lists of ids, NaN where unknown."""
        labels = np.zeros((len(targets), len(self.labels)), dtype=np.float32)
        for b, target in enumerate(targets):
            if target is None:
                labels[b] = math.nan
            else:
                labels[b, target] = 1.0
        return {"labels": labels}

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        from taskzoo.models.losses import binary_cross_entropy

        return binary_cross_entropy(
            outputs.logits,
            batch.targets["labels"],
            label_smoothing=label_smoothing,
            positive_weights=self._weights,
            focal_gamma=self._gamma,
        )

    def predictions(self, logits: np.ndarray) -> list[Prediction]:
        from taskzoo.models.calibration import sigmoid

        return self._from_probabilities(sigmoid(logits, self.temperature), np.array(self.thresholds))

    def references(self, gold: Sequence[Any]) -> list[Prediction]:
        return [{"labels": list(labels)} for labels in gold]

    def tune(self, gold: Sequence[Any], logits: np.ndarray) -> dict[str, Any]:
        from taskzoo.models.calibration import fit_temperature, fit_thresholds, sigmoid

        targets = self._matrix(gold)
        self.temperature = fit_temperature(logits, targets)
        found = fit_thresholds(sigmoid(logits, self.temperature), targets)
        self.thresholds = [float(t) for t in found]
        return {
            "temperature": self.temperature,
            "thresholds": dict(zip(self.labels, self.thresholds, strict=True)),
        }

    @property
    def logit_scaling(self) -> tuple[float, float]:
        return 1 / self.temperature, 0.0

    def plain_lines(self) -> list[str]:
        """Which labels are given depends on the thresholds, which ``transformers`` does not know."""
        thresholds = dict(zip(self.labels, self.thresholds, strict=True))
        return [
            f"thresholds = {thresholds!r}",
            'labels = [found["label"] for found in outputs if found["score"] >= thresholds[found["label"]]]',
        ]

    def metrics(self) -> Sequence[Metric]:
        from taskzoo.metrics.multi_label import MultiLabel

        return [MultiLabel(self.labels)]

    def baseline(
        self, texts: Sequence[str], gold: Sequence[Any], seed: int
    ) -> Callable[[Sequence[str]], list[Prediction]]:
        """Its thresholds are tuned on a tenth of the training texts, by a fit without these."""
        from taskzoo.models.baseline import TextBaseline
        from taskzoo.models.calibration import fit_thresholds

        targets, n = self._matrix(gold), len(texts)
        held = np.zeros(n, dtype=bool)
        held[np.random.default_rng(seed).permutation(n)[: n // 10]] = True
        model = TextBaseline(self.problem_type, len(self.labels), seed).fit(texts, targets, held if n >= 20 else None)
        thresholds = np.full(len(self.labels), 0.5)
        if model.held_scores is not None:
            thresholds = fit_thresholds(model.held_scores, targets[held])
        return lambda others: self._from_probabilities(model.predict(others), thresholds)

    def state(self) -> dict[str, Any]:
        return {
            "labels": self.labels,
            "positive_weights": self._weights,
            "focal_gamma": self._gamma,
            "thresholds": self.thresholds,
            "temperature": self.temperature,
        }

    def _matrix(self, gold: Sequence[Any]) -> np.ndarray:
        """0 and 1, shape ``[rows, labels]``."""
        targets = np.zeros((len(gold), len(self.labels)))
        for i, labels in enumerate(gold):
            targets[i, self.target(labels)] = 1
        return targets

    def _from_probabilities(self, probabilities: np.ndarray, thresholds: np.ndarray) -> list[Prediction]:
        given = probabilities >= thresholds
        return [
            {"labels": [self.labels[i] for i in np.flatnonzero(mask)], "scores": scores, "_probabilities": row}
            for mask, row, scores in zip(given, probabilities, top_scores(self.labels, probabilities), strict=True)
        ]


def _positive_weights(gold: Sequence[Sequence[str]], order: Sequence[str], mode: str) -> list[float] | None:
    """Rows without by rows with each label (``balanced``), or the root of that (``sqrt``); ``None``: no weights."""
    if mode not in ("sqrt", "balanced"):
        return None
    counts = Counter(label for labels in gold for label in set(labels))
    ratios = [(len(gold) - counts[label]) / max(1, counts[label]) for label in order]
    power = 1.0 if mode == "balanced" else 0.5
    return [min(MOST_POSITIVE_WEIGHT, max(ratio, 1e-3) ** power) for ratio in ratios]
