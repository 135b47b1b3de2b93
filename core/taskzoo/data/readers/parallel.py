"""Parallel files: line N of one file is the translation of line N of the other.

The files differ in the last part of their names, which is a language (``train.en``, ``train.zh``) or a side (``src``
and ``tgt``, ``source`` and ``target``); ``.txt`` and ``.gz`` may follow. A pair is named by either file, by what their
names have in common (``corpus/train``), or by both in braces (``corpus/train.{en,zh}``: source, then target).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from taskzoo.errors import DataError
from taskzoo.languages import as_language, closest, language_tag, refined
from taskzoo.option_names import option_name
from taskzoo.types import Row

from ..columns import Columns
from .base import Reader, ReadRequest
from .files import read_text, require_file, split_lines
from .names import listed, plain_name

_SIDES = {"src": 0, "source": 0, "tgt": 1, "trg": 1, "target": 1}
_BRACES = re.compile(r"\{([^{},/]+),([^{},/]+)\}")
_DIRECTION = re.compile(r"([A-Za-z]{2,3})-([A-Za-z]{2,3})")


@dataclass(frozen=True, slots=True)
class Parallel:
    """The files of a pair by role, source first, and their languages (``""``: unknown).

    A single file without its partner has one role only.
    """

    paths: dict[str, Path]
    languages: dict[str, str]


def find_parallel(path: str | Path, languages: Mapping[str, str]) -> Parallel | None:
    """The pair that ``path`` names, or ``None`` where its name is not of such a form.

    ``languages`` are the two roles and their languages, source first; ``""`` for one unknown.

    Raises:
        DataError: the files do not tell which is the source or which of several is meant, or are in other languages.
    """
    path = Path(path)
    if len(languages) != 2 or path.is_dir():
        return None
    languages = {role: language_tag(code) for role, code in languages.items()}
    if braced := _braced(path):
        return _in_order(braced, languages)
    if not path.exists():
        for stem in (path.name, *_directed(path)):
            if len(beside := _beside(path.parent, stem)) > 1:
                return _choose(path, beside, None, stem, languages)
    named = split_name(path)
    beside = _beside(path.parent, named[0]) if named else {}
    if named is None or not (beside or path.exists()):
        return None
    return _choose(path, {**beside, named[1]: path}, named[1], named[0], languages)


def names_parallel(path: str | Path) -> bool:
    """Whether there are files that ``path``, which is not a file itself, can stand for."""
    path = Path(path)
    stems = (path.name, *_directed(path))
    return any(file.is_file() for _, file in _braced(path)) or any(_beside(path.parent, stem) for stem in stems)


def split_name(path: Path) -> tuple[str, str] | None:
    """``("train", "en")`` for ``train.en``, ``train.en.gz`` and ``train.en.txt``; ``None`` for other names."""
    stem, _, ending = plain_name(path).removesuffix(".txt").rpartition(".")
    if not stem or (ending.lower() not in _SIDES and as_language(ending) is None):
        return None
    return stem, ending


class ParallelFiles(Reader):
    """One row per line; lines that are empty in both files are left out and counted.

    Only line feeds end lines, alone or after a carriage return. To predict, the file of the source alone will do.
    """

    name = "parallel"

    def read(self, path: Path, request: ReadRequest) -> list[Row]:
        """The rows of a pair, named as in :func:`find_parallel`.

        Raises:
            DataError: no pair or no partner, another number of lines, a line that is empty in one file only.
        """
        columns = Columns(request, str(path))
        pair = find_parallel(path, columns.languages.given)
        if pair is None:
            what = "parallel files are two that differ in the end of their names, such as train.en and train.zh"
            raise columns.error(what + "; name either, or both as in 'train.{en,zh}'.")
        columns.refuse_options("parallel files have")
        roles = list(pair.languages)
        needed = columns.required or columns.roles.keys()
        if missing := [role for role in roles if role not in pair.paths and role in needed]:
            (file,) = pair.paths.values()
            raise DataError(_alone(file, missing[0], pair.languages[missing[0]]), file=str(file))
        for file in pair.paths.values():
            require_file(file)
        texts = {role: split_lines(read_text(file), str(file)) for role, file in pair.paths.items()}
        _check_lengths(pair, texts)
        columns.source = str(pair.paths.get(roles[0]) or pair.paths[roles[1]])
        endings = {role: named[1] for role, file in pair.paths.items() if (named := split_name(file))}
        rows = []
        for number, values in enumerate(zip(*texts.values(), strict=True), start=1):
            fields = {role: value for role, value in zip(texts, values, strict=True) if value.strip()}
            if len(fields) == len(texts) or (fields and request.incomplete):
                rows.append(columns.row(fields, number, tuple(pair.languages.values())))
                for role in fields:
                    columns.count_variety(pair.languages[role], endings.get(role, ""))
            elif fields:
                ((filled, text),) = fields.items()
                empty = next(file for role, file in pair.paths.items() if role != filled)
                message = f"this line is empty, and in {pair.paths[filled].name} it is {_short(text)}"
                fix = "fill it in or remove the line from both files"
                columns.leave_out(DataError(f"{message}; {fix}.", file=str(empty), line=number))
            else:
                request.notes["empty lines left out"] += 1
        return rows


def _check_lengths(pair: Parallel, texts: Mapping[str, list[str]]) -> None:
    if len(texts) < 2:
        return
    (short, few), (long, many) = sorted(texts.items(), key=lambda item: len(item[1]))
    while len(many) > len(few) and not many[-1].strip():  # empty lines at the end of one file
        many.pop()
    if len(many) == len(few):
        return
    message = (
        f"this file has {len(many)} lines and {pair.paths[short].name} has {len(few)} and ends with {_short(few[-1])}; "
        f"from here on, lines have no partner, the first being {_short(many[len(few)])}; line N of each must be the "
        "translation of the other."
    )
    raise DataError(message, file=str(pair.paths[long]), line=len(few) + 1)


def _braced(path: Path) -> list[tuple[str, Path]]:
    """Ending and file for the two that stand in braces; nothing for other names."""
    start, *parts, end = _BRACES.split(str(path), 1) if _BRACES.search(str(path)) else ("", "")
    return [(part.strip(), Path(start + part.strip() + end)) for part in parts]


def _beside(folder: Path, stem: str) -> dict[str, Path]:
    """Ending -> file, for the files of one stem; a plain file goes before a gzipped one."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        named = split_name(path)
        if named is not None and named[0] == stem and path.is_file():
            found.setdefault(named[1], path)
    return found


def _directed(path: Path) -> list[str]:
    """The one stem that is ``path`` with a direction: ``train.en-zh`` for ``train``."""
    stems = {named[0] for file in path.parent.glob(f"{escape(path.name)}.*-*.*") if (named := split_name(file))}
    stems = {stem for stem in stems if _DIRECTION.fullmatch(stem.removeprefix(f"{path.name}."))}
    return sorted(stems) if len(stems) == 1 else []


def _in_order(files: list[tuple[str, Path]], languages: Mapping[str, str]) -> Parallel:
    """The files in the order given, unless their languages are known to be the other way round."""
    (one, first), (two, second) = languages.items()
    tags, paths = [_tag(ending) for ending, _ in files], [path for _, path in files]
    if _is(tags[1], first) or _is(tags[0], second):
        paths, tags = paths[::-1], tags[::-1]
    return Parallel(dict(zip((one, two), paths, strict=True)), {one: first or tags[0], two: second or tags[1]})


def _choose(
    path: Path, beside: Mapping[str, Path], given: str | None, stem: str, languages: Mapping[str, str]
) -> Parallel:
    """Roles for the files beside each other; ``given`` is the ending of the one that was named."""
    one, two = languages
    named = [(ending.lower(), file) for ending, file in beside.items()]
    sides = {_SIDES[ending]: file for ending, file in reversed(named) if ending in _SIDES}
    if given is not None and given.lower() in _SIDES:
        sides[_SIDES[given.lower()]] = path
    elif given is not None or sides.keys() != {0, 1}:
        sides = {}
    if sides:
        return Parallel({(one, two)[side]: sides[side] for side in sorted(sides)}, dict(languages))
    files: dict[str, list[Path]] = {}
    for ending, file in beside.items():
        if tag := _tag(ending):
            files.setdefault(tag, []).append(file)
    if given is not None:
        files[_tag(given)] = [path]
    asked = _direction(path, files, _tag(given or ""), stem, languages)
    paths: dict[str, Path] = {}
    for role, tag in asked.items():
        names = closest(tag, files)
        found = [file for name in names for file in files[name]]
        if len(found) > 1:
            several = ", ".join(file.name for file in found)
            raise DataError(
                f"{several} are all in one language; keep one of them here, or name the {role}'s file.", file=str(path)
            )
        paths.update((role, file) for file in found)
        asked[role] = refined(tag, names)
    if not paths:
        there = listed([paths[0].name for paths in files.values()])
        wanted = " or ".join(filter(None, asked.values()))
        raise DataError(f"none of {there} is in {wanted}; set other languages.", file=str(path))
    return Parallel(paths, asked)


def _direction(
    path: Path, files: Mapping[str, list[Path]], given: str, stem: str, languages: Mapping[str, str]
) -> dict[str, str]:
    """Role -> language, source first, from what is known, the file that was named, and the common part of the names."""
    (one, first), (two, second) = languages.items()
    written = _DIRECTION.fullmatch(stem.rpartition(".")[2])
    if written and not first and not second:
        pair = [_tag(code) for code in written.groups()]
        if all(tag and closest(tag, files) for tag in pair):
            first, second = pair
    if _is(given, first):
        first = given
    elif _is(given, second):
        second = given
    elif given:
        first, second = (first, second or given) if first else (given, second)
    others = [tag for tag in files if not _is(tag, first) and not _is(tag, second)]
    if bool(first) != bool(second) and len(others) == 1:
        first, second = first or others[0], second or others[0]
    elif (not first or not second) and len(files) > 1:
        names = listed([paths[0].name for paths in files.values()])
        message = f"{names} do not say which is the {one} and which the {two}"
        raise DataError(f"{message}; name the {one} file, or set the languages.", file=str(path))
    return {one: first, two: second}


def _tag(ending: str) -> str:
    """The language that a file's name ends in, or ``""``."""
    return language_tag(ending) if as_language(ending) else ""


def _is(name: str, asked: str) -> bool:
    return bool(name and asked and closest(asked, [name]))


def _alone(path: Path, role: str, code: str) -> str:
    named = split_name(path)
    stem = named[0] if named else path.name
    around = sorted(p.name for p in path.parent.iterdir() if p.is_file()) if path.parent.is_dir() else []
    partner = f"{stem}.{as_language(code) or 'LANGUAGE'}"
    return (
        f"by its name this is one of two parallel files, and the {role}, {partner}, is not here; "
        f"the folder holds {listed(around)}; name both files as in 'train.{{en,zh}}', or the format "
        f"with {option_name('format')}."
    )


def _short(text: str, width: int = 40) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= width else text[: width - 3] + "...")
