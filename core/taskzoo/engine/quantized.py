"""QLoRA (Dettmers et al. 2023): adapters over a backbone stored in 4 bits, through ``bitsandbytes``."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from taskzoo.blame import PASSED_ON, describe
from taskzoo.errors import RequestError

TYPED = ("wo",)
"""Layers by whose type the models of T5's kind convert their inputs: to whole bytes, if they are packed."""


@contextmanager
def without_advice() -> Iterator[None]:
    """Within the context, ``bitsandbytes``, which ``peft`` imports, recommends no package for inference in 4 bits."""

    def passes(record: logging.LogRecord) -> bool:
        return "kernels-community" not in str(record.msg)

    logger = logging.getLogger("bitsandbytes.backends.cpu.ops")
    logger.addFilter(passes)
    try:
        yield
    finally:
        logger.removeFilter(passes)


def quantize(model: PreTrainedModel, names: Sequence[str], kind: str, dtype: torch.dtype, device: torch.device) -> None:
    """Store the weights of the linear layers ``names`` in 4 bits on ``device``, in place.

    Args:
        model: in full precision.
        names: of modules, of which those that are ``nn.Linear`` are taken, without those that ``transformers`` keeps in
            full precision, and without :data:`TYPED`.
        kind: ``nf4`` or ``fp4``; their scales are quantized once more (double quantization).
        dtype: in which products are computed.
        device: of the training; ``bitsandbytes`` has kernels for CUDA, CPUs and others.

    Raises:
        RequestError: none of the layers is a plain linear one, or ``bitsandbytes`` fails on this device.
    """
    kept = {*TYPED, *(model._keep_in_fp32_modules or ())}
    taken = [name for name in names if not kept & set(name.split("."))]
    layers = {name: layer for name in taken if type(layer := model.get_submodule(name)) is nn.Linear}
    if not layers:
        raise RequestError(f"lora_quantize={kind} packs linear layers, and this model has none of torch's kind.")
    try:
        for name, layer in layers.items():
            packed = _packed(layer, kind, dtype, device)
            model.set_submodule(name, packed)
        inputs = torch.zeros(2, packed.in_features, dtype=dtype, device=device, requires_grad=True)
        torch.autograd.grad(packed.to(device)(inputs).sum(), inputs)
    except Exception as error:  # whatever a backend raises for what it lacks
        if type(error).__name__ in PASSED_ON:
            raise
        raise RequestError(
            f"lora_quantize={kind}: the installed bitsandbytes fails on this device ({device.type}): "
            f"{describe(error)}. Install the current version (pip install --upgrade 'taskzoo[qlora]'), or leave "
            "lora_quantize out."
        ) from error
    model.is_loaded_in_4bit = True  # by which peft knows


def _packed(layer: nn.Linear, kind: str, dtype: torch.dtype, device: torch.device) -> nn.Linear:
    from bitsandbytes.nn import Params4bit

    settings = {"compute_dtype": dtype, "compress_statistics": True, "quant_type": kind, "device": "meta"}
    packed = _linear_class()(layer.in_features, layer.out_features, layer.bias is not None, **settings)
    weight = Params4bit(layer.weight.data, requires_grad=False, compress_statistics=True, quant_type=kind)
    packed.weight = weight.to(device)
    packed.bias = layer.bias
    return packed


@cache
def _linear_class() -> type[nn.Linear]:
    from bitsandbytes.nn import Linear4bit

    class PackedLinear(Linear4bit):
        """Always in training mode, which changes nothing else in it.

        In evaluation mode on a CPU with AVX512-BF16, ``bitsandbytes`` (0.49 and later) lays the weights out anew for
        inference: rounds their scales, computes in bfloat16, gives no gradients from then on, and
        ``dequantize_4bit`` reads other weights from them.
        """

        def train(self, mode: bool = True) -> PackedLinear:
            super().train(True)
            return self

    return PackedLinear


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
