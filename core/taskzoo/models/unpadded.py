"""Attention over the tokens of the texts alone, without those that pad a batch.

Where a batch has padding, attention is given a mask, and torch has no flash attention with masks. Here the tokens of
all texts are put one behind the other instead, and each text attends to itself; everything else in a model stays
padded. ``transformers`` knows the two functions of this file by a name, which no file of a model ever holds.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.backends import cuda
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedConfig, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from taskzoo.errors import RequestError

NAME = "taskzoo_unpadded"
"""What ``transformers`` calls this attention."""
BLOCK = 8
"""Fused kernels want heads as wide as a multiple of this."""
BEYOND = ("softcap", "s_aux", "position_bias")
"""What some models add to attention, and flash attention of torch does not have."""


@dataclass(frozen=True)
class Tokens:
    """Where the tokens of ``B`` texts are in a padded batch ``[B, T]``.

    Attributes:
        lengths: of the texts, none of them 0.
        places: of all tokens in the flattened batch ``[N]``; ``None``: the batch has no padding.
        offsets: of the texts among the tokens ``[B + 1]``, int32.
    """

    lengths: Sequence[int]
    places: torch.Tensor | None
    offsets: torch.Tensor

    @classmethod
    def whole(cls, rows: int, width: int, device: torch.device) -> Tokens:
        """Those of ``rows`` texts that are all ``width`` long."""
        return cls([width] * rows, None, torch.arange(rows + 1, dtype=torch.int32, device=device) * width)

    @classmethod
    def of_mask(cls, kept: torch.Tensor, device: torch.device) -> Tokens:
        """Those where ``kept`` ``[B, T]``, on the CPU, is true, for ``device``, which is not waited for."""
        lengths = kept.sum(1)
        offsets = pad(lengths.cumsum(0, dtype=torch.int32), (1, 0))
        tensors = (kept.flatten().nonzero().flatten(), offsets)
        if device.type == "cuda":
            tensors = (tensors[0].pin_memory(), tensors[1].pin_memory())
        return cls(lengths.tolist(), *(tensor.to(device, non_blocking=True) for tensor in tensors))

    def packed(self, states: torch.Tensor) -> torch.Tensor:
        """``[B, H, T, D]`` without padding: ``[N, H, D]``."""
        flat = states.transpose(1, 2).flatten(0, 1)
        return flat if self.places is None else flat.index_select(0, self.places)

    def padded(self, states: torch.Tensor, rows: int, width: int) -> torch.Tensor:
        """The tokens ``[N, H, D]`` where they were, ``[B, T, H, D]``, with 0 elsewhere."""
        if self.places is not None:
            states = states.new_zeros(rows * width, *states.shape[1:]).index_copy_(0, self.places, states)
        return states.view(rows, width, *states.shape[1:])


@dataclass(frozen=True)
class PaddingMask:
    """What layers get in place of a mask: the tokens that are attended to, and whether a text looks ahead."""

    tokens: Tokens
    causal: bool


def padding_mask(
    *, q_length: int, kv_length: int, attention_mask: torch.Tensor | None = None, **given: Any
) -> PaddingMask | torch.Tensor | None:
    """A mask function of ``transformers``: what is masked beyond padding, or not at all, is left to its ``sdpa``.

    ``attention_mask`` ``[B, T]`` is copied to the CPU once for all layers; the device is waited for as with ``sdpa``,
    which asks whether there is padding.
    """
    lengths = {"q_length": q_length, "kv_length": kv_length}
    if attention_mask is not None and attention_mask.shape[1] == kv_length and _is_plain(**lengths, **given):
        kept = attention_mask.cpu().bool()
        if kept.all():
            attention_mask = None
        elif kept.any(1).all():  # kernels know no texts without tokens
            tokens = Tokens.of_mask(kept, attention_mask.device)
            return PaddingMask(tokens, causal=not given.get("allow_is_bidirectional_skip", False))
    mask: torch.Tensor | None = sdpa_mask(**lengths, attention_mask=attention_mask, **given)
    return mask


def _is_plain(*, q_length: int, kv_length: int, **given: Any) -> bool:
    """Whether nothing but padding, and what lies ahead, is masked: no window, no cache, no pattern of the model's."""
    window = given.get("local_size")
    if (window is not None and kv_length >= window) or given.get("kv_offset", 0):
        return False
    if given.get("allow_is_bidirectional_skip", False):
        return True
    return bool(given.get("allow_is_causal_skip", True) and q_length == kv_length and given.get("q_offset", 0) == 0)


def unpadded_attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: PaddingMask | torch.Tensor | None,
    **given: Any,
) -> tuple[torch.Tensor, None]:
    """An attention function of ``transformers``: ``[B, H, T, D]`` to ``[B, T, H, D]``, 0 where queries are padding.

    Raises:
        RequestError: the model adds something to attention that flash attention does not have.
    """
    if not isinstance(attention_mask, PaddingMask):
        usual: tuple[torch.Tensor, None] = sdpa_attention_forward(module, query, key, value, attention_mask, **given)
        return usual
    if beyond := [name for name in BEYOND if given.get(name) is not None]:
        raise RequestError(f"unpadded=true: {type(module).__name__} adds {beyond[0]} to attention; leave it out.")
    rows, width = query.shape[0], query.shape[2]
    tokens, causal = attention_mask.tokens, attention_mask.causal
    same = causal or (width == key.shape[2] and not _may_be_cross(module))
    queries = tokens if same else Tokens.whole(rows, width, query.device)
    groups, scale = query.shape[1] // key.shape[1], given.get("scaling")
    query, key = query.to(value.dtype), key.to(value.dtype)  # positions may have made them float32
    packed = (queries.packed(query), *(_repeated(tokens.packed(states), groups) for states in (key, value)))
    values = {
        "dropout_p": given.get("dropout", 0.0),
        "is_causal": causal,
        "scale": query.shape[-1] ** -0.5 if scale is None else scale,
    }
    attend = in_one_kernel if _kernel_is_right(packed, values["dropout_p"], is_causal=causal) else text_by_text
    return queries.padded(attend(packed, (queries, tokens), **values), rows, width), None


def _may_be_cross(module: nn.Module) -> bool:
    """Whether the queries may be of other texts than the keys; ``transformers`` gives both the same kind of mask."""
    config = getattr(module, "config", None)
    sides = any(getattr(config, name, False) for name in ("is_encoder_decoder", "is_decoder", "add_cross_attention"))
    return sides and bool(getattr(module, "is_decoder", True))


def _repeated(states: torch.Tensor, groups: int) -> torch.Tensor:
    """Heads of keys or values ``[N, H, D]``, each as often as there are queries for it."""
    return states if groups == 1 else states.repeat_interleave(groups, dim=1)


Packed = tuple[torch.Tensor, ...]
"""Queries, keys and values ``[N, H, D]``."""


def _kernel_is_right(packed: Packed, dropout_p: float, *, is_causal: bool) -> bool:
    """Whether :func:`in_one_kernel` can be used.

    The memory-efficient kernel must not drop out here. Which elements it drops depends on the length of the longest
    text, and for texts one behind the other its forward pass takes that to be 0 and its backward pass does not, so they
    would drop different ones (``dropout_batch_head_rng_offset`` in torch's ``kernel_forward.h`` and
    ``kernel_backward.h``).
    """
    if not packed[0].is_cuda:
        return False
    return not dropout_p or _has_flash(*packed, dropout_p=dropout_p, is_causal=is_causal)


def in_one_kernel(
    packed: Packed, of: tuple[Tokens, Tokens], *, dropout_p: float, is_causal: bool, scale: float
) -> torch.Tensor:
    """Attention within each text on a CUDA device, all texts at once, ``[N, H, D]``, without waiting for the device.

    ``of`` says where queries are, and where keys and values; the rest is that of ``scaled_dot_product_attention``.
    These are its kernels. It reaches them with jagged tensors only, and making those takes longer than the kernels do;
    :func:`torch.nn.attention.varlen.varlen_attn` has no dropout.
    """
    query, key, value = map(_wide, packed)
    extents = (of[0].offsets, of[1].offsets, max(of[0].lengths), max(of[1].lengths))
    if _has_flash(query, key, value, dropout_p=dropout_p, is_causal=is_causal):
        found = torch.ops.aten._flash_attention_forward(
            query, key, value, *extents, dropout_p, is_causal, False, scale=scale
        )[0]
    else:
        train = torch.is_grad_enabled() and any(states.requires_grad for states in packed)
        batches = (states.unsqueeze(0) for states in (query, key, value))
        found = torch.ops.aten._efficient_attention_forward(
            *batches, None, *extents, dropout_p, int(is_causal), train, scale=scale
        )[0].squeeze(0)
    kept: torch.Tensor = found[..., : packed[2].shape[-1]]
    return kept


def _wide(states: torch.Tensor) -> torch.Tensor:
    """``[N, H, D]`` with zeros up to a width that kernels take; they change no product."""
    lacking = -states.shape[-1] % BLOCK
    return pad(states, (0, lacking)) if lacking else states


def _has_flash(*packed: torch.Tensor, dropout_p: float, is_causal: bool) -> bool:
    """Whether the device has flash attention for these; the memory-efficient kernel takes anything."""
    query, key, value = (_wide(states).transpose(0, 1).unsqueeze(0) for states in packed)
    parameters = cuda.SDPAParams(query, key, value, None, dropout_p, is_causal, False)
    return bool(cuda.can_use_flash_attention(parameters))


def text_by_text(packed: Packed, of: tuple[Tokens, Tokens], **values: Any) -> torch.Tensor:
    """The same as :func:`in_one_kernel`, where that cannot be used."""
    parts = [
        torch.split(states.transpose(0, 1), list(tokens.lengths), dim=1)
        for states, tokens in zip(packed, (of[0], of[1], of[1]), strict=True)
    ]
    found = [
        scaled_dot_product_attention(*(states.unsqueeze(0) for states in text), **values)
        for text in zip(*parts, strict=True)
    ]
    return torch.cat(found, dim=2).squeeze(0).transpose(0, 1)


@contextmanager
def without_padding(model: nn.Module, *, wanted: bool = True) -> Iterator[None]:
    """Within the context, ``model`` attends without padding, if that is ``wanted``; afterwards it is as it was.

    Raises:
        RequestError: as :func:`check_unpadded`.
    """
    if not wanted:
        yield
        return
    check_unpadded(model)
    AttentionInterface.register(NAME, unpadded_attention)
    AttentionMaskInterface.register(NAME, padding_mask)
    before = [(config, config._attn_implementation) for config in _configurations(model)]
    for config, _ in before:
        config._attn_implementation = NAME
    try:
        yield
    finally:
        for config, name in before:
            config._attn_implementation = name  # the outer ones first, as they set those within


def check_unpadded(model: nn.Module) -> None:
    """Refuse a model whose attention cannot do without padding.

    Raises:
        RequestError: its attention is of its own making, or adds something to the scores, such as T5's distances; or
            ``transformers`` is too old.
    """
    if "q_length" not in inspect.signature(sdpa_mask).parameters:
        raise RequestError("unpadded=true needs a newer transformers; install it with: pip install -U transformers")
    parts = _parts(model)
    attending = [part for part in parts if not any(isinstance(other, PreTrainedModel) for other in _within(part))]
    for part in attending:
        able = part._supports_flash_attn and part._supports_sdpa and part._can_set_attn_implementation()
        if not able:
            raise RequestError(
                f"unpadded=true needs a model whose attention may be replaced by flash attention, and that of "
                f"{type(part).__name__} may not; leave it out."
            )
    if not parts:
        raise RequestError("unpadded=true is for models of transformers, and this is another one; leave it out.")


def _parts(model: nn.Module) -> list[PreTrainedModel]:
    """The models of ``transformers`` in ``model``, the outer ones first."""
    return [part for part in model.modules() if isinstance(part, PreTrainedModel)]


def _configurations(model: nn.Module) -> list[PreTrainedConfig]:
    """All that a module of ``model`` reads; layers may have another object than the model around them."""
    found = (getattr(module, "config", None) for module in model.modules())
    return list({id(config): config for config in found if isinstance(config, PreTrainedConfig)}.values())


def _within(part: nn.Module) -> Iterator[nn.Module]:
    return (module for module in part.modules() if module is not part)
