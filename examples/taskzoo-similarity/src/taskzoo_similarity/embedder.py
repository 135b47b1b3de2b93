"""Vectors of texts by a trained or a pretrained encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .pair_collator import padded_texts
from .pooled_text import unit_vectors

if TYPE_CHECKING:
    from .similarity_task import SimilarityTask

TOKENS_PER_BATCH = 4096


@dataclass(frozen=True, slots=True)
class Embedder:
    """A model with the task that says how texts are encoded and pooled, and the tokenizer."""

    task: SimilarityTask
    model: Any
    tokenizer: Any

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str], prompt: str = "") -> np.ndarray:
        """Vectors of length 1, float32, ``[texts, H]``; of a text of whitespace it is 0."""
        model, tokens = self.model.eval(), [i for i, text in enumerate(texts) if text.strip()]
        ids = self.task.token_lists([texts[i] for i in tokens], prompt, self.tokenizer)[0]
        found = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]), reverse=True)
        while order:
            size = max(1, TOKENS_PER_BATCH // len(ids[order[0]]))
            batch, order = order[:size], order[size:]
            inputs = padded_texts([ids[i] for i in batch], self.tokenizer.pad_token_id)
            tensors = {name: torch.from_numpy(value).to(model.device) for name, value in inputs.items()}
            found[[tokens[i] for i in batch]] = unit_vectors(model, tensors, self.task.pooling).cpu().numpy()
        return found
