"""Stars as a number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

from taskzoo.heads.regression import RegressionHead, Scale
from taskzoo.types import Metric, Prediction


class StarsHead(RegressionHead):
    """A number of stars with the ``label`` of the nearest one, whose accuracy is measured too.

    Args:
        names: what each number of stars is called (``{"4": "4 stars"}``); by its digits where missing.
        settings: as for :class:`~taskzoo.heads.regression.RegressionHead`.
    """

    no_answer = MappingProxyType({"value": None, "label": None})

    def __init__(self, scale: Scale, *, names: Mapping[str, str], **settings: Any) -> None:
        super().__init__(scale, **settings)
        self.names = dict(names)

    def name(self, stars: float) -> str:
        """What the nearest whole number of stars is called."""
        nearest = str(math.floor(stars + 0.5))
        return self.names.get(nearest, nearest)

    def prediction(self, value: float) -> Prediction:
        return {"value": value, "label": self.name(value)}

    def plain_lines(self) -> list[str]:
        nearest = "str(int(value + 0.5))"
        return [*super().plain_lines(), f"label = {self.names!r}.get({nearest}, {nearest})"]

    def extended(self, gold: Sequence[Any], settings: Mapping[str, Any]) -> Self:
        """With the names of stars that are new as well."""
        head = super().extended(gold, settings)
        head.names = dict(settings.get("names", self.names))
        return head

    def metrics(self) -> Sequence[Metric]:
        from taskzoo.metrics.rounded import RoundedAccuracy

        return [*super().metrics(), RoundedAccuracy()]

    def state(self) -> dict[str, Any]:
        return {**super().state(), "names": self.names}
