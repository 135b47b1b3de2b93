"""The test score to expect of a method: what a probe has on the training rows, and what the method gains over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from taskzoo.types import Score

from .gains import predict_gain
from .measured import FACTOR, FEWEST, Measured, comparable
from .result import Estimate


@dataclass(frozen=True, slots=True)
class ProbeScore:
    """What a linear probe has by cross-validation over training rows.

    Args:
        score: what is measured.
        value: of the rows that were used.
        error: its standard error, by the bootstrap over these rows; ``growth_error`` not included.
        rows: how many were used.
        unit: ``text`` with one label, ``labels`` for texts with several, or ``token`` for a head on tokens.
        growth: what all rows are expected to add, where only part of them was used.
        growth_error: the standard error of that.
    """

    score: Score
    value: float
    error: float
    rows: int
    unit: str
    growth: float = 0.0
    growth_error: float = 0.0


_UNITS = {"text": "", "labels": " of texts with several labels", "token": " of tagged words"}


def is_known(probe: ProbeScore, known: Iterable[Measured], methods: Iterable[str], train_rows: int) -> bool:
    """Whether enough was measured of any of the methods for a forecast."""
    known = list(known)
    return any(len(comparable(known, method, probe.unit, train_rows)) >= FEWEST for method in methods)


def forecast_score(
    probe: ProbeScore, known: Iterable[Measured], method: str, *, train_rows: int, test_rows: int
) -> Estimate | str:
    """The score on ``test_rows`` rows after training with ``method`` on ``train_rows``; or why there is no forecast.

    The interval is of the score that will be measured. It contains the sampling errors of the probe's rows and of the
    test rows, the differences between data sets in what the method gains, and how few data sets that is known from.
    """
    if probe.score.range != (0.0, 1.0) or not probe.score.higher_is_better:
        return f"gains were measured for scores between 0 and 1, and {probe.score.name} is not one"
    found = comparable(known, method, probe.unit, train_rows)
    if len(found) < FEWEST:
        sets = f"{len(found)} data set{'' if len(found) == 1 else 's'}"
        return (
            f"{method} was measured on {sets}{_UNITS[probe.unit]} with {train_rows / FACTOR:,.0f} to "
            f"{train_rows * FACTOR:,.0f} training rows, and a forecast needs {FEWEST}"
        )
    if not test_rows:
        return "there are no test rows whose score could be forecast"
    sampling = probe.error**2
    noise = sampling * (1 + probe.rows / test_rows) + probe.growth_error**2
    gain, half = predict_gain([one.gain for one in found], [one.variance for one in found], noise)
    expected = probe.value + probe.growth + gain
    low, value, high = (min(1.0, max(0.0, number)) for number in (expected - half, expected, expected + half))
    return Estimate(value, low, high, f"{_basis(probe, found, method, gain)}; for a score on {test_rows:,} test rows")


def _basis(probe: ProbeScore, found: Sequence[Measured], method: str, gain: float) -> str:
    few, many = min(one.rows for one in found), max(one.rows for one in found)
    rows = f"{few:,}" if few == many else f"{few:,} to {many:,}"
    grown = f" and {probe.growth:+.3f} for the rows that it left out" if probe.growth else ""
    metrics = " or ".join(sorted({one.metric for one in found}))
    return (
        f"{probe.value:.3f} ± {1.96 * probe.error:.3f} of a probe by cross-validation over {probe.rows:,} rows{grown}, "
        f"and {gain:+.3f} that {method} gained on average (in {metrics}) on {len(found)} data sets with {rows} "
        "training rows"
    )
