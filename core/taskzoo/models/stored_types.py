"""How the numbers of a checkpoint are stored, from the headers of its safetensors files."""

from __future__ import annotations

from pathlib import Path

from safetensors import safe_open

from .digests import weight_files

_INTEGERS = {"I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "BOOL"}


def integer_weights(folder: Path) -> list[str]:
    """Names of the matrices called ``weight`` that are stored as integers, as quantized weights are."""
    found = []
    for file in weight_files(folder):
        if file.suffix != ".safetensors":
            continue
        with safe_open(file, framework="pt") as tensors:
            names = tensors.keys()
            slices = {name: tensors.get_slice(name) for name in names if name.endswith(".weight")}
            found += [name for name, one in slices.items() if one.get_dtype() in _INTEGERS and len(one.get_shape()) > 1]
    return found
