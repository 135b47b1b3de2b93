"""Calibration in 15 bins of equal width (Guo et al. 2017), and probabilities that are safe to take the logarithm of."""

from __future__ import annotations

from typing import Any

import numpy as np

BINS = 15
EPSILON = float(np.finfo(np.float32).eps)


def clipped(probabilities: np.ndarray) -> np.ndarray:
    """Away from 0 and 1 by the precision of float32, as scikit-learn's ``log_loss`` does for float32."""
    safe: np.ndarray = np.clip(probabilities, EPSILON, 1 - EPSILON)
    return safe


def gaps(confidence: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Truth minus confidence per example and bin.

    Args:
        confidence: probabilities of decisions, shape ``[examples, decisions]``.
        truth: 1 where the decision is true, else 0, same shape.

    Returns:
        Shape ``[examples, 15]``, float64. The expected calibration error of examples with weights ``w`` is
        ``abs(w @ gaps).sum() / (w.sum() * decisions)``.
    """
    examples = len(confidence)
    cells = np.arange(examples)[:, None] * BINS + _bin(confidence)
    sums = np.bincount(cells.ravel(), (truth - confidence).ravel(), minlength=examples * BINS)
    return sums.reshape(examples, BINS)


def reliability(confidence: np.ndarray, truth: np.ndarray) -> list[dict[str, Any]]:
    """The bins of the reliability diagram that hold anything: bounds, count, mean confidence and share of truth."""
    bins, confidence, truth = _bin(confidence).ravel(), confidence.ravel(), truth.ravel()
    counts, sums, trues = (np.bincount(bins, values, minlength=BINS) for values in (None, confidence, truth))
    return [
        {
            "low": round(i / BINS, 4),
            "high": round((i + 1) / BINS, 4),
            "count": int(counts[i]),
            "confidence": float(sums[i] / counts[i]),
            "accuracy": float(trues[i] / counts[i]),
        }
        for i in np.flatnonzero(counts)
    ]


def _bin(confidence: np.ndarray) -> np.ndarray:
    """Bin ``m`` (from 0) holds ``m / 15 < confidence <= (m + 1) / 15``."""
    bins: np.ndarray = np.clip(np.ceil(confidence * BINS) - 1, 0, BINS - 1).astype(np.intp)
    return bins
