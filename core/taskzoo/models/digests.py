"""SHA-256 of the files that determine a model."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from .directories import WEIGHTS

SAMPLES, SAMPLE = 64, 2**16
"""How many blocks of a file :func:`sample_digest` reads, and their size in bytes."""

_OTHERS = ("*.safetensors", "*.bin")
"""Names of files with weights in a folder without those that ``from_pretrained`` looks for."""

_SETTINGS = (".json", ".txt", ".model", ".spm")
"""Endings of the other files that a model and its tokenizer are made of."""


def settings_files(folder: Path) -> list[Path]:
    """The files in ``folder`` with the model's configuration, the tokenizer and its vocabulary."""
    return sorted(file for file in folder.iterdir() if file.suffix in _SETTINGS and file.is_file())


def weight_files(folder: Path) -> list[Path]:
    """The files in ``folder`` that ``from_pretrained`` takes the weights from, whatever others lie beside them."""
    first = next((file for name in WEIGHTS if (file := folder / name).is_file()), None)
    if first is None:
        return next((files for pattern in _OTHERS if (files := sorted(folder.glob(pattern)))), [])
    return _shards(first) if first.suffix == ".json" else [first]


def _shards(index: Path) -> list[Path]:
    """The files that the index names, as far as they are there; whether it is whole is checked where it is loaded."""
    try:
        names = {str(name) for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return []
    return sorted(file for name in names if (file := index.parent / name).is_file())


def file_digest(file: Path) -> str:
    """SHA-256 of all of a file, about a second for a gigabyte."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def sample_digest(file: Path) -> str:
    """SHA-256 of the size of a file and of blocks at even distances, in milliseconds whatever the size.

    Weights that were trained on have changed everywhere, so it tells models apart; a few bits that flipped in a large
    file may be missed. Of a file up to ``SAMPLES * SAMPLE`` bytes, everything is read.
    """
    size = file.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with file.open("rb") as content:
        for start in range(0, size, max(SAMPLE, -(-size // SAMPLES))):
            content.seek(start)
            digest.update(content.read(SAMPLE))
    return digest.hexdigest()
