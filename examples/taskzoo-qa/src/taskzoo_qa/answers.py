"""The column ``answers`` in the forms that files have it in, checked against the context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from taskzoo import DataError, Row

_SHOWN = 60  # characters of a text in a message


class Answer(NamedTuple):
    """A text and the character of the context that it begins at; -1 where the context does not have it."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """The character behind it."""
        return self.start + len(self.text)


def read_answers(row: Row, *, lenient: bool) -> list[Answer]:
    """The gold answers of a row; none: the question has no answer.

    Args:
        row: with ``context`` and ``answers``.
        lenient: whether a text without a place need not occur in the context (only scores need it then).

    Raises:
        DataError: another form, or the context does not have the answer where it should be.
    """
    return [_placed(row, text, start, lenient=lenient) for text, start in _pairs(row, row["answers"])]


def _pairs(row: Row, value: Any) -> list[tuple[Any, Any]]:
    """Texts and starts (``None``: not given), as they are written."""
    if isinstance(value, str):
        return [(value, None)]
    if isinstance(value, Mapping) and isinstance(value.get("text"), list):  # columns, as in `datasets`
        texts, starts = value["text"], value.get("answer_start", value.get("start", []))
        if not isinstance(starts, list) or len(starts) not in (0, len(texts)):
            raise _error(row, f"the answers have {len(texts)} texts and not as many starts")
        return list(zip(texts, starts or [None] * len(texts), strict=True))
    items = [value] if isinstance(value, Mapping) else value
    if not isinstance(items, list):
        raise _error(row, f"the answers are {_quoted(value)}; give a text or a list of {{text, start}}")
    return [
        (item.get("text"), item.get("answer_start", item.get("start"))) if isinstance(item, Mapping) else (item, None)
        for item in items
    ]


def _placed(row: Row, text: Any, start: Any, *, lenient: bool) -> Answer:
    context = row["context"]
    if not isinstance(text, str) or not text.strip():
        raise _error(row, f"an answer is {_quoted(text)} and not a text; where there is none, the list is empty")
    found = context.find(text)
    if start is None:
        if found < 0 and not lenient:
            raise _error(row, f"the answer {_quoted(text)} does not occur in the context; correct it or remove the row")
        return Answer(text, found)
    if not isinstance(start, int) or isinstance(start, bool):
        raise _error(row, f"the answer {_quoted(text)} begins at {_quoted(start)}, which is not a whole number")
    if start < 0 or context[start : start + len(text)] != text:
        there = context[start : start + len(text)] if 0 <= start < len(context) else ""
        where = f"it first occurs at {found}" if found >= 0 else "the context does not contain it"
        raise _error(
            row,
            f"the answer {_quoted(text)} is said to begin at character {start}, and the context has {_quoted(there)} "
            f"there; {where}. Starts count characters from 0",
        )
    return Answer(text, start)


def _error(row: Row, message: str) -> DataError:
    name = row.get("id")
    return DataError(f"{'' if name is None else f'question {name}: '}{message}.", file=row.source, line=row.line)


def _quoted(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
