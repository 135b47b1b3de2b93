"""Character and word error rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from taskzoo import Score
from taskzoo.metrics.base import CorpusMetric


def edits(one: Sequence[str], two: Sequence[str]) -> int:
    """The fewest insertions, deletions and substitutions that make ``two`` of ``one`` (Levenshtein 1966)."""
    before = list(range(len(two) + 1))
    for i, left in enumerate(one, 1):
        row = [i]
        for j, right in enumerate(two, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (left != right)))
        before = row
    return before[-1]


class ErrorRates(CorpusMetric):
    """``ErrorRates().compute([{"text": "a cat"}], [{"text": "the cat"}])``: edits per character, and per word.

    Both are of the whole set: all edits by all characters (words) of the references. Words are what spaces separate.
    """

    scores = (
        Score("cer", higher_is_better=False, range=(0.0, math.inf)),
        Score("wer", higher_is_better=False, range=(0.0, math.inf)),
    )

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """Shape ``[examples, 4]``: edits of characters, characters, edits of words, words."""
        rows = []
        for prediction, reference in zip(predictions, references, strict=True):
            said, heard = reference["text"], prediction["text"]
            rows.append([edits(heard, said), len(said), edits(heard.split(), said.split()), len(said.split())])
        return np.array(rows, dtype=np.float64).reshape(-1, 4)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """From summed statistics of shape ``[4]``."""
        pairs = {"cer": total[:2], "wer": total[2:]}
        return {name: float(wrong / all_) if all_ else math.nan for name, (wrong, all_) in pairs.items()}
