"""How sure a difference between two models is, from the same examples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def difference_interval(
    examples: int,
    first: Callable[[np.ndarray], float],
    second: Callable[[np.ndarray], float],
    *,
    samples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """The central ``level`` interval of ``first - second`` when examples are drawn with replacement.

    Both see the same draws (paired bootstrap: Efron & Tibshirani 1993; Koehn 2004), so what makes an example hard for
    both does not blur the comparison.

    Args:
        examples: their number.
        first, second: a score from weights of shape ``[examples]``, as :func:`taskzoo.metrics.base.scorer` gives it.
        samples: bootstrap replicates.
        level: mass of the interval.
        seed: of the draws.

    Returns:
        ``(low, high)``; NaN where the difference is never defined.
    """
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(samples if examples else 0):
        drawn = np.bincount(generator.integers(examples, size=examples), minlength=examples).astype(np.float64)
        found.append(first(drawn) - second(drawn))
    defined = [value for value in found if not np.isnan(value)]
    if not defined:
        return float("nan"), float("nan")
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return float(low), float(high)
