"""What training on a CPU waits for besides its products, done another way: dropout, attention, and getting memory.

* Dropout draws a random number for every element, one after the other. Here four elements share the bits of one number.
* Fused attention takes 3 to 11 times as long for the gradient in half precision as in float32 while sequences are
  short, since it fills blocks that are much longer than they. So without dropout it is computed in float32. With
  dropout torch does not use that kernel, and attention is written out, with the dropout above.
* The C library gives large blocks of memory back to the system as soon as they are free, so that every step gets them
  anew, page by page. While training they are kept.

The functions are the same, but for which elements chance drops.
"""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional

LEVELS = 2**16
"""Numbers that 16 random bits can be: a probability is rounded to so many parts."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of ``mallopt`` in the GNU C library: free memory at the end of the heap is given back from so many bytes
on; blocks of so many bytes and more are got from the system one by one."""
KEEP = 2**30, 2**30
USUAL = 2**26, 2**25
"""What the two grow to by themselves."""
torch_dropout = functional.dropout
torch_attention = functional.scaled_dot_product_attention


@contextmanager
def faster_on_cpu() -> Iterator[None]:
    """Within the context, all modules drop out and attend by :func:`dropout` and :func:`attention`, and free memory is
    kept."""
    ours = {"dropout": dropout, "scaled_dot_product_attention": attention}
    before = {name: getattr(functional, name) for name in ours}
    for name, function in ours.items():
        setattr(functional, name, function)
    _keep_memory(*KEEP)
    try:
        yield
    finally:
        _keep_memory(*USUAL)
        for name, function in before.items():
            setattr(functional, name, function)


def _keep_memory(trim: int, mmap: int) -> None:
    """Set when free memory goes back to the system, in bytes; without effect where the C library is another one."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, trim)
        mallopt(M_MMAP_THRESHOLD, mmap)


def dropout(input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> torch.Tensor:
    """As ``torch.nn.functional.dropout``; on a CPU ``p`` is rounded to 1/65,536, and what is kept is scaled by what it
    then is."""
    dropped = round(p * LEVELS)
    if not training or inplace or input.device.type != "cpu" or not 0 < dropped < LEVELS:
        return torch_dropout(input, p, training, inplace)
    count = input.numel()
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
    kept = torch.empty(input.shape, dtype=input.dtype)
    torch.ge(bits[:count].view(input.shape), dropped - LEVELS // 2, out=kept)
    return input * kept.mul_(LEVELS / (LEVELS - dropped))


def attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **others: Any,
) -> torch.Tensor:
    """As ``torch.nn.functional.scaled_dot_product_attention``, another way where a gradient is wanted on a CPU in half
    precision.

    Args:
        query: shape ``[..., heads, T, D]``; ``key`` and ``value`` are ``[..., heads, S, D]``.
        attn_mask: added to the scores, or true where they count; can be broadcast to ``[..., heads, T, S]``.
        dropout_p: of the weights.
        is_causal: a query sees no key behind its own place.
        others: ``scale`` of the scores; ``enable_gqa``, whether several heads of queries share one of keys and values.
    """
    half = query.dtype in (torch.bfloat16, torch.float16)
    if query.device.type != "cpu" or not half or not query.requires_grad:
        return torch_attention(query, key, value, attn_mask, dropout_p, is_causal, **others)
    if attn_mask is not None and attn_mask.is_floating_point():
        attn_mask = attn_mask.float()
    with torch.autocast("cpu", enabled=False):
        if dropout_p:
            return _attention_with_dropout(query, key, value, attn_mask, dropout_p, is_causal, **others)
        states = torch_attention(query.float(), key.float(), value.float(), attn_mask, 0.0, is_causal, **others)
    return states.to(query.dtype)


def _attention_with_dropout(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    dropout_p: float,
    is_causal: bool,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """Attention as torch documents it; products in the type of the query, softmax in float32."""
    if enable_gqa:
        key, value = (t.repeat_interleave(query.shape[-3] // t.shape[-3], -3) for t in (key, value))
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query @ key.transpose(-2, -1)).float() * scale
    if is_causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if mask is not None:
        # not -inf: of a query that sees nothing the weights are then even, and not undefined
        scores = scores.masked_fill(~mask, torch.finfo().min) if mask.dtype == torch.bool else scores + mask
    return dropout(scores.softmax(-1).to(query.dtype), dropout_p) @ value
