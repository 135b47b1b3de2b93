"""Arrays where tasks meet tensors, so that padding, decoding and scoring need no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def as_array(value: Any) -> np.ndarray:
    """A tensor, of whatever device, as an array (half precision as float32); an array as it is."""
    if isinstance(value, np.ndarray):
        return value
    value = value.detach().cpu()
    half = value.is_floating_point() and value.element_size() < 4
    return np.asarray(value.float() if half else value)


def padded(rows: Sequence[Sequence[int]], value: int) -> np.ndarray:
    """Rows of different lengths as ``[B, T]``, at least one wide: int64, or truth values where ``value`` is one."""
    filled = np.full((len(rows), max([1, *map(len, rows)])), value)
    for array, row in zip(filled, rows, strict=True):
        array[: len(row)] = row
    return filled
