"""A vector for each row: the mean of what the encoder of a run makes of its tokens."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from taskzoo.arrays import as_array
from taskzoo.data.batching import plan_evaluation
from taskzoo.engine.batches import to_device
from taskzoo.engine.freezing import backbone_of
from taskzoo.engine.scoring import MAX_EXAMPLES, most_tokens
from taskzoo.errors import RequestError
from taskzoo.task import Task
from taskzoo.types import Example

from .out_of_fold import row_means


class RowVectors:
    """From examples to unit vectors ``[rows, H]``, float32; windows of a row have their mean.

    Args:
        task: fitted, and configured for the checkpoint.
        model: with the task's head.
        processor: its tokenizer, or what the task loads instead.
    """

    def __init__(self, task: Task, model: PreTrainedModel, processor: Any) -> None:
        self._task, self._processor = task, processor
        self._collate = task.collator(processor)
        self._device = model.device
        self._encoder: Any = model.get_encoder() if model.config.is_encoder_decoder else backbone_of(model)
        self._names = frozenset(inspect.signature(self._encoder.forward).parameters)

    @torch.no_grad()
    def __call__(self, examples: Sequence[Example]) -> np.ndarray:
        """The vectors.

        Raises:
            RequestError: the model is not one that reads tokens.
        """
        features = self._task.encode(examples, self._processor).features
        most = most_tokens(self._task, on_cpu=self._device.type == "cpu")
        batches = plan_evaluation([f.length for f in features], max_tokens=most, max_examples=MAX_EXAMPLES)
        found: list[np.ndarray] = [np.zeros(0)] * len(features)
        self._encoder.eval()
        for indices in batches:
            batch = to_device(self._collate([features[i] for i in indices]), self._device)
            inputs = {name: value for name, value in batch.inputs.items() if name in self._names}
            try:
                mask = inputs["attention_mask"].unsqueeze(-1)
                states = self._encoder(**inputs).last_hidden_state.float()
            except (KeyError, AttributeError, TypeError) as error:
                raise RequestError(
                    "The model of this run does not make a vector of each token of its input "
                    f"({type(error).__name__}: {error}), so texts cannot be compared."
                ) from None
            means = as_array((states * mask).sum(1) / mask.sum(1).clamp(min=1))
            for place, index in enumerate(indices):
                found[index] = means[place]
        vectors = row_means(np.stack(found), np.array([f.row for f in features]), len(examples))
        unit: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return unit
