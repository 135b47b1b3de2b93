"""Features of several texts to one padded batch of texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taskzoo import Batch, Feature


@dataclass(frozen=True, slots=True)
class PairCollator:
    """All texts of a batch one under the other: the texts, then the others, then the negatives of all rows.

    ``inputs``: ``input_ids`` and ``attention_mask`` ``[N, T]``. ``targets``: ``owner`` ``[N]``, the row of each text;
    ``right`` ``[B, N - B]``, true where an other or negative text is right for a row, which makes it no negative of
    it; ``score`` ``[B]``, NaN without.
    """

    pad_token_id: int

    def __call__(self, features: Sequence[Feature]) -> Batch:
        places = [(row, side) for side in (0, 1) for row in range(len(features))]
        places += [(row, side) for row, f in enumerate(features) for side in range(2, len(f["side_ids"]))]
        candidates = [(features[row], side) for row, side in places[len(features) :]]
        right = [[_is_right(row, owner, side) for owner, side in candidates] for row in features]
        scores = [np.nan if feature["score"] is None else feature["score"] for feature in features]
        targets = {
            "owner": np.array([row for row, _ in places]),
            "right": np.array(right),
            "score": np.array(scores, dtype=np.float32),
        }
        texts = [features[row]["side_ids"][side] for row, side in places]
        return Batch(padded_texts(texts, self.pad_token_id), targets)


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


def _is_right(row: Feature, owner: Feature, side: int) -> bool:
    """Whether the text ``side`` of ``owner`` is one that is to be found for ``row``, or the text of ``row`` itself."""
    text, other = row["texts"][:2]
    found = owner["texts"][side]
    same_topic = row["topic"] is not None and row["topic"] == owner["topic"]
    return found in (text, other) or (side == 1 and (owner["texts"][0] == text or same_topic))
