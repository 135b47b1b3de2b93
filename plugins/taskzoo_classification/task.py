"""The task ``classification``: one label per text or pair of texts, or any number of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from taskzoo import RequestError, Row
from taskzoo.heads.base import Head
from taskzoo.heads.label_text import check_types, in_order, one_label
from taskzoo.heads.multi_label import MultiLabelHead
from taskzoo.heads.single_label import SingleLabelHead
from taskzoo.heads.text_task import TextTask

from .label_cells import find_kind, several_labels


class ClassificationTask(TextTask):
    """Sorts texts or pairs of texts into classes; the training rows determine whether a text has one or several."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.kind, self.separator = "", ""

    def read_labels(self, rows: Sequence[Row]) -> list[Any]:
        check_types(rows)
        if not self.kind:
            self.kind, self.separator = find_kind(rows, self.options["kind"], self.options["label_separator"])
        if self.kind == "single":
            return [one_label(row, "use kind=multi") for row in rows]
        return [several_labels(row, self.separator) for row in rows]

    def fit_head(self, gold: Sequence[Any]) -> Head:
        order = in_order(name for labels in gold for name in self.label_classes(labels))
        if not order:
            raise RequestError("No training row has a label.")
        if self.kind == "single":
            return SingleLabelHead.fitted(gold, order, hierarchy=self.options["hierarchy"], **self.loss_options)
        return MultiLabelHead.fitted(gold, order, **self.loss_options)

    def describe(self) -> str:
        separator = f" (separated by {self.separator!r})" if self.separator else ""
        what = "one label" if self.kind == "single" else f"several labels{separator}"
        return f"{what} per text, {super().describe()}"

    def state(self) -> dict[str, Any]:
        return {**super().state(), "kind": self.kind, "separator": self.separator}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.kind, self.separator = state["kind"], state["separator"]
