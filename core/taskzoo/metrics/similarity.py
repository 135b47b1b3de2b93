"""Similarity in meaning: generated and reference tokens compared by the vectors of an encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from taskzoo.types import Prediction, Score

from .base import CorpusMetric, ratio
from .pairs import text_pairs

CHUNK = 128
"""Examples whose token vectors are held at a time."""

Embed = Callable[[Sequence[str]], list[np.ndarray]]
"""From texts to one array ``[tokens, width]`` each, zero tokens for an empty text."""


class Similarity(CorpusMetric):
    """``Similarity(embed).compute(predictions=[{"text": "a cat"}], references=[{"targets": ["the cat"]}])``.

    As BERTScore (Zhang et al. 2020), without weights for rare words and without rescaling by a baseline.
    Each token of the output is matched with its most similar token of the reference, by cosine, whose mean is the
    precision; the recall is the same from the reference's side. A negative cosine counts as 0. With several references,
    that of the highest F-measure counts. Two texts without tokens have 1, one such text has 0.
    The numbers are not rescaled, so most of them are high; they depend on the encoder, and only numbers of the same
    encoder can be compared. A score is NaN without examples.

    Args:
        embed: the encoder, such as :func:`taskzoo.models.token_vectors.token_vectors` gives.
    """

    scores = (Score("similarity"), Score("similarity_precision"), Score("similarity_recall"))

    def __init__(self, embed: Embed) -> None:
        self._embed = embed

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Shape ``[examples, 4]``, float64: 1, F-measure, precision and recall.

        Raises:
            DataError: unequal numbers of examples, or one without a text or a target (it is named, from 0).
        """
        pairs = text_pairs(predictions, references)
        rows: list[tuple[float, ...]] = []
        for start in range(0, len(pairs), CHUNK):
            chunk = pairs[start : start + CHUNK]
            texts = list(dict.fromkeys(text for output, targets in chunk for text in (output, *targets)))
            vectors = dict(zip(texts, map(_unit, self._embed(texts)), strict=True))
            rows += [(1.0, *max(_match(vectors[output], vectors[t]) for t in targets)) for output, targets in chunk]
        return np.asarray(rows, dtype=np.float64).reshape(-1, 4)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """The means from summed statistics."""
        return {score.name: ratio(total[i], total[0]) for i, score in enumerate(self.scores, 1)}


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: np.ndarray = vectors / np.where(lengths > 0, lengths, 1)
    return unit


def _match(output: np.ndarray, target: np.ndarray) -> tuple[float, float, float]:
    """F-measure, precision and recall of unit vectors ``[tokens, width]``."""
    if not len(output) or not len(target):
        same = float(len(output) == len(target))
        return same, same, same
    cosines = np.clip(output @ target.T, 0.0, 1.0)
    precision, recall = (float(cosines.max(axis=axis).mean(dtype=np.float64)) for axis in (1, 0))
    return ratio(2 * precision * recall, precision + recall) if precision + recall else 0.0, precision, recall
