"""The train, validation and test files of a folder."""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import DataError
from .detect import EXTENSIONS

_WORDS = {
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
_DATA = {*EXTENSIONS, ".tsv", ".txt"}
_NOT_DATA = {".py", ".sh", ".md", ".rst", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".log", ".ipynb", ".html", ".pdf"}
_NOT_DATA |= {".zip", ".tar", ".tgz", ".7z", ".bin", ".pt", ".npy", ".npz", ".pkl", ".safetensors", ".bak", ".lock"}


def find_splits(directory: str | Path) -> dict[str, Path]:
    """``train``, ``validation`` and ``test`` -> file, for those that the folder has.

    A file belongs to the split that its name has as a whole word (``train.csv``, ``emerging.dev.conll``,
    ``wnut17train.conll``), or at the end after the same letters as a training file (``wnuttrain``, ``wnuttest``;
    so ``latest.csv`` is no test file). Of several files for one split, one named by the word alone wins, then one with
    a known extension. A name with two splits in it belongs to none.

    Raises:
        DataError: no folder, no split file in it, or two files for one split.
    """
    directory = Path(directory)
    if not directory.is_dir():
        what = "this is no folder" if directory.exists() else "there is no such folder"
        raise DataError(f"{what}; one with train, validation and test files is needed.", file=str(directory))
    files = sorted(p for p in directory.iterdir() if p.is_file() and not p.name.startswith("."))
    files = [path for path in files if _extension(path) not in _NOT_DATA]
    stems = [_plain(path).split(".")[0].lower() for path in files]
    prefixes = {stem.removesuffix("train") for stem in stems if stem.endswith("train")}
    found: dict[str, list[Path]] = {"train": [], "validation": [], "test": []}
    for path, stem in zip(files, stems, strict=True):
        splits = _splits_in(_plain(path), stem, prefixes)
        if len(splits) == 1:
            found[splits.pop()].append(path)
    result = {split: _only(split, paths, directory) for split, paths in found.items() if paths}
    if not result:
        raise DataError(
            "no file here is named train, validation (dev, valid, val) or test; name the files with "
            "--train, --validation and --test.",
            file=str(directory),
        )
    return result


def _splits_in(name: str, stem: str, prefixes: set[str]) -> set[str]:
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    splits = {_WORDS[part.lower()] for part in parts if part.lower() in _WORDS}
    if splits:
        return splits
    return {split for word, split in _WORDS.items() if stem.endswith(word) and stem.removesuffix(word) in prefixes}


def _only(split: str, paths: list[Path], directory: Path) -> Path:
    exact = [path for path in paths if _plain(path).split(".")[0].lower() in _WORDS and _plain(path).count(".") <= 1]
    known = [path for path in paths if _extension(path) in _DATA]
    for candidates in (paths, exact, known):
        if len(candidates) == 1:
            return candidates[0]
    raise DataError(
        f"{', '.join(path.name for path in paths)} could each be the {split} file; say which with --{split}.",
        file=str(directory),
    )


def _plain(path: Path) -> str:
    """The file's name without ``.gz``."""
    return path.name[:-3] if path.name.lower().endswith(".gz") else path.name


def _extension(path: Path) -> str:
    return Path(_plain(path)).suffix.lower()
