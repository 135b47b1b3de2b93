"""The train, validation and test files or folders of a folder."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from glob import escape
from pathlib import Path

from taskzoo.errors import DataError
from taskzoo.option_names import option_name

from .detect import SUFFIXES, reader_with_files
from .names import NOT_DATA, SPLIT_WORDS, by_split, entry_name, extension, listed, plain_name, split_word, splits_in
from .parallel import find_parallel, split_name
from .text_classes import layouts, reads_classes

_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})(.*)")
_DATA = {*SUFFIXES, ".tsv", ".txt"}

_Found = dict[str, list[Path]]  # split -> candidates


def find_splits(
    directory: str | Path, roles: Collection[str] = (), languages: Mapping[str, str] | None = None
) -> dict[str, Path]:
    """``train``, ``validation`` and ``test`` -> file or folder, for those that the folder has.

    A file belongs to the split that its name has as a whole word (``train.csv``, ``emerging.dev.conll``,
    ``wnut17train.conll``), or at the end after the same letters as a training file (``wnuttrain``, ``wnuttest``;
    so ``latest.csv`` is not a test file). Of several files for one split, one named by the word alone wins, then one
    with a known extension. A name with two splits in it belongs to none. The parts of one file
    (``train-00000-of-00002.parquet``) are a pattern for all of them.

    For a task that reads classes from names (:func:`~.text_classes.reads_classes`), folders of these names count where
    no file is for training (``train/pos/*.txt``, ``train/pos.txt``); a folder with neither that holds classes itself
    is all for training.

    For a task that reads parallel files, two or more that differ in their language only (``train.en``, ``train.zh``)
    are one; the file of the source stands for them.

    Args:
        directory: the folder.
        roles: the roles of the task.
        languages: role -> code of its language, ``""`` where it is not known, for a task that reads parallel files.

    Raises:
        DataError: no folder, nothing in it that could be used, or two files or folders for one split.
    """
    directory = Path(directory)
    if not directory.is_dir():
        what = "this is not a folder" if directory.exists() else "there is no such folder"
        raise DataError(f"{what}; one with train, validation and test files is needed.", file=str(directory))
    if reader_with_files(directory, roles):
        return {"train": directory}
    found, classes = _files(directory, bool(languages)), reads_classes(roles)
    if classes and not found["train"]:
        folders = _folders(directory)
        if folders["train"] or not any(found.values()):
            found = folders
        if not any(found.values()) and layouts(directory):
            return {"train": directory}
    result = {split: _only(split, paths, directory, classes) for split, paths in found.items() if paths}
    if languages:
        result = {split: _source_side(path, languages) for split, path in result.items()}
    if not result:
        result = {
            split: path
            for path in sorted(directory.iterdir())
            if (split := split_word(path.name)) and path.is_dir() and reader_with_files(path, roles)
        }
    if not result:
        options = ", ".join(map(option_name, ("train", "validation", "test")))
        also = " and there are no text files or folders of two or more classes" if classes else ""
        message = f"no file here is named train, validation (dev, valid, val) or test{also}"
        raise DataError(f"{message}; name the files with {options}.", file=str(directory))
    return result


def _files(directory: Path, parallel: bool) -> _Found:
    files = sorted(p for p in directory.iterdir() if p.is_file() and not p.name.startswith("."))
    files = [path for path in files if extension(path) not in NOT_DATA]
    if parallel:
        files = _one_of_each(files)
    stems = [plain_name(path).split(".")[0].lower() for path in files]
    prefixes = {stem.removesuffix("train") for stem in stems if stem.endswith("train")}
    named: dict[str, str] = {}
    for path, stem in zip(files, stems, strict=True):
        ends = {word: stem.removesuffix(word) for word in SPLIT_WORDS if stem.endswith(word)}
        splits = splits_in(plain_name(path)) or {SPLIT_WORDS[w] for w, start in ends.items() if start in prefixes}
        if len(splits) == 1:
            named[path.name] = splits.pop()
    found = {split: [directory / name for name in names] for split, names in by_split(named).items()}
    return {split: _shards(paths) or paths for split, paths in found.items()}


def _shards(paths: Sequence[Path]) -> list[Path]:
    """One pattern for the parts of one file (``train-00000-of-00002.parquet``), if these are all of them."""
    parts = [_SHARD.fullmatch(path.name) for path in paths]
    wholes = {(part[1], part[3], part[4]) for part in parts if part}
    if len(paths) == 1 == len(wholes) and next(iter(wholes))[1] == "00001":
        return list(paths)
    if not all(parts) or len(wholes) != 1:
        return []
    ((start, count, end),) = wholes
    if len(parts) != int(count):
        message = f"{listed([path.name for path in paths])}: {len(parts)} of {int(count)} parts are here"
        raise DataError(f"{message}; copy the others.", file=str(paths[0].parent))
    return [paths[0].with_name(f"{escape(start)}-{'[0-9]' * len(count)}-of-{count}{escape(end)}")]


def unused_entries(directory: Path, used: Collection[Path]) -> list[str]:
    """The visible files and folders of a folder that no split is read from; a folder that is a split says it itself."""
    if directory in used:
        return []
    shown = sorted(path for path in directory.iterdir() if not path.name.startswith((".", "__")))
    return [entry_name(path, directory) for path in shown if path not in used]


def _one_of_each(files: Sequence[Path]) -> list[Path]:
    """The files without those that differ from an earlier one in their language only."""
    kept: dict[str, Path] = {}
    for path in files:
        named = split_name(path)
        kept.setdefault(path.name if named is None else named[0] + "\0", path)
    return list(kept.values())


def _source_side(path: Path, languages: Mapping[str, str]) -> Path:
    """The source of the parallel files that ``path`` is one of; other paths as they are."""
    named = split_name(path) if path.is_file() else None
    pair = find_parallel(path.with_name(named[0]), languages) if named else None
    return next(iter(pair.paths.values())) if pair else path


def _folders(directory: Path) -> _Found:
    """The folders named like a split that hold text files or folders of classes."""
    found: _Found = {"train": [], "validation": [], "test": []}
    for path in sorted(directory.iterdir()):
        if (split := split_word(path.name)) and path.is_dir() and layouts(path):
            found[split].append(path)
    others = [name for name in layouts(directory).get("folders", {}) if not split_word(name)]
    if any(found.values()) and len(others) > 1:
        message = f"the folders {', '.join(others[:4])} look like classes, and others like train, validation or test"
        raise DataError(f"{message}; keep only one kind here.", file=str(directory))
    return found


def _only(split: str, paths: list[Path], directory: Path, classes: bool) -> Path:
    exact = [path for path in paths if split_word(Path(plain_name(path)).stem)]
    known = [path for path in paths if extension(path) in _DATA]
    for candidates in (paths, exact, known):
        if len(candidates) == 1:
            return candidates[0]
    hint = f", or put files of one class each into a folder named {split}" if classes and paths[0].is_file() else ""
    message = f"{', '.join(path.name for path in paths)} could each be the {split} file"
    raise DataError(f"{message}; say which with --{split}{hint}.", file=str(directory))
