"""What a model and the files to predict for are, so that a job only goes on with the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from taskzoo.data.readers import content_sha256
from taskzoo.models.digests import sample_digest
from taskzoo.runs.data import paired_languages, task_languages
from taskzoo.runs.directory import TASK_FILE

from .predicting import Model


def model_fingerprint(path: Path) -> str:
    """Of the files of a model, or of the model of a run: large ones are sampled."""
    folder = path / "model" if (path / "model" / TASK_FILE).is_file() else path
    files = sorted(file for file in folder.iterdir() if file.is_file()) if folder.is_dir() else [folder]
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.name} {sample_digest(file)}\n".encode())
    return digest.hexdigest()


def input_fingerprint(model: Model, paths: Sequence[Path]) -> str:
    """Of the bytes of all files, in order, whatever their names (a second for a gigabyte)."""
    paired = paired_languages(model.spec, task_languages(model.spec, model.task))
    hashes = [content_sha256(path, paired, model.spec.columns) for path in paths]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()
