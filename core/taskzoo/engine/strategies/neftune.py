"""NEFTune: noise on embeddings while training (Jain et al. 2023)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from taskzoo.task import Objective
from taskzoo.types import Batch

from .embeddings import changed
from .wrapping import Wrapped


class Neftune(Wrapped):
    """Each embedding is moved by uniform noise between -1 and 1 times ``alpha / sqrt(L * d)``.

    ``L`` is the length of its sequence without padding, where the table knows its padding token, and ``d`` the size of
    an embedding. There is none outside of training.
    """

    def __init__(self, inner: Objective, tables: Sequence[nn.Embedding], alpha: float) -> None:
        super().__init__(inner)
        self._tables, self._alpha = tables, alpha

    def forward(self, model: Any, batch: Batch) -> Any:
        with changed(self._tables, self._noisy):
            return super().forward(model, batch)

    def _noisy(self, table: nn.Embedding, ids: Tensor, output: Tensor) -> Tensor:
        if not table.training:
            return output
        padding = table.padding_idx
        used = torch.ones_like(ids) if padding is None else ids != padding
        scale = self._alpha / math.sqrt(output.shape[-1]) / used.sum(-1, keepdim=True).clamp(min=1).sqrt()
        noise = torch.empty_like(output).uniform_(-1, 1)
        return output + noise * (scale * used).unsqueeze(-1).to(output)
