"""One text file, or one folder of text files, per class: the label is in the name.

* **Folders** (``pos/0_9.txt``, ``neg/1_2.txt``): every folder that holds ``.txt`` files is a class, every file a text.
* **Endings** (``rt-polarity.pos``, ``rt-polarity.neg``): files of one stem; the ending is the class, a line a text.
* **Names** (``positive.txt``, ``negative.txt``): the stem is the class, a line a text.

Each file may be gzipped. Endings of other data or of programs are no classes, nor are files such as README, LICENSE,
SOURCE or labels, and hidden ones. A folder where two of these would do is refused.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

from ...errors import DataError
from ...task import Row
from .detect import EXTENSIONS
from .files import listed, read_text, split_lines
from .names import NOT_DATA, SPLIT_WORDS, extension, plain_name

Classes = dict[str, list[Path]]
"""Class -> its files, both sorted."""

_MOST_CLASSES = 1000
_TEXT = {".txt", ".text"}
_NO_CLASS = {*EXTENSIONS, *NOT_DATA, *_TEXT, ".tsv", ".orig", ".rej", ".swp", ".tmp", ".old"}
_ABOUT = re.compile(  # files about the data
    r"((readme|licen[cs]e|copying|copyright|notice|sources?|citation|changelog|authors|requirements"
    r"|(label|class|category)[\W_]*(names?|list|map)?|labels|classes|categories|vocab|vocabulary)[\W_\d]*)+",
    re.IGNORECASE,
)


def reads_classes(roles: Collection[str]) -> bool:
    """Whether a task with these roles reads such folders: it needs ``text`` and ``label``."""
    return "text" in roles and "label" in roles


def find_classes(directory: str | Path) -> Classes:
    """The classes of a folder and their files.

    Raises:
        DataError: fewer than two classes, more than 1000, names of splits among them, several ways to see it, or two
            files for one class.
    """
    directory = Path(directory)
    source = str(directory)
    found = layouts(directory)
    if len(found) > 1:
        several = " or ".join(_shown(kind, classes) for kind, classes in found.items())
        raise DataError(f"the classes could be the {several}; move what is no class elsewhere.", file=source)
    if not found:
        _refuse_splits([path.name for path in _entries(directory) if path.is_dir()], source)
        raise DataError(
            f"this folder holds {listed([path.name for path in _entries(directory)])}, and a file or two or more "
            "classes are needed: a text file each, a text a line (pos.txt, neg.txt), or a folder of .txt files each.",
            file=source,
        )
    ((kind, classes),) = found.items()
    _refuse_splits(classes, source)
    if len(classes) > _MOST_CLASSES:
        raise DataError(f"the {_shown(kind, classes)} are too many to be classes.", file=source)
    for name, paths in classes.items():
        if kind != "folders" and len(paths) > 1:
            raise DataError(f"{_names(paths)} are both the class {name!r}; remove one.", file=source)
    return classes


def layouts(directory: Path) -> dict[str, Classes]:
    """Each way to find two or more classes in a folder: ``folders``, ``names``, and ``STEM.*`` for endings."""
    entries = _entries(directory)
    files = [path for path in entries if path.is_file() and not _ABOUT.fullmatch(plain_name(path).split(".")[0])]
    folders = {path.name: texts for path in entries if path.is_dir() and (texts := _texts(_entries(path)))}
    endings = _by_ending(files)
    names = _by_name([path for path in _texts(files) if _stem(path) not in endings])
    if len(folders) > 1:  # lists of the files in a folder bear its name
        names = {name: paths for name, paths in names.items() if not _words(name) & folders.keys()}
    found = {"folders": folders, "names": names, **{f"{stem}.*": classes for stem, classes in endings.items()}}
    return {kind: classes for kind, classes in found.items() if len(classes) > 1}


def read_text_classes(directory: str | Path) -> list[Row]:
    """Rows with ``text`` and ``label``, class by class; blank lines are skipped.

    Raises:
        DataError: as :func:`find_classes`; a file that is empty or no text; files that are tables.
    """
    directory = Path(directory)
    rows: list[Row] = []
    tables = []
    classes = find_classes(directory)
    for label, paths in classes.items():
        for path in paths:
            source = str(path)
            lines = split_lines(read_text(path), source)
            if path.parent != directory:
                rows.append(Row({"text": "\n".join(lines).rstrip("\n"), "label": label}, source, 1))
                continue
            texts = [Row({"text": line, "label": label}, source, n) for n, line in enumerate(lines, 1) if line.strip()]
            rows.extend(texts)
            tables.append(_is_table(texts))
    if tables and all(tables):
        taken = _names([path for paths in classes.values() for path in paths])
        raise DataError(
            f"{taken} hold columns apart by tabs, so they are tables and not one class each; name a file with --train.",
            file=str(directory),
        )
    return rows


def _refuse_splits(names: Collection[str], source: str) -> None:
    splits = [name for name in names if name.lower() in SPLIT_WORDS]
    if splits:
        raise DataError(
            f"{', '.join(splits)} {'is' if len(splits) == 1 else 'are'} named like a split and not like a class; "
            "pass the folder with --data, or rename the class.",
            file=source,
        )


def _by_ending(files: Sequence[Path]) -> dict[str, Classes]:
    """Stem -> files by ending, where it has several that can be classes."""
    stems: dict[str, Classes] = defaultdict(lambda: defaultdict(list))
    for path in files:
        stem, _, ending = plain_name(path).rpartition(".")
        if stem and re.fullmatch(r"[\w+-]+", ending) and f".{ending.lower()}" not in _NO_CLASS:
            stems[stem][ending].append(path)
    return {stem: dict(sorted(classes.items())) for stem, classes in stems.items() if len(classes) > 1}


def _by_name(files: Sequence[Path]) -> Classes:
    """Text files by stem; by what follows the last dot where all before it is the same (``rt.pos.txt``)."""
    stems = [_stem(path) for path in files]
    if len({stem.rpartition(".")[0] for stem in stems}) == 1:
        stems = [stem.rpartition(".")[2] for stem in stems]
    classes: Classes = defaultdict(list)
    for stem, path in zip(stems, files, strict=True):
        classes[stem].append(path)
    return dict(sorted(classes.items()))


def _entries(directory: Path) -> list[Path]:
    try:
        shown = [path for path in directory.iterdir() if not path.name.startswith((".", "_"))]
    except OSError as error:
        raise DataError(f"the folder cannot be read ({error.strerror or error}).", file=str(directory)) from None
    return sorted(shown, key=lambda path: path.name)


def _texts(paths: Sequence[Path]) -> list[Path]:
    return [path for path in paths if extension(path) in _TEXT and path.is_file()]


def _stem(path: Path) -> str:
    """The name without ``.gz`` and the last extension."""
    return Path(plain_name(path)).stem


def _words(name: str) -> set[str]:
    return set(re.split(r"[\W_]+", name))


def _is_table(rows: Sequence[Row]) -> bool:
    """Whether all lines have the same number of tabs, at least one."""
    counts = {row["text"].count("\t") for row in rows}
    return len(counts) == 1 and counts != {0}


def _names(paths: Sequence[Path], limit: int = 4) -> str:
    shown = [path.name for path in paths[:limit]]
    return ", ".join(shown) + (f" and {len(paths) - limit} more" if len(paths) > limit else "")


def _shown(kind: str, classes: Classes) -> str:
    """``folders neg, pos`` or ``files neg.txt, pos.txt``."""
    if kind == "folders":
        return f"folders {_names([paths[0].parent for paths in classes.values()])}"
    return f"files {_names([paths[0] for paths in classes.values()])}"
