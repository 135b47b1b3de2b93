"""Scores as text, with as many decimals as their size asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence

LARGE = 10.0
"""Above this, one decimal is enough; below, three are usual."""
MOST_DECIMALS = 12


def decimals(*shown: float, of: Sequence[float] = ()) -> int:
    """How many decimals numbers need that are shown together.

    One for large ones and three for others; where all of them would be zeros so, as many as show two digits.

    Args:
        shown: the numbers, such as a score and the ends of its interval; those that are not finite do not count.
        of: the scores that they are differences of, if they are.
    """
    sizes = [abs(value) for value in shown if math.isfinite(value)]
    scores = [abs(value) for value in of if math.isfinite(value)] or sizes
    usual = 1 if max(scores, default=0.0) > LARGE else 3
    size = max(sizes, default=0.0)
    if size == 0 or size >= 10.0**-usual:
        return usual
    return min(1 - math.floor(math.log10(size)), MOST_DECIMALS)


def score_text(value: float | None, ends: Sequence[float] | None = None, *, undefined: str = "-") -> str:
    """``0.432``, with the ends of an interval ``0.432 [0.401, 0.463]``, or ``undefined`` where it is not a number."""
    if value is None or math.isnan(value):
        return undefined
    digits = decimals(value, *(ends or ()))
    return f"{value:.{digits}f}" + (f" {ends_text(ends, digits)}" if ends else "")


def ends_text(ends: Sequence[float], digits: int | None = None) -> str:
    """``[0.401, 0.463]``."""
    low, high = ends
    digits = decimals(low, high) if digits is None else digits
    return f"[{low:.{digits}f}, {high:.{digits}f}]"
