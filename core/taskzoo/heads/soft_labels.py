"""Labels that are given as a distribution: ``{"joy": 0.7, "anger": 0.3}``, also as JSON in a cell.

The most probable label is a row's label wherever one is needed: for splits, counts, metrics. The loss sees the
distribution. A mapping to nothing but 0 and 1 lists labels, as before, unless another row of the same split, or of the
training rows, has shares.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from taskzoo.data.readers.values import plain
from taskzoo.errors import DataError, shown
from taskzoo.types import Row

from .label_text import label_value

Distribution = dict[str, float]
"""Label -> probability; they sum to 1."""
TOLERANCE = 0.01
"""By how much the probabilities of a row may miss 1, as they may have been rounded."""


def soft_labels(rows: Sequence[Row], *, given: bool = False) -> list[Distribution | None]:
    """The distribution of each row that has one; ``None`` for all where no row gives shares.

    Args:
        rows: of one split.
        given: whether the training rows give shares, so that every mapping is a distribution.

    Raises:
        DataError: with file and line, for numbers that are no probabilities or do not sum to 1.
    """
    found = [_mapping(row) for row in rows]
    if not given and not any(one and any(_is_share(value) for value in one.values()) for one in found):
        return [None] * len(rows)
    return [None if one is None else _checked(row, one) for row, one in zip(rows, found, strict=True)]


def with_most_probable(row: Row, soft: Distribution | None) -> Row:
    """The row with its most probable label, of equals the first in the alphabet."""
    if soft is None:
        return row
    return replace(row, fields={**row.fields, "label": max(sorted(soft), key=soft.__getitem__)})


def _mapping(row: Row) -> Mapping[Any, Any] | None:
    value = plain(row.get("label"))
    if isinstance(value, str):
        value = label_value(row) if value.lstrip().startswith("{") else None
    return value if isinstance(value, Mapping) and value else None


def _is_share(value: Any) -> bool:
    return isinstance(value, float) and 0 < value < 1


def _checked(row: Row, given: Mapping[Any, Any]) -> Distribution:
    known = {str(name).strip(): value for name, value in given.items() if value is not None}
    for name, value in known.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            said = f"the label {shown(given)} gives {shown(value)} as the probability of {name!r}"
            raise _error(row, f"{said}; write a number from 0 to 1.")
    if "" in known or len(known) < sum(value is not None for value in given.values()):
        raise _error(row, f"the label {shown(given)} has a name that is empty or occurs twice.")
    total = sum(known.values())
    if abs(total - 1) > TOLERANCE:
        said = f"the probabilities of the label {shown(given)} sum to {total:g}"
        raise _error(row, f"{said}; write probabilities that sum to 1.")
    return {name: value / total for name, value in known.items() if value > 0}


def _error(row: Row, message: str) -> DataError:
    return DataError(message, file=row.source, line=row.line)
