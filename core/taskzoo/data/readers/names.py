"""What file and folder names say: extensions, split words, and which files hold no data."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

SPLIT_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "devel", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),  # as the library datasets understands them
}
NOT_DATA = {
    *(".py", ".sh", ".md", ".rst", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".log", ".ipynb", ".html", ".pdf"),
    *(".zip", ".tar", ".tgz", ".7z", ".bin", ".pt", ".npy", ".npz", ".pkl", ".safetensors", ".bak", ".lock"),
}


def plain_name(path: Path) -> str:
    """The file's name without ``.gz``."""
    return path.name[:-3] if path.name.lower().endswith(".gz") else path.name


def extension(path: Path) -> str:
    """The lower-case extension, that of the content for a ``.gz``."""
    return os.path.splitext(plain_name(path))[1].lower()


def splits_in(name: str) -> set[str]:
    """The splits that a name has as whole words: ``{"validation"}`` for ``emerging.dev.conll``."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return {SPLIT_WORDS[part.lower()] for part in parts if part.lower() in SPLIT_WORDS}
