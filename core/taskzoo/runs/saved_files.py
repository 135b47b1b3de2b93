"""A run is used with the weights and the tokenizer that it saved, and with no others."""

from __future__ import annotations

from pathlib import Path

from taskzoo.errors import RequestError
from taskzoo.models.digests import file_digest, sample_digest, weight_files
from taskzoo.models.directories import vocabulary_files

from .directory import RunDirectory

_DIGESTS = {"sha256": file_digest, "sample": sample_digest}


def describe_files(folder: Path) -> dict[str, dict[str, str]]:
    """What a run records of the model that it saved in ``folder``: file -> digests of all of it, and of a sample."""
    return {file.name: {kind: digest(file) for kind, digest in _DIGESTS.items()} for file in _files(folder)}


def check_files(folder: Path, *, fully: bool = False) -> None:
    """Refuse weights and a tokenizer in ``folder`` that are not those that the run around it saved.

    A model outside a run's directory, and a run that recorded no digests, are not compared.

    Args:
        folder: the ``model`` folder of a run; or a run as it lies on the hub, where both are one folder.
        fully: whether every byte is compared (about a second for half a gigabyte), rather than a sample.

    Raises:
        RequestError: they are not.
    """
    folder = folder.absolute()
    run = RunDirectory(folder if RunDirectory(folder).manifest.is_file() else folder.parent)
    if folder not in (run.model, run.path) or not run.manifest.is_file():
        return
    saved = run.read_manifest().get("model_files")
    if not saved:
        return
    kind = "sha256" if fully else "sample"
    found = {file.name: _DIGESTS[kind](file) for file in _files(folder)}
    changed = [name for name in sorted({*saved, *found}) if found.get(name) != saved.get(name, {}).get(kind)]
    if changed:
        what = "weights are not those" if changed[0].endswith((".safetensors", ".bin")) else "tokenizer is not the one"
        raise RequestError(
            f"The {what} that the run saved: {changed[0]!r} in {str(folder)!r} was changed, removed or added since; "
            "copy the run again, or copy that folder elsewhere to use it all the same."
        )


def _files(folder: Path) -> list[Path]:
    return [*weight_files(folder), *vocabulary_files(folder)]
