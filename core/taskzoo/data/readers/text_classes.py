"""One text file, or one folder of text files, per class: the label is in the name.

* **Folders** (``pos/0_9.txt``, ``neg/1_2.txt``): every folder that holds ``.txt`` files is a class, every file a text.
* **Endings** (``rt-polarity.pos``, ``rt-polarity.neg``): files of one stem; the ending is the class, a line a text.
* **Names** (``positive.txt``, ``negative.txt``): the stem is the class, a line a text.

Each file may be packed. Endings of other data or of programs are not classes, nor are files such as README, LICENSE,
SOURCE or labels, and hidden ones. A folder where two of these would do is refused.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

from taskzoo.errors import DataError
from taskzoo.option_names import option_name
from taskzoo.types import Row

from ..columns import Columns
from .base import Reader, ReadRequest
from .detect import SUFFIXES
from .files import read_text, split_lines
from .names import ABOUT, NOT_DATA, SPLIT_WORDS, entry_name, extension, listed, not_used, plain_name

Classes = dict[str, list[Path]]
"""Class -> its files, both sorted."""

_MOST_CLASSES = 1000
_TEXT = {".txt", ".text"}
_NO_CLASS = {*SUFFIXES, *NOT_DATA, *_TEXT, ".tsv", ".orig", ".rej", ".swp", ".tmp", ".old"}


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
        raise DataError(f"the classes could be the {several}; move what is not a class elsewhere.", file=source)
    if not found:
        entries = _entries(directory)
        _refuse_splits([path.name for path in entries if path.is_dir()], source)
        needed = "a text file each, a text a line (pos.txt, neg.txt), or a folder of .txt files each"
        holds = f"this folder holds {listed([path.name for path in entries])}"
        raise DataError(f"{holds}, and a file or two or more classes are needed: {needed}.", file=source)
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
    files = [path for path in entries if path.is_file() and not ABOUT.fullmatch(plain_name(path).split(".")[0])]
    folders = {path.name: texts for path in entries if path.is_dir() and (texts := _texts(_entries(path)))}
    endings = _by_ending(files)
    names = _by_name([path for path in _texts(files) if _stem(path) not in endings])
    if len(folders) > 1:  # lists of the files in a folder bear its name
        names = {name: paths for name, paths in names.items() if not {*re.split(r"[\W_]+", name)} & folders.keys()}
    found = {"folders": folders, "names": names, **{f"{stem}.*": classes for stem, classes in endings.items()}}
    return {kind: classes for kind, classes in found.items() if len(classes) > 1}


class TextClasses(Reader):
    """Rows with ``text`` and ``label``, class by class; empty lines are skipped."""

    name = "classes"

    def read(self, path: Path, request: ReadRequest) -> list[Row]:
        """The rows of a folder; what it holds besides is noted.

        Raises:
            DataError: as :func:`find_classes`; a file that is empty or not text; files that are tables.
        """
        columns = Columns(request, str(path))
        columns.refuse_options("a folder of classes has", format=True)
        rows: list[Row] = []
        tables = []
        classes = find_classes(path)
        if unread := _unread(path, classes):
            request.notes[not_used(path, unread)] += len(unread)
        for label, files in classes.items():
            for file in files:
                source = str(file)
                if file.parent != path:
                    with columns.leaving_out():
                        lines = split_lines(read_text(file), source)
                        rows.append(Row({"text": "\n".join(lines).rstrip("\n"), "label": label}, source, 1))
                    continue
                lines = split_lines(read_text(file), source)
                filled = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
                texts = [Row({"text": line, "label": label}, source, number) for number, line in filled]
                rows.extend(texts)
                tabs = {row["text"].count("\t") for row in texts}
                tables.append(len(tabs) == 1 and tabs != {0})
        if tables and all(tables):
            taken = _names([file for files in classes.values() for file in files])
            message = f"tabs separate columns in {taken}, so they are tables and not one class each"
            raise DataError(f"{message}; name a file with {option_name('train')}.", file=str(path))
        return rows


def _unread(directory: Path, classes: Classes) -> list[str]:
    """What a folder of classes holds besides their files, and what their folders do."""
    files = {file for several in classes.values() for file in several}
    folders = {file.parent for file in files} - {directory}
    there = [*_entries(directory), *(path for folder in sorted(folders) for path in _entries(folder))]
    return [entry_name(path, directory) for path in there if path not in files | folders]


def _refuse_splits(names: Collection[str], source: str) -> None:
    if splits := [name for name in names if name.lower() in SPLIT_WORDS]:
        message = f"{', '.join(splits)} {'is' if len(splits) == 1 else 'are'} named like a split and not like a class"
        raise DataError(f"{message}; pass the folder with {option_name('data')}, or rename the class.", file=source)


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
    """The name without the ending of a packed file and the last extension."""
    return Path(plain_name(path)).stem


def _names(paths: Sequence[Path]) -> str:
    return listed([path.name for path in paths], limit=4)


def _shown(kind: str, classes: Classes) -> str:
    """``folders neg, pos`` or ``files neg.txt, pos.txt``."""
    folders = kind == "folders"
    shown = [paths[0].parent if folders else paths[0] for paths in classes.values()]
    return f"{'folders' if folders else 'files'} {_names(shown)}"
