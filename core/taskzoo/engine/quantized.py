"""QLoRA (Dettmers et al. 2023): adapters over a backbone stored in 4 bits, through ``bitsandbytes``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from taskzoo.errors import RequestError


def quantize(model: PreTrainedModel, names: Sequence[str], kind: str, dtype: torch.dtype) -> None:
    """Store the weights of the linear layers ``names`` in 4 bits, in place; they are packed on their way to the device.

    Args:
        model: in full precision.
        names: of modules, of which those that are ``nn.Linear`` are taken.
        kind: ``nf4`` or ``fp4``; their scales are quantized once more (double quantization).
        dtype: in which products are computed.

    Raises:
        RequestError: none of the layers is a plain linear one.
    """
    from bitsandbytes import nn as four_bits

    found = 0
    for name in names:
        layer = model.get_submodule(name)
        if type(layer) is not nn.Linear:
            continue
        settings = {"compute_dtype": dtype, "compress_statistics": True, "quant_type": kind}
        packed = four_bits.Linear4bit(layer.in_features, layer.out_features, layer.bias is not None, **settings)
        packed.weight = four_bits.Params4bit(
            layer.weight.data, requires_grad=False, compress_statistics=True, quant_type=kind
        )
        packed.bias = layer.bias
        model.set_submodule(name, packed)
        found += 1
    if not found:
        raise RequestError(f"lora_quantize={kind} packs linear layers, and this model has none of torch's kind.")
    model.is_loaded_in_4bit = True  # by which peft knows


@torch.no_grad()
def merge_quantized(wrapped: Any) -> PreTrainedModel:
    """The plain model in float32: 4-bit weights as they were computed with, and the adapters added.

    So it is the function that was trained; the original weights with the same adapters are a slightly different one.
    """
    from bitsandbytes.functional import dequantize_4bit
    from peft.tuners.lora.bnb import Linear4bit

    model: PreTrainedModel = wrapped.get_base_model()
    for name, layer in list(model.named_modules()):
        if not isinstance(layer, Linear4bit):
            continue
        base = layer.base_layer
        weight = dequantize_4bit(base.weight.data, base.weight.quant_state).float()
        weight += layer.get_delta_weight(layer.active_adapters[0]).float()
        plain = nn.Linear(base.in_features, base.out_features, base.bias is not None, device=weight.device)
        plain.weight.copy_(weight)
        if base.bias is not None:
            plain.bias.copy_(base.bias)
        model.set_submodule(name, plain)
    model.is_loaded_in_4bit = False
    merged: PreTrainedModel = wrapped.merge_and_unload()
    return merged
