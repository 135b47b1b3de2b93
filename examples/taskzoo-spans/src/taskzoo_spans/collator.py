"""Lists of features to padded batches, of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from taskzoo import Batch, Feature


@dataclass(frozen=True, slots=True)
class SpanCollator:
    """Pads on the right, with ``B`` windows of ``T`` tokens and ``N`` words, and ``L`` labels of ``U`` tokens.

    ``inputs``: ``input_ids``, ``attention_mask`` ``[B, T]``; ``starts``, ``ends`` ``[B, N]``; ``label_ids``,
    ``label_mask`` ``[L, U]``. ``targets``: ``gold`` ``[B, N, W, L]``, 1 for the label of an entity; ``active``
    ``[B, N, W]``: spans whose labels are known; ``features``: the features themselves.
    """

    pad_token_id: int
    max_width: int

    def __call__(self, features: Sequence[Feature]) -> Batch:
        input_ids, attention_mask = _padded([feature["input_ids"] for feature in features], self.pad_token_id)
        label_ids, label_mask = _padded(features[0]["label_ids"], self.pad_token_id)
        starts, _ = _padded([feature["starts"] for feature in features], 0)
        ends, _ = _padded([feature["ends"] for feature in features], 0)
        shape = *starts.shape, self.max_width
        gold, active = np.zeros((*shape, len(label_ids)), dtype=np.float32), np.zeros(shape, dtype=bool)
        for row, feature in enumerate(features):
            if feature["gold"] is not None:
                active[row] = real_spans(len(feature["places"]), *shape[1:])
                for entity in feature["gold"]:
                    gold[(row, *entity)] = 1.0
        inputs: dict[str, Any] = {"input_ids": input_ids, "attention_mask": attention_mask}
        inputs |= {"starts": starts, "ends": ends, "label_ids": label_ids, "label_mask": label_mask}
        return Batch(inputs, {"gold": gold, "active": active, "features": list(features)})


def real_spans(words: int, length: int, widths: int) -> np.ndarray:
    """Which spans of a window there are, ``[length, widths]``: those that end before its ``words`` do."""
    return np.arange(length)[:, None] + np.arange(widths)[None, :] < words


def _padded(rows: Sequence[Sequence[int]], value: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of different lengths as ``[B, T]``, at least one wide, and 1 where there is something."""
    shape = len(rows), max([1, *map(len, rows)])
    filled, mask = np.full(shape, value, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    for at, row in enumerate(rows):
        filled[at, : len(row)], mask[at, : len(row)] = row, 1
    return filled, mask
