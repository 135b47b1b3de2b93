"""Lists of features to padded batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from taskzoo import IGNORE_INDEX
from taskzoo.task import Batch, Feature


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
        size, length = len(features), max(len(f["input_ids"]) for f in features)
        worded = [[i for i, position in enumerate(f["positions"]) if position >= 0] for f in features]
        width = max(1, max(len(words) for words in worded))
        input_ids = torch.full((size, length), self.pad_token_id)
        attention_mask = torch.zeros((size, length), dtype=torch.long)
        labels = torch.full((size, length), IGNORE_INDEX)
        word_positions = torch.zeros((size, width), dtype=torch.long)
        word_tags = torch.full((size, width), IGNORE_INDEX)
        word_mask = torch.zeros((size, width), dtype=torch.bool)
        for b, (feature, words) in enumerate(zip(features, worded, strict=True)):
            ids: list[int] = feature["input_ids"]
            input_ids[b, : len(ids)] = torch.tensor(ids)
            attention_mask[b, : len(ids)] = 1
            if not words:
                continue
            positions = torch.tensor([feature["positions"][w] for w in words])
            tags = torch.tensor([feature["tags"][w] for w in words])
            first, last = feature["own"]
            own = torch.tensor([first <= w < last for w in words])
            labels[b, positions[own]] = tags[own]
            word_positions[b, : len(words)] = positions
            word_tags[b, : len(words)] = tags
            word_mask[b, : len(words)] = True
        targets: dict[str, Any] = {
            "labels": labels,
            "word_positions": word_positions,
            "word_tags": word_tags,
            "word_mask": word_mask,
            "features": list(features),
        }
        return {"inputs": {"input_ids": input_ids, "attention_mask": attention_mask}, "targets": targets}
