"""Learning curves as power laws: error = a * n^-b + c, and what they say of more data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

LARGEST_EXPONENT = 4.0
FEWEST_SIZES = 3


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """``error = a * n^-b + c`` with a, b, c >= 0 (Cortes et al. 1994; Hestness et al. 2017).

    ``c`` is the error that no amount of such data removes, ``b`` how fast the rest goes.
    """

    a: float
    b: float
    c: float

    @overload
    def predict(self, n: float) -> float: ...

    @overload
    def predict(self, n: np.ndarray) -> np.ndarray: ...

    def predict(self, n: float | np.ndarray) -> float | np.ndarray:
        """The error after ``n`` > 0 training examples, of the shape of ``n``; never negative, never rising with n."""
        errors = self.a * np.asarray(n, dtype=np.float64) ** -self.b + self.c
        return errors if isinstance(n, np.ndarray) else float(errors)


def fit_power_law(
    sizes: Sequence[float], errors: Sequence[float], weights: Sequence[float] | None = None
) -> PowerLaw | None:
    """The power law of least squares.

    For a given exponent the best a and c follow in closed form, so only the exponent is searched, on a grid that is
    refined around its best point (variable projection, Golub & Pereyra 1973). The result depends on no start.

    Args:
        sizes: numbers of training examples, above 0, in any order; a size may occur once per repeat.
        errors: of the same length, e.g. 1 - accuracy, at least 0.
        weights: how much each pair counts, e.g. the number of repeats behind a mean; 1 each when ``None``.

    Returns:
        ``None`` with fewer than three distinct sizes, which no curve of three numbers can be fitted to.

    Raises:
        ValueError: lengths that differ, sizes not above 0, errors or weights that are negative or not finite.
    """
    n, y, w = _checked(sizes, errors, weights)
    if len(np.unique(n[w > 0])) < FEWEST_SIZES:
        return None
    a, b, c = (float(value[0]) for value in _solve(np.log(n / n.min()), y[None], w))
    return PowerLaw(a * float(n.min()) ** b, b, c)


def extrapolate(
    sizes: Sequence[float],
    errors: Sequence[float],
    to: float,
    *,
    samples: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float, float] | None:
    """The error to expect after ``to`` examples, with the central ``level`` interval of a parametric bootstrap.

    Each sample adds normal noise to the fitted curve and fits again (Efron & Tibshirani 1993, ch. 6). The variance of
    the noise may fall with n, at most as 1 / n, as the residuals have it (Carroll & Ruppert 1988, ch. 2); fits for the
    interval are weighted accordingly. It is drawn as uncertain as so few residuals leave it (scaled inverse
    chi-squared): with a fixed variance or resampled residuals, a nominal 95% covered the truth in 60 to 85% of cases.

    Args:
        sizes: as in :func:`fit_power_law`; give every repeat as its own pair.
        errors: one per size.
        to: the number of training examples asked about, above 0.
        samples: bootstrap replicates.
        level: mass of the interval, between 0 and 1.
        seed: of the noise.

    Returns:
        ``(estimate, low, high)``; the interval is of the expected error, not of a single run. ``None`` with fewer
        than three distinct sizes or four pairs: three points fix the curve and leave nothing that says how sure it is.
    """
    curve = fit_power_law(sizes, errors)
    n, y, w = _checked(sizes, errors, None)
    freedom = len(n) - 3
    if curve is None or freedom < 1:
        return None
    w = (n / n.max()) ** _fall(n, y - curve.predict(n))
    centre = fit_power_law(sizes, errors, w.tolist()) or curve
    fitted = centre.predict(n)
    generator = np.random.default_rng(seed)
    variance = (w * (y - fitted) ** 2).sum() / generator.chisquare(freedom, size=(samples, 1))
    noise = np.sqrt(variance / w) * generator.normal(size=(samples, len(n)))
    a, b, c = _solve(np.log(n / n.min()), np.maximum(fitted + noise, 0.0), w)
    low, high = np.percentile(a * (to / n.min()) ** -b + c, [50 * (1 - level), 50 * (1 + level)])
    estimate = curve.predict(to)
    return estimate, min(float(low), estimate), max(float(high), estimate)


def _fall(n: np.ndarray, residuals: np.ndarray) -> float:
    """The power of n, from 0 to 1, as which the squares of ``residuals`` fall: the slope of their logarithms."""
    squares = residuals**2
    logs, x = np.log(squares + 1e-6 * squares.mean() + 1e-300), np.log(n) - np.log(n).mean()
    return float(np.clip(-(logs * x).sum() / (x * x).sum(), 0.0, 1.0))


def _checked(
    sizes: Sequence[float], errors: Sequence[float], weights: Sequence[float] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, y = np.asarray(sizes, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    w = np.ones_like(n) if weights is None else np.asarray(weights, dtype=np.float64)
    if not n.shape == y.shape == w.shape or n.ndim != 1:
        raise ValueError("sizes, errors and weights must be lists of the same length")
    if not all(np.isfinite(v).all() for v in (n, y, w)) or (n <= 0).any() or (y < 0).any() or (w < 0).any():
        raise ValueError("sizes must be above 0, errors and weights at least 0, and all of them finite")
    return n, y, w


def _solve(log_n: np.ndarray, errors: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """a, b and c, ``[s]`` each, for ``s`` curves: ``log_n`` and ``weights`` are ``[m]``, ``errors`` is ``[s, m]``."""
    curves = np.arange(len(errors))
    step = LARGEST_EXPONENT / 160
    exponents = np.broadcast_to(np.arange(161) * step, (len(errors), 161))
    for _ in range(7):
        a, c, loss = _linear(np.exp(-exponents[..., None] * log_n), errors[:, None], weights)
        best = (curves, loss.argmin(axis=1))
        found = a[best], exponents[best], c[best]
        step /= 10
        exponents = np.clip(found[1][:, None] + np.arange(-10, 11) * step, 0.0, LARGEST_EXPONENT)
    return found


def _linear(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares of ``y`` on ``a * x + c`` over the last axis with a, c >= 0: a, c and the squared error.

    The error is infinite where the best a is negative; a constant ``x`` (exponent 0) gives a = 0 and the mean, which is
    then the best of all exponents.
    """
    total = w.sum()
    mean_x, mean_y = (w * x).sum(-1) / total, (w * y).sum(-1) / total
    centred = x - mean_x[..., None]
    slope = (w * centred * y).sum(-1) / np.maximum((w * centred**2).sum(-1), 1e-300)
    offset = mean_y - slope * mean_x
    through_zero = (w * x * y).sum(-1) / np.maximum((w * x * x).sum(-1), 1e-300)
    a, c = np.where(offset >= 0, slope, through_zero), np.maximum(offset, 0.0)
    loss = (w * (a[..., None] * x + c[..., None] - y) ** 2).sum(-1)
    return a, c, np.where(a >= 0, loss, np.inf)
