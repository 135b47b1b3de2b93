"""Which rows belong together: ``--group-by COLUMN[:SEPARATOR]``.

While a file is read, the group is one more role, mapped to its column; so every format finds it as it finds the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskzoo.errors import DataError, RequestError
from taskzoo.option_names import option_name

GROUP = "group"


@dataclass(frozen=True, slots=True)
class Grouping:
    """A column, and the separator after which its values do not count (``"doc7_3"`` with ``"_"``: ``"doc7"``)."""

    column: str
    separator: str = ""

    def of(self, value: Any, source: str, line: int) -> str:
        """The group of a row with this value; spaces around it do not count.

        Raises:
            DataError: it is a list (of more than one repeated value, as in CoNLL) or an object, or nothing stands
                before the separator.
        """
        if isinstance(value, list) and value and all(item == value[0] for item in value):
            value = value[0]
        if isinstance(value, (list, Mapping)):
            what = "a list" if isinstance(value, list) else "an object"
            message = f"the group is {what}; {option_name('group_by')} needs one value for a row."
            raise DataError(message, file=source, line=line)
        text = "" if value is None else str(value)
        key = (text.split(self.separator, 1)[0] if self.separator else text).strip()
        if not key:
            message = f"nothing stands before {self.separator!r} in {text!r}" if text.strip() else "the group is empty"
            raise DataError(f"{message}; fill it in or remove the row.", file=source, line=line)
        return key


def parse_group(text: str) -> Grouping:
    """``COLUMN`` or ``COLUMN:SEPARATOR``; the first colon counts, so that ``id::`` separates by a colon.

    Raises:
        RequestError: no column, or no separator after the colon.
    """
    column, colon, separator = text.partition(":")
    if not column.strip() or (colon and not separator):
        form = "is not of the form COLUMN or COLUMN:SEPARATOR, as in id:_"
        raise RequestError(f"{option_name('group_by')} {text!r} {form}.")
    return Grouping(column, separator)
