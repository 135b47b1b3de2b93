"""What several runs with other seeds say together: mean, spread, and how much of it seeds and test rows make.

A score of seed ``s`` on rows that are a sample is seen as ``mean + seed + rows + both``, with independent parts of mean
0: a two-way random-effects model (Searle, Casella & McCulloch 1992), whose parts are found by a bootstrap over rows
that is the same for all seeds, so that any metric will do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Parts:
    """A mean over seeds and what it leaves open.

    Args:
        mean: over the seeds.
        seed: standard deviation of a score that other seeds make, on any number of rows.
        rows: standard deviation that other test rows make, as many as these, of a score of all seeds alike.
        both: standard deviation that other test rows make of one seed's score only.
        error: standard error of the mean, for other seeds and other rows.
        freedom: degrees of freedom of that error (Satterthwaite 1946).
        seeds: how many there were.
        spread: standard deviation of their scores on these rows.
    """

    mean: float
    seed: float
    rows: float
    both: float
    error: float
    freedom: float
    seeds: int
    spread: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The ``level`` interval of the mean, for other seeds and other rows, by Student's t.

        It is never narrower than :func:`t_interval`, which is for other seeds alone: of few seeds, more degrees of
        freedom may outweigh the error of the rows.
        """
        from scipy.stats import t

        width = max(float(t.ppf(0.5 + level / 2, freedom)) * error for error, freedom in self._errors)
        return self.mean - width, self.mean + width

    @property
    def p_value(self) -> float:
        """Two-sided, of a mean of 0; at most ``1 - level`` where that interval leaves out 0."""
        from scipy.stats import t

        if not self.error:
            return 1.0 if not self.mean else 0.0
        return max(float(2 * t.sf(abs(self.mean) / error, freedom)) for error, freedom in self._errors if error)

    @property
    def _errors(self) -> list[tuple[float, float]]:
        """Standard errors with their degrees of freedom: of seeds and rows, and of seeds alone."""
        return [(self.error, self.freedom), (self.spread / math.sqrt(self.seeds), self.seeds - 1.0)]


def seeds_and_rows(scores: Sequence[float], replicates: np.ndarray, units: int) -> Parts:
    """The parts of seeds and rows in ``scores``, or in differences of scores.

    Args:
        scores: one for each seed, at least two.
        replicates: of each seed's score, shape ``[seeds, samples]``, all seeds on the same draws of units.
        units: how many units were drawn from.
    """
    seeds = len(scores)
    defined = replicates[:, ~np.isnan(replicates).any(axis=0)]
    between = float(np.var(scores, ddof=1))
    if defined.shape[1] < 2 or units < 2:
        each = together = 0.0
    else:
        each = float(np.var(defined, axis=1, ddof=1).mean())  # rows + both
        together = float(np.var(defined.mean(axis=0), ddof=1))  # rows + both / seeds
    both = min(each, max(0.0, (each - together) * seeds / (seeds - 1)))
    rows = each - both
    variance = between / seeds + rows
    parts = (between / seeds) ** 2 / (seeds - 1) + rows**2 / max(units - 1, 1)
    freedom = variance**2 / parts if parts else float(seeds - 1)
    return Parts(
        mean=float(np.mean(scores)),
        seed=math.sqrt(max(0.0, between - both)),
        rows=math.sqrt(rows),
        both=math.sqrt(both),
        error=math.sqrt(variance),
        freedom=freedom,
        seeds=seeds,
        spread=math.sqrt(between),
    )


def t_interval(values: Sequence[float], level: float = 0.95) -> tuple[float, float] | None:
    """Student's interval of the mean of ``values``; ``None`` for fewer than two."""
    if len(values) < 2:
        return None
    from scipy.stats import t

    mean = float(np.mean(values))
    width = float(t.ppf(0.5 + level / 2, len(values) - 1)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return mean - width, mean + width
