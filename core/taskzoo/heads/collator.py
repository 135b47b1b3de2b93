"""Features to padded batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from taskzoo.types import Batch, Feature

from .base import Head


@dataclass(frozen=True, slots=True)
class SequenceCollator:
    """Features to one right-padded batch.

    ``inputs``: ``input_ids``, ``attention_mask`` and, where features have them, ``token_type_ids``, all ``[B, T]``.
    ``targets``: what :meth:`Head.collate` makes of the features' ``target`` (``None`` where unknown).
    """

    pad_token_id: int
    head: Head

    def __call__(self, features: Sequence[Feature]) -> Batch:
        size, length = len(features), max(feature.length for feature in features)
        inputs = {
            "input_ids": torch.full((size, length), self.pad_token_id),
            "attention_mask": torch.zeros((size, length), dtype=torch.long),
        }
        if any("token_type_ids" in feature.values for feature in features):
            inputs["token_type_ids"] = torch.zeros((size, length), dtype=torch.long)
        for b, feature in enumerate(features):
            inputs["input_ids"][b, : feature.length] = torch.tensor(feature["input_ids"])
            inputs["attention_mask"][b, : feature.length] = 1
            if "token_type_ids" in feature.values:
                inputs["token_type_ids"][b, : feature.length] = torch.tensor(feature["token_type_ids"])
        return Batch(inputs, self.head.collate([feature["target"] for feature in features]))
