"""A number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, pstdev
from typing import Any

import numpy as np
import torch

from taskzoo.errors import RequestError
from taskzoo.models.losses import huber, squared_error
from taskzoo.task import Batch, Metric, Prediction

from .base import fit_baseline


class Number:
    """One output, trained on targets of mean 0 and deviation 1 (see :class:`~taskzoo.answers.base.Answer`).

    Args:
        mean, deviation: of the training rows.
        lowest, highest: of the training rows; predictions are held between them.
        loss: ``mse`` or ``huber``, on standardised targets.
        delta: of Huber's loss, in deviations.
        names: for a scale of whole numbers, what each is called (``{"4": "4 stars"}``; one that is missing is called
            by its digits). Predictions then also have the ``label`` of the nearest one, and its accuracy is measured.
    """

    kind = "value"
    primary_metric = "loss"

    def __init__(
        self,
        mean: float,
        deviation: float,
        lowest: float,
        highest: float,
        *,
        loss: str = "mse",
        delta: float = 1.0,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self.labels: list[str] = []
        self.known: frozenset[str] = frozenset()
        self.mean, self.deviation = mean, deviation
        self.lowest, self.highest = lowest, highest
        self.names = None if names is None else dict(names)
        self._loss, self._delta = loss, delta

    @classmethod
    def fitted(cls, gold: Sequence[float], **settings: Any) -> Number:
        """With mean, deviation and range of ``gold``.

        Raises:
            RequestError: all numbers are the same.
        """
        deviation = pstdev(gold)
        if not deviation:
            raise RequestError(f"All {len(gold)} training rows have the number {gold[0]:g}; there is nothing to learn.")
        return cls(fmean(gold), deviation, min(gold), max(gold), **settings)

    def target(self, gold: Any) -> float | None:
        return None if gold is None else (gold - self.mean) / self.deviation

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float) -> tuple[torch.Tensor, torch.Tensor]:
        if label_smoothing:
            raise RequestError("label_smoothing has no meaning for a number; leave it at 0.")
        values, targets = outputs.logits.squeeze(-1), batch["targets"]["values"]
        return squared_error(values, targets) if self._loss == "mse" else huber(values, targets, self._delta)

    def predictions(self, logits: np.ndarray) -> list[Prediction]:
        return self._from_values(self.mean + self.deviation * logits[:, 0].astype(np.float64))

    def references(self, gold: Sequence[Any]) -> list[Prediction]:
        return [self._prediction(value) for value in gold]

    def tune(self, gold: Sequence[Any], logits: np.ndarray) -> dict[str, Any]:
        """There is nothing to tune."""
        return {}

    def metrics(self) -> Sequence[Metric]:
        from taskzoo.metrics.regression import Regression
        from taskzoo.metrics.rounded import RoundedAccuracy

        return [Regression(self.mean), *([] if self.names is None else [RoundedAccuracy()])]

    def baseline(
        self, texts: Sequence[str], gold: Sequence[Any], seed: int
    ) -> Callable[[Sequence[str]], list[Prediction]]:
        model = fit_baseline("regression", texts, np.array(gold, dtype=np.float64), num_labels=1, seed=seed)
        return lambda others: self._from_values(model.predict(others))

    def state(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "mean": self.mean,
            "deviation": self.deviation,
            "lowest": self.lowest,
            "highest": self.highest,
            "loss": self._loss,
            "delta": self._delta,
            "names": self.names,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Number:
        return cls(**{k: v for k, v in state.items() if k != "kind"})

    def _from_values(self, values: np.ndarray) -> list[Prediction]:
        digits = max(4, 3 - math.floor(math.log10(self.deviation)))  # a narrow range needs more
        rounded = [round(float(value), digits) for value in values]
        return [self._prediction(min(max(value, self.lowest), self.highest)) for value in rounded]

    def _prediction(self, value: float) -> Prediction:
        if self.names is None:
            return {"value": value}
        nearest = str(math.floor(value + 0.5))
        return {"value": value, "label": self.names.get(nearest, nearest)}
