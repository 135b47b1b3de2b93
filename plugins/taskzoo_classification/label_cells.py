"""Whether texts have one label or several, and how several are read from one cell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from taskzoo import DataError, RequestError, Row
from taskzoo.data.label_columns import flag
from taskzoo.errors import shown
from taskzoo.heads.label_text import few, label_name, label_value, one_label

from .marked_lists import find_marks, marked_items

SEPARATORS = (",", ";", "|", "、", "；", "，", "\n")
"""Tried on cells that may hold several labels."""
_BRACKETED = re.compile(r"\A\[([^\[\]]+)\]\Z")
_WRITTEN_VECTOR = re.compile(r"[01](?:\.0*)?(?:\s*[\s,;|/]\s*[01](?:\.0*)?)+")


@dataclass(frozen=True, slots=True)
class LabelCells:
    """How labels are read.

    Args:
        kind: ``single`` or ``multi``.
        separator: of several labels in one cell, or empty.
        places: the labels of vectors of 0 and 1, by place; none if labels are written out.
        marks: how lists are marked in every cell (:mod:`.marked_lists`), or empty.
    """

    kind: str
    separator: str = ""
    places: tuple[str, ...] = ()
    marks: str = ""

    @classmethod
    def of(cls, rows: Sequence[Row], options: Mapping[str, Any]) -> LabelCells:
        """How the labels of training rows are to be read.

        Rows have several labels if a label is a list (also one written in a cell), a mapping from labels to 0 and 1 or
        a vector of 0 and 1; if ``label_separator`` is given and occurs; or if a separator divides some cells into
        parts that all occur as whole cells of other rows: ``4,27`` among ``4`` and ``27``, but not ``Washington,
        D.C.``; or if all cells are marked as lists. If every row has exactly one label all the same, it has one.

        Raises:
            RequestError: ``vector_labels`` does not fit.
            DataError: a label that cannot be read.
        """
        asked, separator = options["kind"], options["label_separator"]
        values = [label_value(row) for row in rows]
        places = _places(values, options["vector_labels"])
        marks = find_marks(values)
        if places or marks or any(isinstance(value, list | Mapping) for value in values):
            several = cls("multi", separator, places, marks)
            one_each = asked == "auto" and all(len(several.read(row)) == 1 for row in rows)
            return replace(several, kind="single" if one_each or asked == "single" else "multi")
        if asked == "single":
            return cls("single")
        cells = {value.strip() for value in values if isinstance(value, str)}
        if separator:
            occurs = any(separator in cell for cell in cells)
            return cls("multi", separator) if asked == "multi" or occurs else cls("single")
        found = next((mark for mark in SEPARATORS if _divides(cells, mark)), "")
        if not found and asked == "multi":
            counts = Counter(mark for cell in cells for mark in SEPARATORS if mark in cell)
            found = counts.most_common(1)[0][0] if counts else ""
        return cls("multi" if found or asked == "multi" else "single", found)

    def further(self, rows: Sequence[Row], options: Mapping[str, Any]) -> LabelCells:
        """How the labels of training rows are read with which a run is continued: as before, but for the separator.

        Raises:
            RequestError: ``kind`` or ``vector_labels`` is another than that of the run.
            DataError: the separator divides a label, and the run has one label per text.
        """
        asked, separator, names = options["kind"], options["label_separator"], _place_names(options["vector_labels"])
        remedy = "leave it out, or train on all rows from the base model."
        if asked not in ("auto", self.kind):
            had = {"single": "one label per text", "multi": "several labels per text"}[self.kind]
            raise RequestError(f"kind={asked} was asked for, and the earlier run was trained on {had}; {remedy}")
        if names and names != self.places:
            had = f"vectors for {few(self.places)}" if self.places else "labels that are no vectors"
            raise RequestError(
                f"vector_labels={options['vector_labels']} was asked for, and the earlier run was trained on {had}; "
                f"{remedy}"
            )
        if self.kind == "multi":
            return replace(self, separator=separator or self.separator)
        divided = [row for row in rows if separator and asked == "auto" and separator in str(row.get("label"))]
        if divided:
            raise _error(
                divided[0],
                f"the label {shown(divided[0].get('label'))} is several with label_separator={separator!r}, and the "
                f"earlier run was trained on one label per text; {remedy}",
            )
        return self

    def one(self, row: Row) -> str:
        """The only label of a row.

        Raises:
            DataError: missing, empty, or several.
        """
        value = label_value(row)
        if not self.places and not self.marks and not isinstance(value, list | Mapping):
            return one_label(row)
        found = self.read(row)
        if len(found) != 1:
            raise _error(
                row,
                f"the label {shown(value)} is a list of {len(found)}, and one label per text was asked for or "
                "found in the training rows; use kind=multi.",
            )
        return found[0]

    def read(self, row: Row) -> list[str]:
        """The labels as texts, each once, in the order given. An empty list is a text without labels.

        Raises:
            DataError: missing, a label that is empty, or numbers that are not names.
        """
        value = label_value(row)
        if value is None:
            raise _error(row, "the label is missing; write [] for a text without labels, or remove the row.")
        if self.places:
            return self._by_place(row, value)
        if isinstance(value, Mapping):
            flags = {name: flag(yes) for name, yes in value.items()}
            if None in flags.values():
                raise _error(row, f"the label {shown(value)} must give 0 or 1 for every label.")
            value = [name for name, yes in flags.items() if yes]
        elif isinstance(value, str) and self.marks:
            value = marked_items(value, self.marks)
            if value is None:
                raise _error(row, f"the label {shown(row['label'])} is not marked as a list, as the others are.")
        elif isinstance(value, str):
            value = _unbracketed(value)
            value = list(map(_unbracketed, value.split(self.separator))) if self.separator else [value]
        elif not isinstance(value, list):
            value = [value]
        _check_numbers(row, value)
        names = [label_name(row, part) for part in value]
        if any(not name for name in names):
            raise _error(row, f"one of the labels {shown(value)} is empty.")
        return list(dict.fromkeys(names))

    def state(self) -> dict[str, Any]:
        """The arguments that make the same again."""
        return {**asdict(self), "places": list(self.places)}

    def _by_place(self, row: Row, value: Any) -> list[str]:
        vector = _vector(value)
        if vector is None or len(vector) != len(self.places):
            raise _error(
                row,
                f"the label {shown(value)} is not a vector of {len(self.places)} places of 0 and 1, as those of "
                "the training rows are.",
            )
        return [name for name, yes in zip(self.places, vector, strict=True) if yes]


def _places(values: Sequence[Any], names: str) -> tuple[str, ...]:
    """The labels by place if all values are vectors of one length; named by their numbers if they have no names."""
    given = _place_names(names)
    vectors = [_vector(value) for value in values]
    lengths = {0 if vector is None else len(vector) for vector in vectors}
    if len(lengths) != 1 or lengths == {0} or (lengths == {1} and not given):
        if given and values:
            raise RequestError(
                "vector_labels names the places of vectors of 0 and 1, and the labels are not such vectors, all of one "
                "length; leave it out."
            )
        return ()
    (length,) = lengths
    if given and (len(given) != length or len(set(given)) < length or not all(given)):
        raise RequestError(f"vector_labels names {len(given)} labels ({few(given)}), and vectors have {length} places.")
    return given or tuple(map(str, range(length)))


def _place_names(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",")) if names else ()


def _vector(value: Any) -> list[bool] | None:
    """The places of a vector of 0 and 1, also one written with marks between its numbers."""
    if isinstance(value, str) and _WRITTEN_VECTOR.fullmatch(value.strip()):
        value = re.split(r"[\s,;|/]+", value.strip())
    if not isinstance(value, list) or any(item in (None, "") for item in value):
        return None
    digits = [str(item).strip() in {"0", "1", "0.0", "1.0", "0.", "1.", "True", "False"} for item in value]
    return [str(item).strip() in {"1", "1.0", "1.", "True"} for item in value] if digits and all(digits) else None


def _unbracketed(text: str) -> str:
    """What a pair of brackets around the whole text holds: ``a`` for ``[a]``, but ``Sports [UK]`` as it is."""
    return _BRACKETED.sub(r"\1", text.strip())


def _check_numbers(row: Row, value: Sequence[Any]) -> None:
    """Refuse a list of numbers that cannot be names of labels: it has one twice, or one with a fraction."""
    if len(value) < 2 or not all(type(item) in (int, float) for item in value):
        return
    if len(set(value)) < len(value) or any(item != int(item) for item in value):
        raise _error(
            row,
            f"the label {shown(value)} is a list of numbers that are not names of labels; write the names, or a "
            "vector of 0 and 1 of one length in every row.",
        )


def _divides(cells: set[str], mark: str) -> bool:
    divided = [cell for cell in cells if mark in cell]
    return bool(divided) and all(part.strip() in cells for cell in divided for part in cell.split(mark))


def _error(row: Row, message: str) -> DataError:
    return DataError(message, file=row.source, line=row.line)
