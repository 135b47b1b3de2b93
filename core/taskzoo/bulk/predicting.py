"""Predictions of a chunk of rows; one that cannot be used is set apart and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from taskzoo.data.streams.records import Answer, BadRecord, Item, Record
from taskzoo.errors import DataError
from taskzoo.spec import TaskSpec
from taskzoo.types import Prediction, Row

CHUNK = 1000
"""Rows that are read, predicted and written together."""


class Model(Protocol):
    """What predicts: a :class:`taskzoo.Run`, or anything else with these members of it."""

    path: Path
    spec: TaskSpec
    say: Callable[[str], object]

    @property
    def task(self) -> Any: ...  # pragma: no cover

    def predict_rows(
        self, rows: Sequence[Row], *, min_confidence: float | None = None, coverage: float | None = None
    ) -> list[Prediction]: ...  # pragma: no cover


@dataclass(frozen=True, slots=True)
class Policy:
    """How rows are predicted.

    Args:
        min_confidence: see :meth:`taskzoo.Run.predict`.
        coverage: see :meth:`taskzoo.Run.predict`.
        strict: whether a row that cannot be used is an error; otherwise it is set apart.
    """

    min_confidence: float | None = None
    coverage: float | None = None
    strict: bool = False


def predict_items(model: Model, items: Sequence[Item], policy: Policy) -> list[Answer | BadRecord]:
    """An answer for every row that can be used, in order, and the others as they are.

    Raises:
        DataError: one cannot be used, and they must be.
        RunError: the model is damaged.
    """
    if policy.strict and (bad := next((item for item in items if isinstance(item, BadRecord)), None)):
        raise bad.error()
    asked = {"min_confidence": policy.min_confidence, "coverage": policy.coverage}

    def answers(part: Sequence[Record]) -> list[Answer | BadRecord]:
        try:
            found = model.predict_rows([record.row for record in part], **asked)
            return [Answer(record, prediction) for record, prediction in zip(part, found, strict=True)]
        except DataError as error:
            if policy.strict:
                raise
            if len(part) == 1:
                row = part[0].row
                return [BadRecord.of(error, row.line, part[0].values or dict(row.fields))]
        half = len(part) // 2
        return answers(part[:half]) + answers(part[half:])

    records = [item for item in items if isinstance(item, Record)]
    made = iter(answers(records) if records else ())
    return [item if isinstance(item, BadRecord) else next(made) for item in items]
