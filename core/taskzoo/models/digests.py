"""SHA-256 of the files that determine a model."""

from __future__ import annotations

import hashlib
from pathlib import Path

SAMPLES, SAMPLE = 64, 2**16
"""How many blocks of a file :func:`sample_digest` reads, and their size in bytes."""

_WEIGHTS = ("*.safetensors", "*.bin")
"""Names of files with weights, those that ``from_pretrained`` prefers first."""


_SETTINGS = (".json", ".txt", ".model", ".spm")
"""Endings of the other files that a model and its tokenizer are made of."""


def settings_files(folder: Path) -> list[Path]:
    """The files in ``folder`` with the model's configuration, the tokenizer and its vocabulary."""
    return sorted(file for file in folder.iterdir() if file.suffix in _SETTINGS and file.is_file())


def weight_files(folder: Path) -> list[Path]:
    """The files in ``folder`` that ``from_pretrained`` takes the weights from."""
    return next((files for pattern in _WEIGHTS if (files := sorted(folder.glob(pattern)))), [])


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
