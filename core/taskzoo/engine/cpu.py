"""What a CPU waits for besides matrix products, done another way: dropout, attention, normalisation, and memory.

* Dropout draws a random number for every element, one after the other. Here four elements share the bits of one number.
* Fused attention takes 3 to 11 times as long for the gradient in half precision as in float32 while sequences are
  short, since it fills blocks that are much longer than they are. So without dropout it is computed in float32. With
  dropout torch does not use that kernel, and attention is written out, with the dropout above.
* Autocast leaves layer norms in float32, and every linear layer that reads one rounds it anew: query, key and value
  each, and their gradients back. Here the norm, which is computed in float32 within the kernel, is rounded once.
* The C library gives large blocks of memory back to the system as soon as they are free, so that every step gets them
  anew, page by page. :func:`keep_memory` keeps them.

The functions are the same, but for rounding and for which elements chance drops.
"""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedModel

LEVELS = 2**16
"""Numbers that 16 random bits can be: a probability is rounded to so many parts."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of ``mallopt`` in the GNU C library: free memory at the end of the heap is given back from so many bytes
on; blocks of so many bytes and more are got from the system one by one."""
KEEP = 2**30
torch_dropout = functional.dropout
torch_attention = functional.scaled_dot_product_attention
torch_layer_norm = functional.layer_norm


def faster_on_cpu(device: torch.device) -> AbstractContextManager[Any]:
    """Within the context, this thread drops out, attends and normalises by the functions below.

    Only if ``device`` is a CPU. Other threads and ``torch`` itself are left alone.
    """
    return _OnCpu() if device.type == "cpu" else nullcontext()


def recompute_activations(model: PreTrainedModel) -> None:
    """Let ``model`` compute activations again in the backward pass rather than keep them.

    What is computed again must drop out as it did before, and the backward pass is not within :func:`faster_on_cpu`.
    """
    contexts = {"context_fn": lambda: (nullcontext(), faster_on_cpu(model.device))}
    model.gradient_checkpointing_enable({"use_reentrant": False, **contexts})


def keep_memory() -> None:
    """Keep free memory for the next step rather than give it back to the system.

    For the whole process and for good, so it is for a program to call and not for a library; without effect where the C
    library is another one.
    """
    if (mallopt := _of_c_library("mallopt")) is not None:
        mallopt(M_TRIM_THRESHOLD, KEEP)
        mallopt(M_MMAP_THRESHOLD, KEEP // 2)


def return_free_memory() -> None:
    """Give free memory back to the system: what evaluation leaves is in pieces that training can make no use of.

    Without effect where the C library is another one than GNU's.
    """
    if (trim := _of_c_library("malloc_trim")) is not None:
        trim(ctypes.c_size_t(0))


def _of_c_library(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """As ``torch.nn.functional.dropout``, but on a CPU ``p`` is rounded to 1/65,536, and the scale fits that."""
    dropped = round(p * LEVELS)
    if not training or inplace or input.device.type != "cpu" or not 0 < dropped < LEVELS:
        return torch_dropout(input, p, training, inplace)
    count = input.numel()
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
    kept = torch.empty(input.shape, dtype=input.dtype)
    torch.ge(bits[:count].view(input.shape), dropped - LEVELS // 2, out=kept)
    return input * kept.mul_(LEVELS / (LEVELS - dropped))


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **others: Any,
) -> Tensor:
    """As ``torch.nn.functional.scaled_dot_product_attention``, but faster for gradients in half precision on a CPU.

    ``query`` has the shape ``[..., heads, T, D]``, ``key`` and ``value`` ``[..., heads, S, D]``; the mask can be
    broadcast to ``[..., heads, T, S]``. ``others`` are ``scale`` and ``enable_gqa``.
    """
    half = query.dtype in (torch.bfloat16, torch.float16)
    if query.device.type != "cpu" or not half or not query.requires_grad:
        return torch_attention(query, key, value, attn_mask, dropout_p, is_causal, **others)
    if attn_mask is not None and attn_mask.is_floating_point():
        attn_mask = attn_mask.float()
    with torch.autocast("cpu", enabled=False):
        if dropout_p:
            return _attention_with_dropout((query, key, value), attn_mask, dropout_p, is_causal, **others)
        states = torch_attention(query.float(), key.float(), value.float(), attn_mask, 0.0, is_causal, **others)
    return states.to(query.dtype)


def _attention_with_dropout(
    states: tuple[Tensor, Tensor, Tensor], mask: Tensor | None, dropout_p: float, is_causal: bool, **others: Any
) -> Tensor:
    """Attention as torch documents it; scores in the type of the query, or of a mask of numbers if that is wider."""
    (query, key, value), scale = states, others.get("scale")
    if others.get("enable_gqa"):
        key, value = (t.repeat_interleave(query.shape[-3] // t.shape[-3], -3) for t in (key, value))
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = query @ key.transpose(-2, -1)
    if is_causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if mask is not None and mask.dtype == torch.bool:
        # not -inf: of a query that sees nothing the weights are then even, and not undefined
        mask = torch.zeros(mask.shape, dtype=scores.dtype).masked_fill_(~mask, torch.finfo(scores.dtype).min)
    scores = scores * scale if mask is None else torch.add(mask, scores, alpha=scale)
    return dropout(scores.softmax(-1).to(query.dtype), dropout_p) @ value


def layer_norm(input: Tensor, *arguments: Any, **others: Any) -> Tensor:
    """As ``torch.nn.functional.layer_norm``; what is float32 has the type of autocast, if that is on for a CPU."""
    found = torch_layer_norm(input, *arguments, **others)
    if found.dtype != torch.float32 or input.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        return found
    return found.to(torch.get_autocast_dtype("cpu"))


class _OnCpu(TorchFunctionMode):
    """Takes the place of functions of torch wherever they are called."""

    instead: ClassVar[dict[Any, Callable[..., Tensor]]] = {
        torch_dropout: dropout,
        torch_attention: attention,
        torch_layer_norm: layer_norm,
    }

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        function = self.instead.get(func, func)
        return function(*args, **kwargs) if kwargs else function(*args)
