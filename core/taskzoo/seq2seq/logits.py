"""What ``transformers`` does for a batch as a whole, done for each of its rows as if it were alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    NoRepeatNGramLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

if TYPE_CHECKING:
    from transformers import GenerationConfig


class Sampling(LogitsProcessor):
    """Leaves the token that sampling draws as the only one, so that the greedy search takes it.

    ``torch.multinomial`` gives each token a random number and takes the one whose probability is the most of its
    number. Here all rows of a batch have the numbers that a row alone would have, whatever the number of rows.

    Args:
        config: with ``temperature``, ``top_k`` and ``top_p``.
        seed: of the first draw; every call makes one more.
        device: of the logits.
    """

    def __init__(self, config: GenerationConfig, seed: int, device: torch.device) -> None:
        self._generator = torch.Generator(device).manual_seed(seed)
        self._warpers = LogitsProcessorList()
        if config.temperature != 1.0:
            self._warpers.append(TemperatureLogitsWarper(config.temperature))
        if config.top_k:
            self._warpers.append(TopKLogitsWarper(config.top_k))
        if config.top_p < 1.0:
            self._warpers.append(TopPLogitsWarper(config.top_p))

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        probabilities = self._warpers(input_ids, scores).softmax(-1)
        numbers = torch.empty_like(probabilities[:1]).exponential_(generator=self._generator)
        drawn = (probabilities / numbers).argmax(-1, keepdim=True)
        return torch.full_like(scores, float("-inf")).scatter(1, drawn, 0.0)


class UnpaddedNGrams(LogitsProcessor):
    """Never an n-gram twice, where padding on the left is not part of any n-gram.

    Args:
        size: tokens of an n-gram.
        padding: tokens on the left of each source; a source may have several beams.
    """

    def __init__(self, size: int, padding: Sequence[int]) -> None:
        self._plain = NoRepeatNGramLogitsProcessor(size)
        self._padding = padding

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        beams = len(input_ids) // len(self._padding)
        rows = zip(torch.split(input_ids, beams), torch.split(scores, beams), self._padding, strict=True)
        return torch.cat([self._plain(ids[:, padding:], some) for ids, some, padding in rows])
