"""Scores over numbers of training rows, and where their curve leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
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
    """The score to expect with ``rows`` rows, and its 95% interval; ``now``: the fitted curve's at the largest size."""

    rows: int
    now: float
    score: float
    low: float
    high: float


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
        return best if isfinite(best) else None

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
    if curve.score.higher_is_better:
        return Forecast(rows, best - now, best - error, best - high, best - low)
    return Forecast(rows, best + now, best + error, best + low, best + high)


def scalars(metrics: dict[str, Any]) -> dict[str, float | None]:
    """The scores without intervals, counts and details; ``None``: undefined."""
    return {
        name: value
        for name, value in metrics.items()
        if isinstance(value, float) or (value is None and not name.endswith("_ci95"))
    }
