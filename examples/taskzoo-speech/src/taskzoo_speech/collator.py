"""Lists of features to padded batches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.utils.rnn import pad_sequence

from taskzoo import Batch, Feature


def collate(features: Sequence[Feature]) -> Batch:
    """A padded batch.

    ``inputs``: ``input_values`` ``[B, N]`` and ``attention_mask`` ``[B, N]``, in samples. ``targets``: ``frames``
    ``[B]``, outputs of each row; ``characters`` ``[B, S]`` and their number ``lengths`` ``[B]``.
    """
    values = [torch.tensor(feature["input_values"], dtype=torch.float32) for feature in features]
    mask = [torch.ones(len(row), dtype=torch.long) for row in values]
    characters = [torch.tensor(feature["characters"], dtype=torch.long) for feature in features]
    inputs = {"input_values": pad_sequence(values, True), "attention_mask": pad_sequence(mask, True)}
    return Batch(
        inputs,
        {
            "frames": torch.tensor([feature.length for feature in features]),
            "characters": pad_sequence(characters, True),
            "lengths": torch.tensor([len(row) for row in characters]),
        },
    )
