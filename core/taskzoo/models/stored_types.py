"""How the numbers of a checkpoint are stored, where they are not what they would be loaded as."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn

from .digests import weight_files

_WHOLE = {"I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64"}
_KINDS = dict.fromkeys(_WHOLE, "whole numbers") | {"BOOL": "truth values"}


def quantized_weights(folder: Path, model: nn.Module) -> list[tuple[str, str]]:
    """Name and kind of number of the tensors in ``folder`` that are floats in ``model`` and none, or 8-bit, there.

    Names are compared by their last two parts, whatever prefix a file has.
    """
    floats = {_tail(name) for name, values in model.named_parameters() if values.is_floating_point()}
    return [
        (name, kind)
        for file in weight_files(folder)
        for name, stored in _stored(file)
        if (kind := _kind(stored)) and _tail(name) in floats
    ]


def _tail(name: str) -> tuple[str, ...]:
    return tuple(name.split(".")[-2:])


def _kind(stored: str) -> str:
    """What one would call the type; empty for floats of 16 bits and more."""
    return "8-bit floats" if stored.startswith(("F8", "FLOAT8")) else _KINDS.get(stored, "")


def _stored(file: Path) -> Iterator[tuple[str, str]]:
    """Name and type of each tensor, the latter as safetensors writes it."""
    if file.suffix == ".safetensors":
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - it is no mapping
                yield name, tensors.get_slice(name).get_dtype()
        return
    try:
        found = torch.load(file, map_location="meta", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError):  # it was loaded before, in a way of transformers' own
        return
    for name, values in found.items():
        if isinstance(values, torch.Tensor):
            yield name, _TORCH.get(values.dtype, str(values.dtype).removeprefix("torch.").upper())


_TORCH = {torch.int8: "I8", torch.uint8: "U8", torch.int16: "I16", torch.int32: "I32", torch.int64: "I64"}
