"""Features of several texts to one padded batch of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from taskzoo import Batch, Feature

from .retrieval import Right


@dataclass(frozen=True, slots=True)
class PairCollator:
    """All texts of a batch one under the other: the texts, then the others, then the negatives of all rows.

    ``inputs``: ``input_ids`` and ``attention_mask`` ``[N, T]``. ``targets``: ``owner`` ``[N]``, the row of each text;
    ``right`` ``[B, N - B]``, true where an other or negative text is right for a row, by the rows of the batch or by
    ``known``, or is its text: this makes it no negative of it; ``score`` ``[B]``, NaN without.
    """

    pad_token_id: int
    known: Right = field(default_factory=Right)

    def __call__(self, features: Sequence[Feature]) -> Batch:
        places = [(row, side) for side in (0, 1) for row in range(len(features))]
        places += [(row, side) for row, f in enumerate(features) for side in range(2, len(f["side_ids"]))]
        candidates = [features[row]["texts"][side] for row, side in places[len(features) :]]
        here = Right((*feature["texts"][:2], feature["topic"]) for feature in features)
        texts = [feature["texts"][0] for feature in features]
        passed = [[{text}, *here.of(text), *self.known.of(text)] for text in texts]
        right = [[any(found in one for one in sets) for found in candidates] for sets in passed]
        scores = [np.nan if feature["score"] is None else feature["score"] for feature in features]
        targets = {
            "owner": np.array([row for row, _ in places]),
            "right": np.array(right),
            "score": np.array(scores, dtype=np.float32),
        }
        ids = [features[row]["side_ids"][side] for row, side in places]
        return Batch(padded_texts(ids, self.pad_token_id), targets)


def padded_texts(texts: Sequence[Sequence[int]], pad_token_id: int) -> dict[str, np.ndarray]:
    """Token ids of texts as ``input_ids`` and ``attention_mask`` ``[N, T]``."""
    mask = padded([[1] * len(ids) for ids in texts], 0)
    return {"input_ids": padded(texts, pad_token_id), "attention_mask": mask}


def padded(rows: Sequence[Sequence[int]], value: int) -> np.ndarray:
    """Rows of numbers as one array ``[N, T]``, filled up with ``value`` on the right."""
    array = np.full((len(rows), max(map(len, rows))), value, dtype=np.int64)
    for place, row in enumerate(rows):
        array[place, : len(row)] = row
    return array
