"""Features to batches, for encoder-decoders and for decoder-only models."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from taskzoo.task import IGNORE_INDEX, Batch, Feature

from .form import Form


class PairCollator:
    """Pads to the longest of the batch, each side for itself.

    For an encoder-decoder the inputs are ``input_ids``, ``attention_mask`` ``[B, S]`` and ``decoder_input_ids``
    ``[B, T]``: the targets moved right by one behind the start token. For a decoder-only model they are source and
    target in one sequence, padded on the right, with labels for the target only. Targets: ``labels``; ``prompt_ids``
    and ``prompt_mask``, what generation starts from (decoder-only: padded on the left, so that all sources end at the
    same place); ``write``, the features to write for. Padding is masked by position, never by id: the pad token may be
    the end token.
    """

    def __init__(self, form: Form) -> None:
        self.form = form

    def __call__(self, features: Sequence[Feature]) -> Batch:
        form = self.form
        sources = [feature["input_ids"] for feature in features]
        targets = [feature["target_ids"] for feature in features]
        write = torch.tensor([feature["write"] for feature in features])
        if form.kind == "decoder":
            whole = [source + target for source, target in zip(sources, targets, strict=True)]
            labels = [[IGNORE_INDEX] * len(s) + t for s, t in zip(sources, targets, strict=True)]
            ids, mask = _pad(whole, form.pad)
            prompts, prompt_mask = _pad(sources, form.pad, left=True)
            return {
                "inputs": {"input_ids": ids, "attention_mask": mask},
                "targets": {
                    "labels": _pad(labels, IGNORE_INDEX)[0], "prompt_ids": prompts, "prompt_mask": prompt_mask,
                    "write": write,
                },
            }  # fmt: skip
        ids, mask = _pad(sources, form.pad)
        shifted = [[form.start, *target[:-1]] for target in targets]
        labels = [target or [IGNORE_INDEX] for target in targets]
        return {
            "inputs": {
                "input_ids": ids, "attention_mask": mask, "decoder_input_ids": _pad(shifted, form.pad)[0],
            },
            "targets": {
                "labels": _pad(labels, IGNORE_INDEX)[0], "prompt_ids": ids, "prompt_mask": mask, "write": write,
            },
        }  # fmt: skip


def _pad(rows: Sequence[list[int]], value: int, *, left: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Tensors ``[B, longest]``: the ids, and 1 where there are some."""
    longest = max(map(len, rows))
    padded, mask = [], []
    for row in rows:
        gap = longest - len(row)
        padded.append([value] * gap + row if left else row + [value] * gap)
        mask.append([0] * gap + [1] * len(row) if left else [1] * len(row) + [0] * gap)
    return torch.tensor(padded), torch.tensor(mask)
