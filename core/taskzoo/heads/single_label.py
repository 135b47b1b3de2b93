"""Exactly one of the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from taskzoo.errors import RequestError
from taskzoo.models.conformal import REPORTED, LabelSets
from taskzoo.types import IGNORE_INDEX, Batch, Loss, Metric, Prediction

from .base import Head, top_scores
from .label_text import in_order

UNEVEN = 2.0
"""From this ratio of the most to the least frequent label on, ``class_weights=auto`` has something to choose."""
WEIGHTINGS = ("none", "sqrt", "balanced")
AUTO = "auto"


class SingleLabelHead(Head):
    """Softmax over labels, calibrated by one temperature; and sets of labels, by the same validation rows.

    Args:
        labels: in the order of the model's outputs.
        class_weights: one per label, or ``None``.
        focal_gamma: of the focal loss, 0 for plain cross-entropy.
        hierarchy: separator between the levels of a label's name, if it has levels.
        temperature: the logits are divided by it before the softmax.
    """

    problem_type = "single_label_classification"

    def __init__(
        self,
        labels: Sequence[str],
        *,
        class_weights: Sequence[float] | None = None,
        focal_gamma: float = 0.0,
        hierarchy: str = "",
        temperature: float = 1.0,
        primary_metric: str = "f1_macro",
    ) -> None:
        self.labels = list(labels)
        self.primary_metric = primary_metric
        self.temperature = temperature
        self._sets: LabelSets | None = None
        self._weights = None if class_weights is None else list(class_weights)
        self._counts: Counter[str] = Counter()  # of the labels in training, where weights are to be chosen
        self._gamma = focal_gamma
        self._soft = False
        self._hierarchy = hierarchy
        self._ids = {label: i for i, label in enumerate(self.labels)}

    @classmethod
    def fitted(cls, gold: Sequence[str], order: Sequence[str], *, class_weights: str = "none", **settings: Any) -> Self:
        """With the labels in ``order`` and weights by their counts in ``gold``; ``auto``: none until one is chosen.

        Raises:
            RequestError: all rows have the same label.
        """
        if len(order) == 1:
            raise RequestError(f"All {len(gold)} training rows have the label {order[0]!r}; there is nothing to learn.")
        counts = Counter(gold)
        if class_weights != AUTO:
            return cls(order, class_weights=balanced_weights(counts, order, class_weights), **settings)
        head = cls(order, **settings)
        if max(counts.values()) >= UNEVEN * min(counts.values()):
            head._counts = counts
        return head

    def extended(self, gold: Sequence[Any], settings: Mapping[str, Any]) -> Head:
        """The temperature stays until validation rows give another; sets of labels need these anew."""
        counts, mode = Counter(gold), settings["class_weights"]
        labels = [*self.labels, *in_order(counts.keys() - self._ids.keys())]
        weights = None if mode == AUTO else balanced_weights(counts, labels, mode)
        state = {**self.state(), "labels": labels, "class_weights": weights, "label_sets": None}
        levels = settings.get("hierarchy", self._hierarchy)
        head = self.from_state({**state, "focal_gamma": settings["focal_gamma"], "hierarchy": levels})
        if mode == AUTO and max(counts.values()) >= UNEVEN * min(counts.values()):
            head._counts = counts
        return head

    @property
    def class_weightings(self) -> Sequence[str]:
        return WEIGHTINGS if self._counts else ()

    def weigh_classes(self, name: str) -> None:
        self._weights = balanced_weights(self._counts, self.labels, name)

    def target(self, gold: Any) -> int | None:
        return self._ids.get(gold)

    def use_soft_labels(self) -> None:
        """Some training rows give probabilities of labels: every batch has them from here on.

        Raises:
            RequestError: the focal loss is of one right label.
        """
        if self._gamma:
            raise RequestError("The training rows give probabilities of labels, and focal_gamma needs one right label.")
        self._soft = True

    def soft_target(self, soft: Mapping[str, float]) -> list[float]:
        """The target for probabilities of labels, all of which are known: one for each output."""
        return [soft.get(label, 0.0) for label in self.labels]

    def unknown_labels(self, gold: Any) -> list[str]:
        return [] if gold in self._ids else [gold]

    def collate(self, targets: Sequence[Any]) -> dict[str, np.ndarray]:
        """``labels`` ``[B]``, -100 where unknown; with soft labels the likeliest, and ``probabilities`` ``[B, L]``."""
        rows = [target if isinstance(target, list) else None for target in targets]
        ids = [
            IGNORE_INDEX if target is None else int(np.argmax(row)) if row is not None else target
            for target, row in zip(targets, rows, strict=True)
        ]
        labels = {"labels": np.array(ids, dtype=np.int64)}
        if not self._soft and not any(rows):
            return labels
        probabilities = np.zeros((len(ids), len(self.labels)), dtype=np.float32)
        for place, (label, row) in enumerate(zip(ids, rows, strict=True)):
            if row is not None:
                probabilities[place] = row
            elif label != IGNORE_INDEX:
                probabilities[place, label] = 1
        return {**labels, "probabilities": probabilities}

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        from taskzoo.models.losses import cross_entropy, soft_cross_entropy

        if "probabilities" in batch.targets:
            return soft_cross_entropy(
                outputs.logits,
                batch.targets["probabilities"],
                label_smoothing=label_smoothing,
                class_weights=self._weights,
            )
        return cross_entropy(
            outputs.logits,
            batch.targets["labels"],
            label_smoothing=label_smoothing,
            class_weights=self._weights,
            focal_gamma=self._gamma,
        )

    def predictions(self, logits: np.ndarray) -> list[Prediction]:
        from taskzoo.models.calibration import softmax

        probabilities = softmax(logits, self.temperature)
        found = self._from_probabilities(probabilities)
        if self._sets is None or not self._sets.reaches(REPORTED):
            return found
        sets = self._sets(probabilities, REPORTED)
        return [{**p, "_label_set": self._named(ids)} for p, ids in zip(found, sets, strict=True)]

    def label_sets(self, predictions: Sequence[Prediction], coverage: float) -> list[list[str]]:
        if self._sets is None:
            raise RequestError(
                "This run has no label sets: it was trained without validation rows or by an earlier version. Train it "
                "again with validation rows to use coverage."
            )
        probabilities = np.array([p["_probabilities"] for p in predictions]).reshape(-1, len(self.labels))
        return [self._named(ids) for ids in self._sets(probabilities, coverage)]

    def references(self, gold: Sequence[Any]) -> list[Prediction]:
        return [{"label": label} for label in gold]

    def tune(self, gold: Sequence[Any], logits: np.ndarray) -> dict[str, Any]:
        from taskzoo.models.calibration import fit_temperature, softmax

        targets = np.array([self._ids.get(label, IGNORE_INDEX) for label in gold])
        self.temperature = fit_temperature(logits, targets)
        self._sets = LabelSets.fitted(softmax(logits, self.temperature), targets)
        return {"temperature": self.temperature}

    @property
    def logit_scaling(self) -> tuple[float, float]:
        return 1 / self.temperature, 0.0

    def plain_lines(self) -> list[str]:
        return ['label, score = outputs[0]["label"], outputs[0]["score"]']

    def metrics(self) -> Sequence[Metric]:
        from taskzoo.metrics.label_sets import SetScores
        from taskzoo.metrics.single_label import SingleLabel

        sets = [SetScores(REPORTED)] if self._sets is not None and self._sets.reaches(REPORTED) else []
        return [SingleLabel(self.labels, self._hierarchy), *sets]

    def baseline(
        self, texts: Sequence[str], gold: Sequence[Any], seed: int
    ) -> Callable[[Sequence[str]], list[Prediction]]:
        from taskzoo.models.baseline import TextBaseline

        targets = np.array([self._ids[label] for label in gold])
        weight = None if self._weights is None else "balanced"
        model = TextBaseline(self.problem_type, len(self.labels), seed, weight).fit(texts, targets)
        return lambda others: self._from_probabilities(model.predict(others))

    def state(self) -> dict[str, Any]:
        return {
            "labels": self.labels,
            "class_weights": self._weights,
            "focal_gamma": self._gamma,
            "hierarchy": self._hierarchy,
            "temperature": self.temperature,
            "primary_metric": self.primary_metric,
            "label_sets": None if self._sets is None else self._sets.state(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        head = cls(**{name: value for name, value in state.items() if name != "label_sets"})
        if state.get("label_sets"):  # runs of earlier versions have none
            head._sets = LabelSets.from_state(state["label_sets"])
        return head

    def _named(self, ids: Sequence[int]) -> list[str]:
        return [self.labels[i] for i in ids]

    def _from_probabilities(self, probabilities: np.ndarray) -> list[Prediction]:
        best = probabilities.argmax(axis=1)
        return [
            {"label": self.labels[i], "score": round(float(row[i]), 4), "scores": scores, "_probabilities": row}
            for i, row, scores in zip(best, probabilities, top_scores(self.labels, probabilities), strict=True)
        ]


def balanced_weights(counts: Mapping[str, int], labels: Sequence[str], mode: str) -> list[float] | None:
    """A weight per label whose mean over the training rows is 1: 1/n for ``balanced``, 1/sqrt(n) for ``sqrt``.

    ``None`` for ``none``. The balanced ones are those of King & Zeng 2001, as in scikit-learn.
    """
    if mode == "none":
        return None
    n = np.array([max(1, counts[label]) for label in labels], dtype=np.float64)
    weights = 1 / n if mode == "balanced" else 1 / np.sqrt(n)
    return [float(w) for w in weights * n.sum() / (weights * n).sum()]
