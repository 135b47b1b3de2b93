"""The task ``classification``: one label per text or pair of texts, or any number of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from taskzoo import RequestError, Row
from taskzoo.answers.any_labels import AnyLabels
from taskzoo.answers.base import Answer
from taskzoo.answers.labels import check_types, in_order, one_label
from taskzoo.answers.one_label import OneLabel
from taskzoo.answers.task import TextTask

from .labels import find_kind, several_labels


class ClassificationLabels:
    """Settles from the training rows whether a text has one label or several
    (see :class:`~taskzoo.answers.task.LabelReader`).
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.kind, self.separator = "", ""
        self._counts: Counter[str] = Counter()

    def read(self, rows: Sequence[Row]) -> list[Any]:
        check_types(rows)
        if not self.kind:
            self.kind, self.separator = find_kind(rows, self.options["kind"], self.options["label_separator"])
        if self.kind == "single":
            return [one_label(row, "use kind=multi") for row in rows]
        return [several_labels(row, self.separator) for row in rows]

    def classes(self, gold: Any) -> list[str]:
        return [] if gold is None else [gold] if isinstance(gold, str) else sorted(gold)

    def stratum(self, gold: Any) -> str:
        return ", ".join(self.classes(gold))

    def fit(self, gold: Sequence[Any]) -> Answer:
        self._counts = Counter(name for labels in gold for name in self.classes(labels))
        order = in_order(self._counts)
        if not order:
            raise RequestError("No training row has a label.")
        settings = {"class_weights": self.options["class_weights"], "focal_gamma": self.options["focal_gamma"]}
        if self.kind == "single":
            return OneLabel.fitted(gold, order, hierarchy=self.options["hierarchy"], **settings)
        return AnyLabels.fitted(gold, order, **settings)

    def describe(self) -> str:
        ordered = self._counts.most_common()
        (most, many), (least, few) = ordered[0], ordered[-1]
        separator = f" (separated by {self.separator!r})" if self.separator else ""
        what = "one label" if self.kind == "single" else f"several labels{separator}"
        return f"{what} per text, {len(ordered)} labels, from {few} rows ({least}) to {many} ({most})"

    def state(self) -> dict[str, Any]:
        return {"kind": self.kind, "separator": self.separator}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.kind, self.separator = state["kind"], state["separator"]


class ClassificationTask(TextTask):
    """Sorts texts or pairs of texts into classes."""

    reader_class = ClassificationLabels
