"""A number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, replace
from statistics import fmean, pstdev
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from taskzoo.errors import RequestError
from taskzoo.types import Batch, Loss, Metric, Prediction

from .base import Head


@dataclass(frozen=True, slots=True)
class Scale:
    """Mean, standard deviation, least and greatest of the training rows' numbers."""

    mean: float
    deviation: float
    lowest: float
    highest: float


MOST_DEVIATIONS = 1e4
"""From 0 to the mean of numbers that a layer in float32 can give in their own units."""


class RegressionHead(Head):
    """One output, trained on targets of mean 0 and deviation 1.

    Args:
        scale: of the training rows; predictions are held within its range.
        loss: ``mse`` or ``huber``, on standardised targets.
        delta: of Huber's loss, in deviations.
    """

    problem_type = "regression"
    primary_metric = "loss"
    no_answer = MappingProxyType({"value": None})

    def __init__(self, scale: Scale, *, loss: str = "mse", delta: float = 1.0) -> None:
        self.labels = []
        self.scale = scale
        self._loss, self._delta = loss, delta

    @classmethod
    def fitted(cls, gold: Sequence[float], **settings: Any) -> Self:
        """With the scale of ``gold``.

        Raises:
            RequestError: all numbers are the same.
        """
        deviation = pstdev(gold)
        if not deviation:
            raise RequestError(f"All {len(gold)} training rows have the number {gold[0]:g}; there is nothing to learn.")
        return cls(Scale(fmean(gold), deviation, min(gold), max(gold)), **settings)

    def extended(self, gold: Sequence[Any], settings: Mapping[str, Any]) -> Self:
        """Mean and deviation stay, for the weights belong to them; the range grows with the numbers."""
        head, scale = copy(self), self.scale
        head._loss, head._delta = settings.get("loss", self._loss), settings.get("delta", self._delta)
        head.scale = replace(scale, lowest=min(scale.lowest, *gold), highest=max(scale.highest, *gold))
        return head

    def target(self, gold: Any) -> float | None:
        return None if gold is None else (gold - self.scale.mean) / self.scale.deviation

    def collate(self, targets: Sequence[Any]) -> dict[str, np.ndarray]:
        """``values`` ``[B]``, NaN where unknown."""
        known = [math.nan if target is None else target for target in targets]
        return {"values": np.array(known, dtype=np.float32)}

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        if label_smoothing:
            raise RequestError("label_smoothing has no meaning for a number; leave it at 0.")
        from taskzoo.models.losses import huber, squared_error

        values, targets = outputs.logits.squeeze(-1), batch.targets["values"]
        return squared_error(values, targets) if self._loss == "mse" else huber(values, targets, self._delta)

    def predictions(self, logits: np.ndarray) -> list[Prediction]:
        return self._from_values(self.scale.mean + self.scale.deviation * logits[:, 0].astype(np.float64))

    def references(self, gold: Sequence[Any]) -> list[Prediction]:
        return [self.prediction(value) for value in gold]

    def prediction(self, value: float) -> Prediction:
        """What is predicted, or gold, for a number."""
        return {"value": value}

    @property
    def logit_scaling(self) -> tuple[float, float]:
        return (self.scale.deviation, self.scale.mean) if self._exact else (1.0, 0.0)

    def plain_lines(self) -> list[str]:
        """Predictions are held within the range of the training rows, which ``transformers`` does not do."""
        scale, value = self.scale, 'outputs[0]["score"]'
        if not self._exact:
            value = f"{scale.mean!r} + {scale.deviation!r} * {value}"
        return [f"value = min(max({value}, {scale.lowest!r}), {scale.highest!r})"]

    @property
    def _exact(self) -> bool:
        """Whether float32, which a layer is in, tells apart numbers that are this far from 0 (dates as numbers)."""
        return abs(self.scale.mean) <= MOST_DEVIATIONS * self.scale.deviation

    def metrics(self) -> Sequence[Metric]:
        from taskzoo.metrics.regression import Regression

        return [Regression(self.scale.mean)]

    def baseline(
        self, texts: Sequence[str], gold: Sequence[Any], seed: int
    ) -> Callable[[Sequence[str]], list[Prediction]]:
        from taskzoo.models.baseline import TextBaseline

        model = TextBaseline(self.problem_type, 1, seed).fit(texts, np.array(gold, dtype=np.float64))
        return lambda others: self._from_values(model.predict(others))

    def state(self) -> dict[str, Any]:
        return {"scale": asdict(self.scale), "loss": self._loss, "delta": self._delta}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(**{**state, "scale": Scale(**state["scale"])})

    def _from_values(self, values: np.ndarray) -> list[Prediction]:
        digits = max(4, 3 - math.floor(math.log10(self.scale.deviation)))  # a narrow range needs more
        rounded = [round(float(value), digits) for value in values]
        return [self.prediction(min(max(value, self.scale.lowest), self.scale.highest)) for value in rounded]
