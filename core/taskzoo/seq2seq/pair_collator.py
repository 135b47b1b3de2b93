"""Features to batches, for encoder-decoders and for decoder-only models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from taskzoo.arrays import width
from taskzoo.types import IGNORE_INDEX, Batch, Feature

from .sequence_format import SequenceFormat


class PairCollator:
    """Arrays, padded to the longest of the batch, each side for itself.

    For an encoder-decoder the inputs are ``input_ids``, ``attention_mask`` ``[B, S]`` and ``decoder_input_ids``
    ``[B, T]``: the targets shifted right by one after the start token. For a decoder-only model they are source and
    target in one sequence, padded on the right, with labels for the target only. Targets: ``labels``; ``prompt_ids``
    and ``prompt_mask``, what generation starts from (decoder-only: padded on the left, so that all sources end at the
    same position); ``generate``, the features to generate for. Padding is masked by position, never by id: the pad
    token may be the end token.
    """

    def __init__(self, form: SequenceFormat) -> None:
        self.form = form

    def __call__(self, features: Sequence[Feature]) -> Batch:
        form = self.form
        sources = [feature["input_ids"] for feature in features]
        targets = [feature["target_ids"] for feature in features]
        ids, mask = pad(sources, form.pad)
        if form.kind == "decoder":
            prompts, prompt_mask = pad(sources, form.pad, left=True)
            ids, mask = pad([s + t for s, t in zip(sources, targets, strict=True)], form.pad)
            inputs = {"input_ids": ids, "attention_mask": mask}
            labels = [[IGNORE_INDEX] * len(s) + t for s, t in zip(sources, targets, strict=True)]
        else:
            prompts, prompt_mask = ids, mask
            shifted, _ = pad([[form.start, *target[:-1]] for target in targets], form.pad)
            inputs = {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": shifted}
            labels = [target or [IGNORE_INDEX] for target in targets]
        return Batch(
            inputs,
            {
                "labels": pad(labels, IGNORE_INDEX)[0],
                "prompt_ids": prompts,
                "prompt_mask": prompt_mask,
                "generate": np.array([feature["generate"] for feature in features]),
            },
        )


def pad(rows: Sequence[list[int]], value: int, *, left: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Arrays ``[B, T]`` of their :func:`~taskzoo.arrays.width`: the ids, and 1 where there are some."""
    longest = width(rows)
    padded, mask = [], []
    for row in rows:
        gap = longest - len(row)
        padded.append([value] * gap + row if left else row + [value] * gap)
        mask.append([0] * gap + [1] * len(row) if left else [1] * len(row) + [0] * gap)
    return np.array(padded, dtype=np.int64), np.array(mask, dtype=np.int64)
