"""Attention in float32 where a processor is slow at its gradient in half precision.

On a CPU, torch's fused attention takes 3 to 11 times as long for the gradient in bfloat16 as in float32 while sequences
are short, since it fills blocks that are much longer than they. The products around it are where bfloat16 pays.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

NAME = "sdpa"
"""Under this name ``transformers`` looks up scaled dot-product attention."""
MASKS = ("attention_mask", "position_bias")


@contextmanager
def attention_for_training() -> Iterator[None]:
    """Within the context, all models that attend by :data:`NAME` do so through :func:`attend`."""
    before = ALL_ATTENTION_FUNCTIONS[NAME]
    ALL_ATTENTION_FUNCTIONS[NAME] = attend
    try:
        yield
    finally:
        ALL_ATTENTION_FUNCTIONS[NAME] = before


def attend(
    module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, attention_mask: Any, **others: Any
) -> tuple[torch.Tensor, None]:
    """As ``transformers`` does it, in float32 where that is the faster: the gradient is wanted, on a CPU, in half
    precision, and without dropout (with it, torch takes another way, which is not slow).

    Args:
        module: the attention layer.
        query: shape ``[B, heads, T, D]``; ``key`` and ``value`` are ``[B, heads, S, D]``.
        attention_mask: added to the scores, or true where they count; ``[B, 1, T, S]`` or ``None``.
        others: as the model gives them.

    Returns:
        Shape ``[B, T, heads, D]``, of the type of ``query``; and no weights.
    """
    half = query.dtype in (torch.bfloat16, torch.float16)
    if query.device.type != "cpu" or not half or not query.requires_grad or others.get("dropout"):
        plain: tuple[torch.Tensor, None] = sdpa_attention_forward(module, query, key, value, attention_mask, **others)
        return plain
    others["attention_mask"] = attention_mask
    for name in MASKS:
        mask = others.get(name)
        if mask is not None and mask.is_floating_point():
            others[name] = mask.float()
    with torch.autocast("cpu", enabled=False):
        states, _ = sdpa_attention_forward(module, query.float(), key.float(), value.float(), **others)
    return states.to(query.dtype), None
