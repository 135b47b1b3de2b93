"""SHA-256 of the files with a model's weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

_WEIGHTS = ("*.safetensors", "*.bin")
"""Names of files with weights, those that ``from_pretrained`` prefers first."""


def weight_digests(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of each file with the weights that ``from_pretrained`` takes from ``folder``.

    Files are streamed, and other Python threads go on meanwhile.
    """
    found = next((files for pattern in _WEIGHTS if (files := sorted(folder.glob(pattern)))), [])
    digests = {}
    for path in found:
        with path.open("rb") as file:
            digests[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests
