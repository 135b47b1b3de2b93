"""Whether probabilities are true: expected against observed, from the bins in ``metrics.json``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .charts import Axis, Chart, Series
from .finished import Finished
from .markup import number, percent
from .section import Section

Z = 1.96


def reliability(run: Finished) -> Section | None:
    """The reliability diagram; ``None`` where the scores have no bins."""
    bins: list[Mapping[str, Any]] = [one for one in run.scores.get("calibration") or () if one.get("count")]
    if not bins:
        return None
    points = [(one["confidence"], one["accuracy"]) for one in bins]
    error, total = run.scores.get("ece"), sum(one["count"] for one in bins)
    summary = f"Of {total:,} decisions, the mean gap between stated and observed is {number(error)}." if error else ""
    chart = Chart(
        "reliability",
        "Stated and observed probability",
        summary or f"{total:,} decisions.",
        Axis("stated probability", percent=True),
        Axis("observed share that is right", percent=True),
        [Series("observed, with 95% interval", points, marks=True, whiskers=[_wilson(one) for one in bins])],
        bars=[(one["low"], one["high"], one["count"]) for one in bins],
        diagonal=True,
        header=("stated between", "decisions", "mean stated", "observed", "95% interval"),
        rows=[_row(one) for one in bins],
    )
    return Section("reliability", "Calibration", "reliability.html", {"chart": chart, "total": total})


def _wilson(one: Mapping[str, Any]) -> tuple[float, float]:
    """Wilson's 95% interval (1927) of the observed share."""
    n, share = one["count"], one["accuracy"]
    middle, scale = share + Z * Z / (2 * n), 1 + Z * Z / n
    width = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return max(0.0, (middle - width) / scale), min(1.0, (middle + width) / scale)


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = _wilson(one)
    between = f"{one['low']:.2f} and {one['high']:.2f}"
    return (
        between,
        f"{one['count']:,}",
        percent(one["confidence"]),
        percent(one["accuracy"]),
        f"{low:.1%} to {high:.1%}",
    )
