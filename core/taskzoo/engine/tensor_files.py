"""Tensors in safetensors files that know whether they are whole."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

CHECKSUM = "crc32"
"""Under this name the file's own metadata hold the CRC-32 of names, types, shapes and values."""


class DamagedError(Exception):
    """A file is missing, cut off, or not what was written; the message says which and what is wrong."""


def save_tensors(tensors: Mapping[str, torch.Tensor], file: Path) -> None:
    """Write tensors, which must be contiguous and on the CPU, with their checksum."""
    save_file(dict(tensors), file, metadata={CHECKSUM: str(_checksum(tensors))})


def load_tensors(file: Path) -> dict[str, torch.Tensor]:
    """What :func:`save_tensors` wrote.

    Raises:
        DamagedError: it is not that.
    """
    name = f"{file.parent.name}/{file.name}"
    try:
        with safe_open(file, "pt") as opened:
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 - it has no __iter__
            expected = (opened.metadata() or {}).get(CHECKSUM)
    except FileNotFoundError:
        raise DamagedError(f"{name} is missing") from None
    except (SafetensorError, OSError, ValueError) as error:
        raise DamagedError(f"{name} cannot be read: {error}") from error
    if expected != str(_checksum(tensors)):
        raise DamagedError(f"{name} does not hold what was written")
    return tensors


def _checksum(tensors: Mapping[str, torch.Tensor]) -> int:
    found = 0
    for name in sorted(tensors):
        tensor = tensors[name]
        found = zlib.crc32(f"{name} {tensor.dtype} {list(tensor.shape)}".encode(), found)
        found = zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data, found)
    return found
