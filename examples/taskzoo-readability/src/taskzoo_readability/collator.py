"""Lists of features to padded batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from taskzoo import Batch, Feature


@dataclass(frozen=True, slots=True)
class ReadabilityCollator:
    """``inputs``: ``input_ids``, ``attention_mask`` ``[B, T]``; ``targets``: ``values`` ``[B]``, NaN where unknown."""

    pad_token_id: int

    def __call__(self, features: Sequence[Feature]) -> Batch:
        size, length = len(features), max(feature.length for feature in features)
        input_ids = torch.full((size, length), self.pad_token_id)
        attention_mask = torch.zeros((size, length), dtype=torch.long)
        for b, feature in enumerate(features):
            input_ids[b, : feature.length] = torch.tensor(feature["input_ids"])
            attention_mask[b, : feature.length] = 1
        values = torch.tensor([math.nan if f["target"] is None else f["target"] for f in features])
        return Batch({"input_ids": input_ids, "attention_mask": attention_mask}, {"values": values})
