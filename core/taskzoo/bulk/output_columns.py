"""What is written of a row: the columns of the input, then what was predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taskzoo.data.streams.records import Answer, BadRecord
from taskzoo.data.streams.source import Source
from taskzoo.errors import RequestError, RunError
from taskzoo.option_names import option_name
from taskzoo.spec import TaskSpec
from taskzoo.types import Prediction

PREFIX = "predicted_"


@dataclass(frozen=True, slots=True)
class OutputColumns:
    """The columns of an output.

    Args:
        kept: columns of the input.
        schema: their types as a ``pyarrow.Schema``, where the input has types.
        repeated: keys of predictions that repeat what a kept column holds, and are not written.
        predicted: key of predictions -> its column, which begins with ``predicted_`` where the input has the name.
        types: key of predictions -> type of its values.
        answer: the first key of predictions that repeats no input.
    """

    kept: tuple[str, ...]
    schema: Any
    repeated: frozenset[str]
    predicted: Mapping[str, str]
    types: Mapping[str, type]
    answer: str

    @classmethod
    def find(cls, spec: TaskSpec, source: Source, prediction: Prediction, *, keep: bool) -> OutputColumns:
        """The columns for the rows of ``source``.

        Args:
            spec: of the task.
            source: of the rows.
            prediction: for one of them that is not blank.
            keep: whether the input's columns are kept.

        Raises:
            RequestError: the input has both the name of a prediction's key and the one with ``predicted_``.
        """
        kept = source.columns if keep else ()
        repeated = frozenset(source.roles if kept else ())
        keys = [key for key in prediction if key not in repeated]
        predicted = {key: PREFIX + key if key in kept else key for key in keys}
        if taken := [name for name in predicted.values() if name in kept]:
            message = f"The input has a column {taken[0]!r}, as the predictions have"
            raise RequestError(f"{message}; rename it, or leave its columns out with {option_name('no_keep_columns')}.")
        types = {key: type(prediction[key]) for key in keys}
        inputs = {role for role, column in spec.columns.items() if not column.target}
        answer = next((key for key in prediction if key not in inputs), "")
        return cls(kept, source.schema if kept else None, repeated, predicted, types, answer)

    @property
    def names(self) -> list[str]:
        """The names of all columns."""
        return [*self.kept, *self.predicted.values()]

    def merged(self, answer: Answer) -> dict[str, Any]:
        """What is written of a row, by column."""
        if not self.kept:
            return answer.prediction
        values = dict(answer.record.values)
        for key, value in answer.prediction.items():
            if key not in self.repeated:
                name = self.predicted.get(key, key)
                while name in values:  # of this row only, as an object may have other keys than the first ones
                    name = PREFIX + name
                values[name] = value
        return values

    def fitting(self, items: Sequence[Answer | BadRecord]) -> list[Answer | BadRecord]:
        """The answers, those set apart whose input has another column than the first ones: for a table.

        Raises:
            RunError: a prediction has a key that the first one has not.
        """
        return [self._fitting(item) if isinstance(item, Answer) else item for item in items]

    def _fitting(self, item: Answer) -> Answer | BadRecord:
        row = item.record.row
        if self.kept and (more := [name for name in item.record.values if name not in self.kept]):
            reason = f"the column {more[0]!r} is not among those of the first rows, and a table has the same for all"
            fix = f"write JSON lines ({option_name('output_format', 'jsonl')})"
            return BadRecord(row.source, row.line, f"{reason}; {fix}.", item.record.values)
        if more := [key for key in item.prediction if key not in self.predicted and key not in self.repeated]:
            raise RunError(f"A prediction has the key {more[0]!r}, which the first one has not; write JSON lines.")
        return item
