"""The hidden states before the output layer of a language model, instead of its logits.

Logits ``[B, T, V]`` are by far the largest tensor of training where the vocabulary is large, and the padded positions
among them are computed for nothing. With the states ``[B, T, H]`` the loss can take the active positions alone, in
chunks (:mod:`.vocabulary_loss`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class HiddenStates:
    """The input of the output layer, and that layer.

    Args:
        states: shape ``[..., H]``.
        weight: shape ``[V, H]``; may be shared with the embeddings, or frozen.
        bias: shape ``[V]``, or ``None``.
        dtype: in which the layer would compute; by default what autocast says, else that of states and weight.
    """

    states: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor | None = None
    dtype: torch.dtype | None = None

    def logits(self) -> torch.Tensor:
        """The model's logits, shape ``[..., V]``."""
        logits: torch.Tensor = nn.functional.linear(self.states.to(self.weight), self.weight, self.bias)
        return logits


def forward_states(model: Any, plain: PreTrainedModel, inputs: Mapping[str, Any]) -> HiddenStates:
    """Run ``model`` on ``inputs`` without its output layer.

    It is ``plain``, of which :func:`gives_states` is true, or that wrapped by adapters or for several processes.
    """
    layer: Any = plain.get_output_embeddings()
    added = getattr(plain, "final_logits_bias", None)  # BART and similar models add it after the layer
    with _passing_through(plain, layer) as kind:
        states = model(**inputs).logits
    bias = layer.bias
    if added is not None:
        bias = added.flatten() if bias is None else bias + added.flatten()
    return HiddenStates(states, layer.weight, bias, kind.get("dtype", layer.weight.dtype))


@torch.no_grad()
def gives_states(model: PreTrainedModel) -> bool:
    """Whether the logits of ``model`` are a linear function of the input of its output layer, tried on a batch.

    They are not where something changes them after the layer (Gemma 2's soft cap), or where there is no such layer.
    """
    layer: Any = model.get_output_embeddings()
    if not isinstance(layer, nn.Linear):
        return False
    ids = torch.arange(4, device=layer.weight.device).view(2, 2) % layer.weight.shape[0]
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids
    was_training = model.training
    model.eval()
    try:
        expected = model(**inputs).logits.float()
        found = forward_states(model, model, inputs).logits().float()
        return found.shape == expected.shape and torch.allclose(found, expected, rtol=1e-3, atol=1e-4)
    except (RuntimeError, TypeError, AttributeError):
        return False
    finally:
        model.train(was_training)


@contextmanager
def _passing_through(model: PreTrainedModel, layer: nn.Linear) -> Iterator[dict[str, torch.dtype]]:
    """Within the context, ``layer`` returns its input, and no bias is added after it. Yields the layer's ``dtype``."""
    kind: dict[str, torch.dtype] = {}

    def through(states: torch.Tensor) -> torch.Tensor:
        device = states.device.type
        on = torch.is_autocast_enabled(device)
        kind["dtype"] = torch.get_autocast_dtype(device) if on else layer.weight.dtype
        return states

    added = getattr(model, "final_logits_bias", None)
    patched: Any = layer
    patched.forward = through
    if added is not None:
        model.final_logits_bias = added.new_zeros(1, 1)
    try:
        yield kind
    finally:
        del patched.forward
        if added is not None:
            model.final_logits_bias = added
