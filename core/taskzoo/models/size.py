"""How many parameters a checkpoint holds, without loading it."""

from __future__ import annotations

import math
from pathlib import Path

from safetensors import SafetensorError, safe_open

from .digests import weight_files

BYTES = 4
"""What a parameter takes in a file that ``torch.save`` wrote; these are nearly all in float32."""


def count_parameters(folder: Path) -> int | None:
    """The parameters in the files with weights in ``folder``, ``None`` if there are none or they cannot be read.

    Exact for safetensors, by the size of the file else.
    """
    files = weight_files(folder)
    try:
        return sum(map(_parameters, files)) or None
    except (OSError, SafetensorError):
        return None


def _parameters(file: Path) -> int:
    if file.suffix != ".safetensors":
        return file.stat().st_size // BYTES
    with safe_open(file, framework="numpy") as tensors:
        names = tensors.keys()
        return sum(math.prod(tensors.get_slice(name).get_shape()) for name in names)
