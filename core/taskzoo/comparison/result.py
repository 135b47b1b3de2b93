"""What a comparison found, as plain frozen values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

Interval = tuple[float, float]
FIRST, SECOND, UNCLEAR, EQUAL, UNDEFINED = "first", "second", "unclear", "equal", "undefined"
"""Outcomes: which run is better; the rows do not tell; all answers are equal; the score is undefined."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One score of two runs on the same rows.

    Args:
        metric: its name.
        first: of the first run, for several seeds the mean; NaN: undefined.
        second: of the second run.
        ci95: the 95% interval of ``first - second``; ``None``: there is none.
        p: of a two-sided test that the runs do not differ; ``None``: none was made.
        higher_is_better: the direction of the score.
        error: standard error of the difference.
    """

    metric: str
    first: float
    second: float
    ci95: Interval | None
    p: float | None
    higher_is_better: bool = True
    error: float = math.nan

    @property
    def value(self) -> float:
        """``first - second``."""
        return self.first - self.second


@dataclass(frozen=True, slots=True)
class Sides:
    """Rows by which of two runs has them right, and the p-value of McNemar's exact test."""

    both: int
    only_first: int
    only_second: int
    neither: int
    p: float


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row on which two runs differ.

    Args:
        change: ``first`` or ``second``, whose output is the better one, or ``neither``: other, and not better.
        first: the score of the first run's output: 1 or 0 where rows are right or wrong, higher is better.
        second: likewise.
        input: what is known of the input.
        reference: the gold answer.
        outputs: of the first and the second run.
    """

    change: str
    first: float
    second: float
    input: dict[str, Any]
    reference: dict[str, Any]
    outputs: tuple[dict[str, Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs on the same rows.

    Args:
        first: the name of the first run.
        second: of the second.
        differences: of all scores, that by which the runs are judged first.
        p_adjusted: p-value of that score, adjusted for the number of pairs (Holm).
        outcome: one of ``first``, ``second``, ``unclear``, ``equal``, ``undefined``.
        verdict: the same as a sentence.
        rows_needed: about how many rows would tell the runs apart with a probability of 80%; ``None``: not known.
        sides: rows right and wrong; ``None`` where rows are neither, or there are several seeds.
        changed: the rows with other outputs, those with the largest change first.
    """

    first: str
    second: str
    differences: tuple[Difference, ...]
    p_adjusted: float | None
    outcome: str
    verdict: str
    rows_needed: int | None
    sides: Sides | None
    changed: tuple[ChangedRow, ...]

    @property
    def primary(self) -> Difference:
        """The score by which the runs are judged."""
        return self.differences[0]

    def count(self, change: str) -> int:
        """How many rows changed so."""
        return sum(row.change == change for row in self.changed)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Several runs on the rows that all of them have.

    Args:
        runs: their names.
        task: the name of the task.
        rows: how many rows they have in common.
        seeds: the seeds over which scores are means; empty for single runs.
        notes: what a person should know of the rows and scores.
        pairs: each run with each of those behind it.
    """

    runs: tuple[str, ...]
    task: str
    rows: int
    seeds: tuple[int, ...]
    notes: tuple[str, ...]
    pairs: tuple[Pair, ...]

    @property
    def verdicts(self) -> tuple[str, ...]:
        """A sentence for each pair."""
        return tuple(pair.verdict for pair in self.pairs)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: changed rows are counted, undefined numbers are ``None``."""
        return {
            **{name: getattr(self, name) for name in ("task", "rows")},
            "runs": list(self.runs),
            "seeds": list(self.seeds),
            "notes": list(self.notes),
            "pairs": [_pair(pair) for pair in self.pairs],
        }


def _pair(pair: Pair) -> dict[str, Any]:
    changes = (FIRST, SECOND, "neither")
    return {
        "first": pair.first,
        "second": pair.second,
        "outcome": pair.outcome,
        "verdict": pair.verdict,
        "metric": pair.primary.metric,
        "p_adjusted": _defined(pair.p_adjusted),
        "rows_needed": pair.rows_needed,
        "sides": pair.sides and asdict(pair.sides),
        "changed": {change: pair.count(change) for change in changes},
        "differences": {one.metric: _difference(one) for one in pair.differences},
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "first": _defined(one.first),
        "second": _defined(one.second),
        "difference": _defined(one.value),
        "ci95": _ends(one.ci95),
        "p": _defined(one.p),
        "higher_is_better": one.higher_is_better,
    }


def _defined(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _ends(interval: Sequence[float] | None) -> list[float] | None:
    return list(interval) if interval is not None and all(map(math.isfinite, interval)) else None
