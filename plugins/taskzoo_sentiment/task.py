"""The task ``sentiment``: classes from negative to positive, stars, or a real-valued intensity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from taskzoo import RequestError, Row
from taskzoo.answers.base import Answer
from taskzoo.answers.labels import check_types, one_label
from taskzoo.answers.number import Number
from taskzoo.answers.one_label import OneLabel
from taskzoo.answers.task import TextTask

from .labels import find_kind, in_order, require_number, require_star

LEVELS = 4
"""Intensities that are nearest to the same quarter of the range count as alike when rows are split and compared."""
MOST_SHOWN = 6
"""Classes that the description lists one by one."""


class SentimentLabels:
    """Settles from the training rows which kind their labels are (see :class:`~taskzoo.answers.task.LabelReader`)."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.kind = ""
        self._names: dict[str, str] = {}  # of stars, as the training rows have them
        self._range = (0.0, 0.0)
        self._description = ""

    @property
    def numeric(self) -> bool:
        """Whether the answer is a number."""
        return self.kind == "intensity" or (self.kind == "stars" and self.options["stars_as"] == "numbers")

    def read(self, rows: Sequence[Row]) -> list[Any]:
        check_types(rows)
        names = [one_label(row) for row in rows]
        is_new = not self.kind
        if is_new:
            self.kind = find_kind(rows, names, self.options["kind"])
            self._check_options()
        if self.kind == "intensity":
            values = [require_number(row, name) for row, name in zip(rows, names, strict=True)]
            if is_new and values:
                self._range = min(values), max(values)
            return values
        if self.kind == "stars" and (is_new or self.numeric):
            stars = [require_star(row, name) for row, name in zip(rows, names, strict=True)]
            if is_new:
                self._names = {str(star): name for star, name in zip(stars, names, strict=True)}
            return [float(star) for star in stars] if self.numeric else names
        return names

    def classes(self, gold: Any) -> list[str]:
        if gold is None or self.kind == "intensity":
            return []
        return [self._star_name(gold) if self.numeric else gold]

    def stratum(self, gold: Any) -> str:
        if gold is None or self.kind != "intensity":
            return "".join(self.classes(gold))
        low, high = self._range
        return f"{gold:g}" if low == high else f"level {round(LEVELS * (gold - low) / (high - low))}"

    def fit(self, gold: Sequence[Any]) -> Answer:
        if self.numeric:
            names = self._names if self.kind == "stars" else None
            number = Number.fitted(gold, loss=self.options["loss"], names=names)
            what = "stars as a number" if self.kind == "stars" else "intensity, a number"
            self._description = (
                f"{what} from {number.lowest:g} to {number.highest:g}, mean {number.mean:.3g}, "
                f"deviation {number.deviation:.3g}"
            )
            return number
        order = in_order(set(gold))
        self._description = _describe_classes(self.kind, Counter(gold), order)
        weights, gamma = self.options["class_weights"], self.options["focal_gamma"]
        return OneLabel.fitted(gold, order, class_weights=weights, focal_gamma=gamma)

    def describe(self) -> str:
        found = " (found from the labels; kind=... sets it)" if self.options["kind"] == "auto" else ""
        return f"{self._description}{found}"

    def state(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.kind = state["kind"]

    def _star_name(self, gold: float) -> str:
        return self._names.get(f"{gold:g}", f"{gold:g}")

    def _check_options(self) -> None:
        """Refuse options that the kind makes no use of.

        Raises:
            RequestError: there is one.
        """
        if self.kind != "stars" and self.options["stars_as"] == "numbers":
            raise RequestError(
                f"stars_as=numbers is for stars from 1 to 5, and these labels are {self.kind}; leave it out, or set "
                "kind=stars."
            )
        unused = {"class_weights": "none", "focal_gamma": 0.0} if self.numeric else {"loss": "mse"}
        for name, default in unused.items():
            if self.options[name] != default:
                wanted, found = ("classes", "numbers") if self.numeric else ("numbers", "classes")
                raise RequestError(
                    f"{name}={self.options[name]} is for {wanted}, and the labels are read as {found} here "
                    f"({self.kind}); leave it out."
                )


def _describe_classes(kind: str, counts: Mapping[str, int], order: Sequence[str]) -> str:
    named = [f"{name} ({counts[name]} row{'s' * (counts[name] != 1)})" for name in order]
    if len(order) > MOST_SHOWN:
        by_size = sorted(order, key=lambda name: counts[name])
        named = [f"from {counts[by_size[0]]} rows ({by_size[0]}) to {counts[by_size[-1]]} ({by_size[-1]})"]
    return f"{f'{len(order)} classes' if kind == 'classes' else kind}, {', '.join(named)}"


class SentimentTask(TextTask):
    """Says how negative or positive a text is."""

    reader_class = SentimentLabels
