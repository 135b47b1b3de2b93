"""Features to padded batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from taskzoo.arrays import padded
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
        inputs = {
            "input_ids": padded([feature["input_ids"] for feature in features], self.pad_token_id),
            "attention_mask": padded([[1] * feature.length for feature in features], 0),
        }
        if any("token_type_ids" in feature.values for feature in features):
            types = [feature.get("token_type_ids", [0] * feature.length) for feature in features]
            inputs["token_type_ids"] = padded(types, 0)
        return Batch(inputs, self.head.collate([feature["target"] for feature in features]))
