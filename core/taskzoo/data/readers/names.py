"""What file and folder names say: extensions, split words, and which files hold no data."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

EVALUATION = ("eval", "evaluation")
"""Test, as the library datasets understands them; but validation where another file is named test."""
SPLIT_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("train", "training", "trn", "训练"), "train"),
    **dict.fromkeys(
        ("validation", "valid", "val", "dev", "devel", "development", "testa", "验证", "开发"), "validation"
    ),
    **dict.fromkeys(("test", "testing", "tst", "devtest", "testb", "测试", *EVALUATION), "test"),
}
_OF_WORDS = ("set", "data", "集")  # trainset, testdata, 训练集
NOT_DATA = {
    *(".py", ".sh", ".md", ".rst", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".log", ".ipynb", ".html", ".pdf"),
    *(".zip", ".tar", ".tgz", ".7z", ".bin", ".pt", ".npy", ".npz", ".pkl", ".safetensors", ".bak", ".lock"),
}

PACKED = (".gz", ".bz2", ".xz", ".zip")
"""Endings of packed files (:data:`.files.PACKINGS`)."""
ABOUT = re.compile(
    r"((readme|licen[cs]e|copying|copyright|notice|sources?|citation|changelog|authors|requirements"
    r"|(label|class|category)[\W_]*(names?|list|map)?|labels|classes|categories|vocab|vocabulary)[\W_\d]*)+",
    re.IGNORECASE,
)
"""Names of files about the data."""


def listed(names: Sequence[str], limit: int = 5) -> str:
    """A few names for a message."""
    if not names:
        return "no files"
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + rest


def entry_name(path: Path, folder: Path) -> str:
    """The name of a file or folder inside of ``folder``; of a folder with a slash at its end."""
    return path.relative_to(folder).as_posix() + "/" * path.is_dir()


def not_used(folder: Path, names: Sequence[str]) -> str:
    """That files or folders of ``folder`` are not used, as a note on what was left out."""
    return f"files or folders in {folder.name} not used ({listed(names, limit=20)})"


def plain_name(path: Path) -> str:
    """The file's name without the ending of a packed file."""
    stem, ending = os.path.splitext(path.name)
    return stem if ending.lower() in PACKED else path.name


def extension(path: Path) -> str:
    """The lower-case extension, that of the content for a packed file."""
    return os.path.splitext(plain_name(path))[1].lower()


def split_word(word: str) -> str | None:
    """The split that a word names: ``"validation"`` for ``dev`` and ``devset``."""
    word = word.lower()
    stems = (word, *(word.removesuffix(ending) for ending in _OF_WORDS))
    return next((SPLIT_WORDS[stem] for stem in stems if stem in SPLIT_WORDS), None)


def splits_in(name: str) -> set[str]:
    """The splits that a name has as whole words: ``{"validation"}`` for ``emerging.dev.conll``."""
    return {split for word in _words(name) if (split := split_word(word))}


def by_split(names: Mapping[str, str]) -> dict[str, list[str]]:
    """Split -> the names for it, for names that say one each; of a test and an evaluation split, that is validation.

    Args:
        names: each name, and the split that it says.
    """
    found: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for name, split in names.items():
        found[split].append(name)
    evaluation = [name for name in found["test"] if {*map(str.lower, _words(name))} & {*EVALUATION}]
    if evaluation and len(evaluation) < len(found["test"]) and not found["validation"]:
        found |= {"validation": evaluation, "test": [name for name in found["test"] if name not in evaluation]}
    return found


def _words(name: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[\u4e00-\u9fff]+", name)
