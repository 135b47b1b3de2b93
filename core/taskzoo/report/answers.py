"""``predictions.jsonl`` row by row."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskzoo.errors import RequestError

REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Answer:
    """A test row with what was predicted for it.

    Args:
        row: its number, from 1, which is also its line in ``predictions.jsonl``.
        prediction: as the task makes it.
        reference: the gold answer, in the same form.
    """

    row: int
    prediction: Mapping[str, Any]
    reference: Mapping[str, Any]

    @property
    def inputs(self) -> dict[str, str]:
        """Role -> text that the model was given: what the prediction repeats of its row."""
        return {
            role: value
            for role, value in self.prediction.items()
            if isinstance(value, str) and role not in self.reference and role not in self._outputs
        }

    @property
    def _outputs(self) -> tuple[str, ...]:
        """Generated text is under ``text``, and its references under another name."""
        return ("text",) if "targets" in self.reference else ()


def read_answers(file: Path) -> Iterator[Answer]:
    """All rows, one at a time.

    Raises:
        RequestError: a line is not a prediction; with its number.
    """
    with file.open(encoding="utf-8", errors="surrogateescape") as lines:
        for row, line in enumerate(lines, 1):
            if line.strip():
                yield _answer(file, row, line)


def read_rows(file: Path, rows: Collection[int]) -> dict[int, Answer]:
    """The rows with these numbers."""
    wanted = set(rows)
    return {answer.row: answer for answer in read_answers(file) if answer.row in wanted} if wanted else {}


def _answer(file: Path, row: int, line: str) -> Answer:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    reference = found.pop(REFERENCE, None) if isinstance(found, dict) else None
    if not isinstance(reference, dict):
        raise RequestError(
            f"Line {row} of {str(file)!r} is damaged: it is not a prediction with its reference. Copy the run "
            "again, or remove the file for a report without errors."
        )
    return Answer(row, found, reference)
