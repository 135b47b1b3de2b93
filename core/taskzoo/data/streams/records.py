"""What passes from a source to a writer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskzoo.errors import DataError
from taskzoo.types import Prediction, Row


@dataclass(frozen=True, slots=True)
class Record:
    """A row of the input.

    Args:
        row: what the task reads of it.
        values: all columns by name, in order; empty where the format has none that could be kept.
    """

    row: Row
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A row that cannot be used.

    Args:
        source: the name of its file.
        line: where it stands there, from 1; 0 if unknown.
        reason: why it cannot be used.
        content: its columns, or its text where it could not be read.
    """

    source: str
    line: int
    reason: str
    content: Any = None

    @classmethod
    def of(cls, error: DataError, line: int, content: Any) -> BadRecord:
        """What ``error`` says of the row on ``line``."""
        source = error.file or "input"
        return cls(source, line, str(error).removeprefix(f"{source}:{error.line}: "), content)

    def error(self) -> DataError:
        """The same as an error."""
        return DataError(self.reason, file=self.source, line=self.line)


Item = Record | BadRecord


@dataclass(frozen=True, slots=True)
class Answer:
    """A row with its prediction."""

    record: Record
    prediction: Prediction
