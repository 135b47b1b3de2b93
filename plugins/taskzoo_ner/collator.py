"""Lists of features to padded batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taskzoo.arrays import padded
from taskzoo.types import IGNORE_INDEX, Batch, Feature


@dataclass(frozen=True, slots=True)
class NerCollator:
    """Pads on the right.

    With ``B`` features, ``T`` sub-tokens and ``W`` words (those that have a sub-token):
    ``inputs``: ``input_ids``, ``attention_mask`` ``[B, T]``.
    ``targets``: ``labels`` ``[B, T]``, on the first sub-token of the words a window owns, ``IGNORE_INDEX``
    elsewhere; ``word_positions``, ``word_tags`` ``[B, W]`` and ``word_mask`` (bool) for all words of the window;
    ``features``: the features themselves, for decoding.
    """

    pad_token_id: int

    def __call__(self, features: Sequence[Feature]) -> Batch:
        worded = [[i for i, position in enumerate(f["positions"]) if position >= 0] for f in features]
        both = list(zip(features, worded, strict=True))
        input_ids = padded([f["input_ids"] for f in features], self.pad_token_id)
        attention_mask = padded([[1] * len(f["input_ids"]) for f in features], 0)
        word_positions = padded([[f["positions"][w] for w in words] for f, words in both], 0)
        word_tags = padded([[f["tags"][w] for w in words] for f, words in both], IGNORE_INDEX)
        word_mask = padded([[True] * len(words) for words in worded], False)
        own = padded([[f["own"][0] <= w < f["own"][1] for w in words] for f, words in both], False)
        labels = np.full_like(input_ids, IGNORE_INDEX)
        labels[own.nonzero()[0], word_positions[own]] = word_tags[own]
        targets = {"labels": labels, "word_positions": word_positions, "word_tags": word_tags, "word_mask": word_mask}
        return Batch(
            {"input_ids": input_ids, "attention_mask": attention_mask}, {**targets, "features": list(features)}
        )
