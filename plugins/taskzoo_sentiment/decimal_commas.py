"""Numbers with a decimal comma, as spreadsheets write them in much of Europe: ``3,5``, ``12,5%``, ``4,5 von 5``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from taskzoo import DataError, Row

from .ratings import rating

_THOUSANDS = re.compile(r"(?<![\d,])[1-9]\d{0,2},\d{3}(?!\d)")
_DECIMALS = re.compile(r",\d")
_POINT = re.compile(r"\.\d")


def with_point(name: str) -> str:
    """``3.5`` for ``3,5``; what is no number with one comma stays."""
    pointed = name.replace(",", ".")
    is_number = len(_DECIMALS.findall(name)) == name.count(",") == 1 and rating(name) is None
    return pointed if is_number and rating(pointed) else name


def has_decimal_commas(rows: Sequence[Row], names: Sequence[str]) -> bool:
    """Whether all labels of a column are numbers, some with a comma, which is decimal.

    A column with decimal points as well has no decimal commas.

    Args:
        rows: for messages.
        names: their labels.

    Raises:
        DataError: every comma could separate thousands as well.
    """
    commas = [index for index, name in enumerate(names) if with_point(name) != name]
    if not commas or any(rating(with_point(name)) is None for name in set(names)):
        return False
    if all(_THOUSANDS.search(names[index]) for index in commas):
        row, name = rows[commas[0]], names[commas[0]]
        values = f"{with_point(name)} or {name.replace(',', '')}"
        message = f"the label {name!r} could be {values}, and no other label shows which; write {values}."
        raise DataError(message, file=row.source, line=row.line)
    return not any(map(_POINT.search, names))
