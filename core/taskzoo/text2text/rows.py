"""Rows of a source and its targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from taskzoo.errors import DataError
from taskzoo.task import Prediction, Row


def pair_row(row: Row, split: str, *, join: str = " ") -> Row:
    """A prepared row: ``source`` (text), ``targets`` (list of texts, empty where unknown) and ``split``.

    Args:
        row: as a reader found it: ``source`` a text or a list of sentences, ``target`` a text or a list of references.
        split: the part it belongs to; ``predict`` needs no target.
        join: what stands between sentences.

    Raises:
        DataError: a source or target that is missing, empty or no text.
    """
    source = row.get("source")
    if isinstance(source, list | tuple):
        given = [s for s in source if not isinstance(s, str) or s.strip()]  # empty ones say nothing
        source = join.join(_text(row, "source", sentence).strip() for sentence in given)
    source = _text(row, "source", source)
    target = row.get("target")
    if target is None and split == "predict":
        targets: list[str] = []
    elif isinstance(target, list | tuple) and target:
        targets = [_text(row, "target", text) for text in target]
    else:
        targets = [_text(row, "target", target)]
    return Row({"source": source, "targets": targets, "split": split}, row.source, row.line)


def plain_rows(texts: Sequence[str]) -> list[Row]:
    """Prepared rows without targets.

    Raises:
        DataError: an empty text.
    """
    return [pair_row(Row({"source": text}, "input", number), "predict") for number, text in enumerate(texts, 1)]


def references(rows: Sequence[Row]) -> list[Prediction]:
    """The raw targets of each row; its source is for metrics only."""
    return [{"targets": list(row["targets"]), "_source": row["source"]} for row in rows]


def _text(row: Row, role: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        found = "is missing or empty" if not value or isinstance(value, str) else f"is {value!r:.60}, no text"
        raise DataError(f"the {role} {found}; fill it in or remove the row.", file=row.source, line=row.line)
    return value
