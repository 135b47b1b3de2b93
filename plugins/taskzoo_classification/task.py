"""The task ``classification``: one label per text or pair of texts, or any number of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from taskzoo import RequestError, Row
from taskzoo.heads.base import Head
from taskzoo.heads.label_text import check_types, in_order
from taskzoo.heads.multi_label import MultiLabelHead
from taskzoo.heads.single_label import SingleLabelHead
from taskzoo.heads.text_task import TextTask

from .label_cells import LabelCells


class ClassificationTask(TextTask):
    """Sorts texts or pairs of texts into classes; the training rows determine whether a text has one or several."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.cells: LabelCells | None = None

    def telling_rows(self, rows: Iterable[Row]) -> list[Row] | None:
        return self.rows_of_labels(rows)

    def read_labels(self, rows: Sequence[Row]) -> list[Any]:
        check_types(rows)
        if self.cells is None:
            self.cells = LabelCells.of(rows, self.options)
        elif self.is_further:
            self.cells = self.cells.further(rows, self.options)
        if self.kind == "single":
            return self.spelled([self.cells.one(row) for row in rows])
        labels = [self.cells.read(row) for row in rows]
        self.spelled([name for names in labels for name in names])
        return [list(dict.fromkeys(self.spelled(names))) for names in labels]

    @property
    def kind(self) -> str:
        """``single`` or ``multi``; empty before training rows were read."""
        return self.cells.kind if self.cells else ""

    def fit_head(self, gold: Sequence[Any]) -> Head:
        order = in_order(name for labels in gold for name in self.label_classes(labels))
        if not order:
            raise RequestError("No training row has a label.")
        if self.kind == "single":
            return SingleLabelHead.fitted(gold, order, **self.loss_options)
        return MultiLabelHead.fitted(gold, order, **self.loss_options)

    @property
    def loss_options(self) -> dict[str, Any]:
        levels = {"hierarchy": self.options["hierarchy"]} if self.kind == "single" else {}
        return {**super().loss_options, **levels}

    def describe(self) -> str:
        cells = self.cells or LabelCells("single")
        notes = [f"separated by {cells.separator!r}"] if cells.separator and self.kind == "multi" else []
        notes += [f"vectors of {len(cells.places)} places"] if cells.places else []
        what = "one label" if self.kind == "single" else "several labels"
        what += f" ({', '.join(notes)})" if notes else ""
        return f"{what} per text, {super().describe()}"

    def state(self) -> dict[str, Any]:
        return {**super().state(), **(self.cells.state() if self.cells else {})}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        places, marks = tuple(state.get("places", ())), state.get("marks", "")
        self.cells = LabelCells(state["kind"], state["separator"], places, marks)
