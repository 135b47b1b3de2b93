"""Round numbers for the axes of charts."""

from __future__ import annotations

import math
from collections.abc import Iterable

STEPS = (1, 2, 2.5, 5, 10)


def round_step(span: float, most: int) -> float:
    """The smallest round step that divides ``span``, above 0, into ``most`` parts or fewer."""
    power = 10.0 ** math.floor(math.log10(span / most))
    return next((step * power for step in STEPS if step * power * most >= span * (1 - 1e-9)), 10 * power)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """The round numbers from ``low`` to ``high``, about ``most`` of them."""
    if not high > low:
        return [low]
    step = round_step(high - low, most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]


def limits(values: Iterable[float], most: int = 5, *, zero: bool = False) -> tuple[float, float]:
    """Round numbers around finite values, or 0 and 1 without any; ``zero`` is then among them."""
    finite = [value for value in values if math.isfinite(value)] + ([0.0] if zero else [])
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    if low == high:
        margin = abs(low) * 0.1 or 1.0
        low, high = (low, high + margin) if zero and low >= 0 else (low - margin, high + margin)
    step = round_step(high - low, most)
    return float(f"{math.floor(low / step + 1e-9) * step:.12g}"), float(f"{math.ceil(high / step - 1e-9) * step:.12g}")


def labelled_ticks(low: float, high: float, *, percent: bool = False) -> list[tuple[float, str]]:
    """The round numbers from ``low`` to ``high``, each with its text: ``2,000``, ``0.25``, ``2e-5``; or ``25%``."""
    found = ticks(low, high)
    largest = max(map(abs, found))
    powers = not percent and largest > 0 and not 1e-3 < largest < 1e6
    return [(value, f"{100 * value:g}%" if percent else _power(value) if powers else _plain(value)) for value in found]


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.6g}"


def _power(value: float) -> str:
    mantissa, _, exponent = f"{value:e}".partition("e")
    return f"{float(mantissa):.4g}e{int(exponent)}" if value else "0"
