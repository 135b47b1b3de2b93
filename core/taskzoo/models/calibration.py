"""Probabilities from logits; temperature, thresholds and confidence curve, tuned on validation rows after training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taskzoo.types import IGNORE_INDEX

TEMPERATURES = (0.05, 20.0)
"""The lowest and highest temperature ever fitted."""

PRIOR_SD = 1.0
"""Standard deviation of the prior on the natural logarithm of the temperature."""

CERTAIN = float(np.finfo(np.float32).eps)
"""Probabilities nearer to 0 or 1 than this cannot be told from them in float32."""


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities that sum to 1 over the last axis, float32, from logits ``[..., L]`` divided by ``temperature``."""
    return np.asarray(np.exp(_log_softmax(np.asarray(logits, dtype=np.float64) / temperature)), dtype=np.float32)


def sigmoid(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Independent probabilities of the shape of ``logits``, float32, from logits divided by ``temperature``."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    small = np.exp(-np.abs(scaled))
    return np.asarray(np.where(scaled >= 0, 1.0, small) / (1.0 + small), dtype=np.float32)


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature that makes held-out targets likeliest (Guo et al. 2017), never worse for them than 1.

    A weak prior, ``log T ~ N(0, 1)``, is added once to the summed log-likelihood. With hundreds of rows it has no
    effect; with ten rows, or rows that are all predicted correctly, plain likelihood would run to 0 or infinity. The
    negative log-likelihood is convex in 1/T and the prior is best at 1, so the result lies between 1 and the likeliest
    temperature and cannot be worse than 1.

    Args:
        logits: shape ``[n, L]``.
        targets: label ids ``[n]``, for a softmax (``IGNORE_INDEX``: not counted), or 0 and 1 ``[n, L]``, for a sigmoid
            per label (NaN: not counted).

    Returns:
        A number within :data:`TEMPERATURES`; 1.0 when no target counts.
    """
    from scipy.optimize import minimize_scalar

    logits, targets = np.asarray(logits, dtype=np.float64), np.asarray(targets)
    if targets.ndim == 1:
        active = targets != IGNORE_INDEX
        logits, ids = logits[active], targets[active].astype(np.int64)

        def cost(scaled: np.ndarray) -> float:
            return -float(_log_softmax(scaled)[np.arange(len(ids)), ids].sum())
    else:
        active = ~np.isnan(targets.astype(np.float64))
        logits, ids = logits[active], targets[active]
        signs = np.where(ids > 0.5, -1.0, 1.0)

        def cost(scaled: np.ndarray) -> float:
            return float(np.logaddexp(0.0, signs * scaled).sum())

    if not len(ids):
        return 1.0
    found = minimize_scalar(
        lambda log_t: cost(logits / np.exp(log_t)) + 0.5 * (log_t / PRIOR_SD) ** 2,
        bounds=tuple(np.log(TEMPERATURES)),
        method="bounded",
        options={"xatol": 1e-4},
    )
    temperature = float(np.clip(np.exp(found.x), *TEMPERATURES))
    return temperature if cost(logits / temperature) <= cost(logits) else 1.0


def fit_thresholds(probabilities: np.ndarray, targets: np.ndarray, *, shrinkage: float = 5.0) -> np.ndarray:
    """The threshold per label from which a label is given, chosen for the F1 of each label on held-out rows.

    The best threshold of a label lies midway between two neighbouring scores (Lipton et al. 2014: it is half the best
    F1 where probabilities are true). With few positive rows it is mostly chance, so it is pulled towards the one
    threshold that is best for all decisions together: in log-odds, the label's own counts as often as it has positive
    rows, the common one ``shrinkage`` times. A label without positive rows gets the common one; without any positive
    row at all that is 0.5.

    Args:
        probabilities: shape ``[n, L]``.
        targets: 0 or 1, shape ``[n, L]``; NaN where unknown, which does not count.
        shrinkage: 0 gives the thresholds that are best on these very rows.

    Returns:
        Shape ``[L]``, float64. A label is given where its probability is at least its threshold.
    """
    probabilities, targets = np.asarray(probabilities, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    common = _best_threshold(probabilities.ravel(), targets.ravel())
    positives = np.nansum(targets, axis=0)
    own = np.array([_best_threshold(p, t) for p, t in zip(probabilities.T, targets.T, strict=True)])
    share = np.divide(positives, positives + shrinkage, out=np.zeros_like(positives), where=positives > 0)
    log_odds = share * _log_odds(own) + (1 - share) * _log_odds(np.array(common))
    return np.where(share == 1, own, 1 / (1 + np.exp(-log_odds)))


@dataclass(frozen=True, slots=True)
class ConfidenceCurve:
    """From the probability that a model gives to its decision to how often such decisions are right.

    The logistic curve of Platt (1999) over log-odds, which keeps their order: ``slope`` is positive. For entities:
    Jagannatha & Yu (2020), "Calibrating structured output predictors for NLP". ``ConfidenceCurve()`` changes nothing.

    Args:
        slope: below 1 where the model is too sure in both directions.
        offset: below 0 where its decisions are right less often than it says.
    """

    slope: float = 1.0
    offset: float = 0.0

    def __call__(self, probabilities: np.ndarray) -> np.ndarray:
        """Calibrated probabilities of the same shape, float64."""
        if self == ConfidenceCurve():
            return np.asarray(probabilities, dtype=np.float64)
        log_odds = _certain_log_odds(probabilities)
        return np.asarray(sigmoid(self.slope * log_odds + self.offset), dtype=np.float64)


def fit_confidence(probabilities: Sequence[float] | np.ndarray, right: Sequence[bool] | np.ndarray) -> ConfidenceCurve:
    """The curve that makes held-out decisions likeliest, never worse for them than none.

    As in :func:`fit_temperature` a weak prior, ``log slope ~ N(0, 1)`` and ``offset ~ N(0, 1)``, is added once to the
    summed log-likelihood, so that ten decisions, or decisions that are all right, do not make it certain.

    Args:
        probabilities: of the decisions, ``[n]``.
        right: whether each was right, ``[n]``.
    """
    from scipy.optimize import minimize

    if not len(probabilities):
        return ConfidenceCurve()
    log_odds = _certain_log_odds(probabilities)
    signs = np.where(np.asarray(right, dtype=bool), -1.0, 1.0)

    def cost(log_slope: float, offset: float) -> float:
        return float(np.logaddexp(0.0, signs * (np.exp(log_slope) * log_odds + offset)).sum())

    def penalised(values: np.ndarray) -> float:
        return cost(*values) + 0.5 * float(values @ values) / PRIOR_SD**2

    limit = tuple(np.log(TEMPERATURES))
    found = minimize(penalised, np.zeros(2), method="L-BFGS-B", bounds=[limit, (-10.0, 10.0)])
    curve = ConfidenceCurve(float(np.exp(found.x[0])), float(found.x[1]))
    return curve if cost(*found.x) <= cost(0.0, 0.0) else ConfidenceCurve()


def _best_threshold(scores: np.ndarray, targets: np.ndarray) -> float:
    """The threshold of highest F1, midway between neighbouring scores; the higher one where two are equally good.

    ``scores`` and ``targets`` are ``[n]``. 0.5 without positive targets.
    """
    known = ~np.isnan(targets)
    order = np.argsort(-scores[known], kind="stable")
    ranked, hits = scores[known][order], np.cumsum(targets[known][order])
    if not len(hits) or hits[-1] == 0:
        return 0.5
    following = np.append(ranked[1:], 0.0)
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    f1[:-1][ranked[:-1] == ranked[1:]] = -1.0  # equal scores cannot be separated
    best = int(f1.argmax())
    return float((ranked[best] + following[best]) / 2)


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _certain_log_odds(probabilities: Sequence[float] | np.ndarray) -> np.ndarray:
    return _log_odds(np.clip(np.asarray(probabilities, dtype=np.float64), CERTAIN, 1 - CERTAIN))


def _log_odds(probability: np.ndarray) -> np.ndarray:
    bounded = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(bounded) - np.log1p(-bounded))
