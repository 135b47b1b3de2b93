"""What file and folder names say: extensions, split words, and which files hold no data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

SPLIT_WORDS: Mapping[str, str] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "development": "validation",
    "test": "test",
    "testing": "test",
}
NOT_DATA = frozenset(
    (
        *(".py", ".sh", ".md", ".rst", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".log", ".ipynb", ".html", ".pdf"),
        *(".zip", ".tar", ".tgz", ".7z", ".bin", ".pt", ".npy", ".npz", ".pkl", ".safetensors", ".bak", ".lock"),
    )
)


def plain_name(path: Path) -> str:
    """The file's name without ``.gz``."""
    return path.name[:-3] if path.name.lower().endswith(".gz") else path.name


def extension(path: Path) -> str:
    """The lower-case extension, that of the content for a ``.gz``."""
    return os.path.splitext(plain_name(path))[1].lower()
