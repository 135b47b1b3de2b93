"""Lists of features to padded batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence

from taskzoo import IGNORE_INDEX, Batch, Feature

from .packing import apart


@dataclass(frozen=True, slots=True)
class SftCollator:
    """Sequences padded on the right to learn from, and prompts padded on the left to generate from.

    ``inputs``: ``input_ids``, ``attention_mask`` ``[B, T]``; of packed rows ``position_ids`` ``[B, T]`` instead of the
    mask, which begin anew with each row, so that none sees another. ``targets``: ``labels`` ``[B, T]``, the tokens that
    the loss counts; ``answers`` ``[B, T]``, those that are scored; ``prompt_ids``, ``prompt_mask`` ``[B, P]``, without
    a token where nothing is to be generated. Padding is masked by length: the pad token may also end a text.
    """

    pad_token_id: int
    train_on_all: bool

    def __call__(self, features: Sequence[Feature]) -> Batch:
        ids, mask = self._padded([feature["input_ids"] for feature in features], "right")
        of_answer = pad_sequence([torch.tensor(feature["answer"], dtype=torch.bool) for feature in features], True)
        answers = ids.masked_fill(~of_answer, IGNORE_INDEX)
        labels = answers
        if self.train_on_all:
            labelled = torch.tensor([feature["labelled"] for feature in features])
            labels = ids.masked_fill(~(mask.bool() & labelled.unsqueeze(1)), IGNORE_INDEX)
        inputs = {"input_ids": ids, "attention_mask": mask}
        if features[0].get("lengths"):
            inputs = apart(ids, [feature["lengths"] for feature in features])
            first = inputs["position_ids"] == 0  # not to be predicted from the row before
            answers, labels = answers.masked_fill(first, IGNORE_INDEX), labels.masked_fill(first, IGNORE_INDEX)
        prompt_ids, prompt_mask = self._padded([feature["prompt_ids"] for feature in features], "left")
        targets = {"labels": labels, "answers": answers, "prompt_ids": prompt_ids, "prompt_mask": prompt_mask}
        return Batch(inputs, targets)

    def _padded(self, rows: Sequence[list[int]], side: str) -> tuple[torch.Tensor, torch.Tensor]:
        ids = [torch.tensor(row, dtype=torch.long) for row in rows]
        mask = pad_sequence([torch.ones_like(row) for row in ids], True, 0, side)
        return pad_sequence(ids, True, self.pad_token_id, side), mask
