"""Scores over numbers of training rows, and where their curve leads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from taskzoo.types import LOSS, Score

CURVE_FILE = "curve.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a subset did: ``metrics`` as one split of ``metrics.json``, and the seconds it took."""

    rows: int
    seed: int
    metrics: dict[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """The score to expect with ``rows`` rows.

    Args:
        rows: training rows.
        now: the fitted curve's score at the largest size.
        score: the fitted curve's score with ``rows``.
        low: end of the 95% interval of the score on any rows of this kind; ``high`` is the other.
        gains: whether the subsets leave no doubt that it is better than ``now``. The validation rows, which are the
            same for both, do not count in that.
    """

    rows: int
    now: float
    score: float
    low: float
    high: float
    gains: bool = False


@dataclass
class Curve:
    """Scores over numbers of training rows.

    Attributes:
        score: what is drawn.
        validation_rows: how many rows every subset is scored on.
        outcomes: of all subsets, in order of size.
        forecast: for twice the rows of the largest size; ``None`` where the scores are no base for one.
    """

    score: Score
    validation_rows: int
    outcomes: list[Outcome] = field(default_factory=list)
    forecast: Forecast | None = None

    @property
    def sizes(self) -> dict[int, list[float]]:
        """Size -> the score of each subset, undefined ones left out."""
        found: dict[int, list[float]] = {}
        for outcome in self.outcomes:
            if (value := outcome.metrics.get(self.score.name)) is not None:
                found.setdefault(outcome.rows, []).append(value)
        return found

    @property
    def best(self) -> float | None:
        """The best score there can be; ``None``: there is no limit."""
        best = self.score.range[1 if self.score.higher_is_better else 0]
        return best if math.isfinite(best) else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """What the validation rows leave open of the last score: its 95% bootstrap interval."""
        found = self.outcomes[-1].metrics.get(f"{self.score.name}_ci95") if self.outcomes else None
        return (found[0], found[1]) if found else None

    def to_dict(self) -> dict[str, Any]:
        """The curve's part of ``curve.json``."""
        ahead = self.forecast
        return {
            "metric": self.score.name,
            "higher_is_better": self.score.higher_is_better,
            "validation_rows": self.validation_rows,
            "sizes": [
                {"rows": size, "mean": fmean(scores), "low": min(scores), "high": max(scores), "subsets": len(scores)}
                for size, scores in self.sizes.items()
            ],
            "forecast": ahead and {"rows": ahead.rows, "score": ahead.score, "ci95": [ahead.low, ahead.high]},
            "validation_ci95": list(self.interval) if self.interval else None,
            "subsets": [
                {"rows": o.rows, "seed": o.seed, "seconds": round(o.seconds, 3), "scores": scalars(o.metrics)}
                for o in self.outcomes
            ],
        }


def metric_of(primary: str, names: Sequence[str]) -> str:
    """The score to draw: the task's primary metric, but the first other one if that is the loss, which has no unit."""
    if primary != LOSS.name and primary in names:
        return primary
    return next((name for name in names if name != LOSS.name), LOSS.name)


def look_ahead(curve: Curve) -> Forecast | None:
    """The score at twice the largest size, by a power law through the errors of all subsets.

    Two things are not known, and independent: the curve, as far as the subsets leave it open, and how far all scores
    are off because the validation rows are these. Each end of the interval is the root of the sum of their squares
    away (Newcombe 1998, for differences of shares). Without an interval of the last score, the first alone counts.

    ``None`` where :func:`taskzoo.metrics.power_law.extrapolate` has too little to go by, or a score has no best value.
    """
    from taskzoo.metrics.power_law import extrapolate, fit_power_law

    best = curve.best
    if best is None:
        return None
    pairs = [(size, abs(score - best)) for size, scores in curve.sizes.items() for score in scores]
    sizes, errors = [size for size, _ in pairs], [error for _, error in pairs]
    rows = 2 * max(sizes, default=0)
    law, found = fit_power_law(sizes, errors), extrapolate(sizes, errors, rows)
    if law is None or found is None:
        return None
    now, (error, low, high) = law.predict(float(max(sizes))), found
    sign = -1 if curve.score.higher_is_better else 1
    score, ends = best + sign * error, sorted((best + sign * low, best + sign * high))
    gains = curve.score.better(best + sign * high, best + sign * now)
    low, high = _with_validation(curve, score, ends)
    return Forecast(rows, best + sign * now, score, low, high, gains)


def _with_validation(curve: Curve, score: float, ends: Sequence[float]) -> tuple[float, float]:
    """``ends`` of the interval of ``score``, moved by what the validation rows leave open of the last score."""
    last = curve.sizes[max(curve.sizes)][-1]
    low, high = curve.interval or (last, last)
    least, most = curve.score.range
    return (
        max(least, score - math.hypot(score - ends[0], last - low)),
        min(most, score + math.hypot(ends[1] - score, high - last)),
    )


def scalars(metrics: dict[str, Any]) -> dict[str, float | None]:
    """The scores without intervals, counts and details; ``None``: undefined."""
    return {
        name: value
        for name, value in metrics.items()
        if isinstance(value, float) or (value is None and not name.endswith("_ci95"))
    }
