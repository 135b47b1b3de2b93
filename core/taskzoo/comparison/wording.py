"""What a comparison says in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskzoo.escapes import visible
from taskzoo.metrics.significance import LEVEL, POWER
from taskzoo.score_text import decimals

from .result import EQUAL, FIRST, SECOND, UNCLEAR, UNDEFINED, Difference, Pair

MOST_ROWS = 10_000_000
FEWEST_ROWS = 20
"""Of fewer rows, no number of rows is derived."""


def outcome_of(one: Difference, p_adjusted: float | None, changed: int) -> str:
    """Which run is better: where the interval leaves out 0 and the adjusted p-value is at most 0.05."""
    if one.value != one.value:
        return UNDEFINED
    if not changed and not one.value:
        return EQUAL
    if one.ci95 is None or p_adjusted is None or p_adjusted > LEVEL or one.ci95[0] <= 0 <= one.ci95[1]:
        return UNCLEAR
    return FIRST if (one.value > 0) is one.higher_is_better else SECOND


def verdict(pair: Pair, rows: int, seeds: int) -> str:
    """The pair's outcome as a sentence or two."""
    one, on = pair.primary, f"{rows:,} row{'s' * (rows != 1)}" + (f" and {seeds} seeds" if seeds else "")
    if pair.outcome == UNDEFINED:
        return f"{one.metric} is undefined for {pair.first} or {pair.second} on {on}, so they cannot be compared by it."
    if pair.outcome == EQUAL:
        return f"{pair.first} and {pair.second} give the same answers on {on}: there is nothing to tell apart."
    if pair.outcome in (FIRST, SECOND):
        better, worse = (pair.first, pair.second) if pair.outcome == FIRST else (pair.second, pair.first)
        lower = "" if one.higher_is_better else ", where lower is better"
        size = difference_text(one, positive=True)
        return f"{better} is better than {worse} by {size} in {one.metric}{lower}, on {on}{_p(pair)}."
    said = f"These {on} cannot tell {pair.first} and {pair.second} apart: "
    said += f"their {one.metric} differs by {difference_text(one)}{_p(pair)}."
    return f"{said} {_advice(pair, rows, seeds)}".rstrip()


def difference_text(one: Difference, *, positive: bool = False) -> str:
    """``+0.012 [+0.003, +0.021]``; ``positive``: of the better run, without signs."""
    low, high = one.ci95 or (0.0, 0.0)
    value = one.value
    if value != value:
        return "-"
    if positive and value < 0:
        value, low, high = -value, -high, -low
    digits = decimals(value, low, high, of=(one.first, one.second))
    sign = "" if positive else "+"
    text = f"{value:{sign}.{digits}f}"
    return text if one.ci95 is None else f"{text} [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]"


def answer_text(output: Mapping[str, Any], given: Mapping[str, Any], width: int) -> str:
    """The answer in an output or a reference in ``width`` characters; ``given``: the input, which entities are of."""
    for name in ("label", "labels", "entities", "value", "text", "targets"):
        if name in output:
            value = output[name]
            if name == "entities":
                text = str(given.get("text", ""))
                value = [f"{text[item['start'] : item['end']]} {item['label']}" for item in value]
                return short_text("; ".join(value) or "nothing", width)
            return short_text(value, width)
    return short_text(output, width)


def short_text(value: Any, width: int) -> str:
    """A value on one line, in ``width`` characters."""
    if isinstance(value, list):
        value = " ".join(map(str, value)) if all(isinstance(item, str) for item in value) else str(value)
    text = " ".join(str(value).split())
    return visible(text if len(text) <= width else f"{text[: width - 3]}...") or '""'


def p_text(p: float | None) -> str:
    """``0.012``, ``< 0.001``, or a dash."""
    if p is None or p != p:
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _p(pair: Pair) -> str:
    if pair.p_adjusted is None or pair.p_adjusted != pair.p_adjusted:
        return ""
    text = p_text(pair.p_adjusted)
    return f" (p {text})" if text.startswith("<") else f" (p = {text})"


def _advice(pair: Pair, rows: int, seeds: int) -> str:
    if pair.rows_needed is not None:
        count = f"{_rounded(pair.rows_needed):,}" if pair.rows_needed <= MOST_ROWS else f"more than {MOST_ROWS:,}"
        return (
            f"If the difference is really that large, about {count} rows would show it with a probability of "
            f"{POWER:.0%} (an approximation)."
        )
    if seeds:
        return "More seeds or more test rows would narrow the interval."
    return f"{rows:,} rows are too few to say how many would." if rows < FEWEST_ROWS else ""


def _rounded(number: int) -> int:
    """To two digits, for it is no better known."""
    return round(number, 2 - len(str(number))) if number > 99 else number
