"""Arrays where tasks meet tensors, so that padding, decoding and scoring need no torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np


def as_array(value: Any) -> np.ndarray:
    """A tensor, of whatever device, as an array (half precision as float32), of a weight a copy; an array as it is."""
    if isinstance(value, np.ndarray):
        return value
    value = value.detach().clone().cpu() if value.is_leaf and value.requires_grad else value.detach().cpu()
    half = value.is_floating_point() and value.element_size() < 4
    return np.asarray(value.float() if half else value)


_STEP: ContextVar[tuple[int, int]] = ContextVar("step", default=(1, 0))


@contextmanager
def widths_in_steps_of(step: int, most: int) -> Iterator[None]:
    """Within the context, the :func:`width` of arrays is a multiple of ``step``, but for what that makes over ``most``.

    Training in half precision asks for this: kernels for half precision work in blocks, and the libraries keep one,
    with its memory, for every shape that they have met. A model may not take more than its longest input.
    """
    before = _STEP.set((step, most))
    try:
        yield
    finally:
        _STEP.reset(before)


def width(rows: Sequence[Sequence[Any]]) -> int:
    """Of an array that holds ``rows``: the longest, at least 1, or a multiple that :func:`widths_in_steps_of` sets."""
    longest, (step, most) = max([1, *map(len, rows)]), _STEP.get()
    return max(longest, min(math.ceil(longest / step) * step, most))


def padded(rows: Sequence[Sequence[int]], value: int) -> np.ndarray:
    """Rows of different lengths as ``[B, T]``, with ``T`` their :func:`width`: int64, or truth values as ``value``."""
    filled = np.full((len(rows), width(rows)), value)
    for array, row in zip(filled, rows, strict=True):
        array[: len(row)] = row
    return filled
