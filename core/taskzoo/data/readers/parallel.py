"""Parallel files: line N of one file is the translation of line N of the other.

The files differ in the last part of their names, which is a language (``train.en``, ``train.zh``) or a side (``src``
and ``tgt``, ``source`` and ``target``); ``.txt`` and ``.gz`` may follow. A pair is named by either file, by what their
names have in common (``corpus/train``), or by both in braces (``corpus/train.{en,zh}``: source, then target).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path

from ...errors import DataError
from ...task import Row
from ..languages import as_language
from .files import listed, read_text, require_file, split_lines
from .languages import LANGUAGES
from .names import plain_name

_SIDES = {"src": 0, "source": 0, "tgt": 1, "trg": 1, "target": 1}
_BRACES = re.compile(r"\{([^{},/]+),([^{},/]+)\}")
_DIRECTION = re.compile(r"([A-Za-z]{2,3})-([A-Za-z]{2,3})")


@dataclass(frozen=True, slots=True)
class Parallel:
    """The files of a pair by role, source first, and the codes of their languages (``""``: unknown).

    A single file without its partner has one role only.
    """

    paths: dict[str, Path]
    languages: dict[str, str] = field(default_factory=dict)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self.languages.values())


def find_parallel(path: str | Path, languages: Mapping[str, str]) -> Parallel | None:
    """The pair that ``path`` names, or ``None`` where its name is not of such a form.

    Args:
        path: one of the files, their common beginning, or both in braces.
        languages: the two roles and their languages, source first; ``""`` for one unknown.

    Raises:
        DataError: the files do not tell which is the source or which of several is meant, or are in other languages.
    """
    path = Path(path)
    if len(languages) != 2 or path.is_dir():
        return None
    languages = {role: as_language(code) or code for role, code in languages.items()}
    if braces := _BRACES.search(str(path)):
        start, end = str(path)[: braces.start()], str(path)[braces.end() :]
        return _in_order([Path(start + part.strip() + end) for part in braces.groups()], braces.groups(), languages)
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
    """Whether there are files that ``path``, which is no file itself, can stand for."""
    path = Path(path)
    if braces := _BRACES.search(str(path)):
        start, end = str(path)[: braces.start()], str(path)[braces.end() :]
        return any(Path(start + part.strip() + end).is_file() for part in braces.groups())
    return any(_beside(path.parent, stem) for stem in (path.name, *_directed(path)))


def split_name(path: Path) -> tuple[str, str] | None:
    """``("train", "en")`` for ``train.en``, ``train.en.gz`` and ``train.en.txt``; ``None`` for other names."""
    stem, _, ending = plain_name(path).removesuffix(".txt").rpartition(".")
    if not stem or (ending.lower() not in _SIDES and as_language(ending) is None):
        return None
    return stem, ending


def read_parallel(pair: Parallel, required: frozenset[str], notes: Counter[str]) -> list[Row]:
    """One row per line; lines that are blank in both files are left out and counted in ``notes``.

    Only line feeds end lines, alone or after a carriage return. Where a role is required and the other is not, its file
    alone will do.

    Raises:
        DataError: no partner, another number of lines, a line that is blank in one file only.
    """
    roles = list(pair.languages)
    missing = [role for role in roles if role not in pair.paths and (role in required or not required)]
    if missing:
        (path,) = pair.paths.values()
        raise DataError(_alone(path, missing[0], pair.languages[missing[0]]), file=str(path))
    for path in pair.paths.values():
        require_file(path)
    texts = {role: split_lines(read_text(path), str(path)) for role, path in pair.paths.items()}
    _check_lengths(pair, texts)
    source = str(pair.paths.get(roles[0]) or pair.paths[roles[1]])
    codes = {LANGUAGES: pair.codes} if any(pair.codes) else {}
    rows = []
    for number, values in enumerate(zip(*texts.values(), strict=True), start=1):
        fields = {role: value for role, value in zip(texts, values, strict=True) if value.strip()}
        if len(fields) == len(texts):
            rows.append(Row({**fields, **codes}, source, number))
        elif fields:
            ((filled, text),) = fields.items()
            blank = next(path for role, path in pair.paths.items() if role != filled)
            raise DataError(
                f"this line is blank, and in {pair.paths[filled].name} it is {_short(text)}; fill it in or remove "
                "the line from both files.",
                file=str(blank),
                line=number,
            )
        else:
            notes["blank lines left out"] += 1
    return rows


def _check_lengths(pair: Parallel, texts: Mapping[str, list[str]]) -> None:
    if len(texts) < 2:
        return
    (short, few), (long, many) = sorted(texts.items(), key=lambda item: len(item[1]))
    while len(many) > len(few) and not many[-1].strip():  # blank lines at the end of one file
        many.pop()
    if len(many) == len(few):
        return
    long_path, short_path = pair.paths[long], pair.paths[short]
    last = f" and ends with {_short(few[-1])}"
    raise DataError(
        f"this file has {len(many)} lines and {short_path.name} has {len(few)}{last}; from here on, lines have no "
        f"partner, the first being {_short(many[len(few)])}; line N of each must be the translation of the other.",
        file=str(long_path),
        line=len(few) + 1,
    )


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


def _in_order(paths: list[Path], endings: tuple[str, ...], languages: Mapping[str, str]) -> Parallel:
    """The files in the order given, unless their languages are known to be the other way round."""
    (one, first), (two, second) = languages.items()
    codes = [as_language(ending.strip()) or "" for ending in endings]
    if (first and codes[1] == first) or (second and codes[0] == second):
        paths, codes = paths[::-1], codes[::-1]
    return Parallel(dict(zip((one, two), paths, strict=True)), {one: first or codes[0], two: second or codes[1]})


def _choose(
    path: Path, beside: Mapping[str, Path], given: str | None, stem: str, languages: Mapping[str, str]
) -> Parallel:
    """Roles for the files beside each other; ``given`` is the ending of the one that was named."""
    one, two = languages
    sides: dict[int, Path] = {}
    for ending, file in beside.items():
        if ending.lower() in _SIDES:
            sides.setdefault(_SIDES[ending.lower()], file)
    if given is not None and given.lower() in _SIDES:
        sides[_SIDES[given.lower()]] = path
    elif given is not None or sides.keys() != {0, 1}:
        sides = {}
    if sides:
        return Parallel({(one, two)[side]: sides[side] for side in sorted(sides)}, dict(languages))
    files: dict[str, list[Path]] = {}
    for ending, file in beside.items():
        if code := as_language(ending):
            files.setdefault(code, []).append(file)
    if given is not None:
        files[str(as_language(given))] = [path]
    codes = _direction(path, files, as_language(given) if given else None, stem, languages)
    for code in codes.values():
        if len(files.get(code, ())) > 1:
            names = ", ".join(file.name for file in files[code])
            raise DataError(f"{names} are all in one language; keep one of them here.", file=str(path))
    paths = {role: files[code][0] for role, code in codes.items() if code in files}
    if not paths:
        names = listed([paths[0].name for paths in files.values()])
        wanted = " or ".join(filter(None, codes.values()))
        raise DataError(f"none of {names} is in {wanted}; set other languages.", file=str(path))
    return Parallel(paths, codes)


def _direction(
    path: Path, files: Mapping[str, list[Path]], given: str | None, stem: str, languages: Mapping[str, str]
) -> dict[str, str]:
    """role -> code, source first, from what is known, the file that was named, and the common part of the names."""
    (one, first), (two, second) = languages.items()
    written = _DIRECTION.fullmatch(stem.rpartition(".")[2])
    if written and not first and not second:
        pair = [as_language(code) or "" for code in written.groups()]
        if all(code in files for code in pair):
            first, second = pair
    if given is not None and given not in (first, second):
        if not first:
            first = given
        elif not second:
            second = given
    others = [code for code in files if code not in (first, second)]
    if first and not second and len(others) == 1:
        second = others[0]
    elif second and not first and len(others) == 1:
        first = others[0]
    elif (not first or not second) and len(files) > 1:
        names = listed([paths[0].name for paths in files.values()])
        raise DataError(
            f"{names} do not say which is the {one} and which the {two}; name the {one} file, or set the languages.",
            file=str(path),
        )
    return {one: first, two: second}


def _alone(path: Path, role: str, code: str) -> str:
    named = split_name(path)
    stem = named[0] if named else path.name
    around = sorted(p.name for p in path.parent.iterdir() if p.is_file()) if path.parent.is_dir() else []
    return (
        f"by its name this is one of two parallel files, and the {role}, {stem}.{code or 'LANGUAGE'}, is not here; "
        f"the folder holds {listed(around)}; name both files as in 'train.{{en,zh}}', or the format with --format."
    )


def _short(text: str, width: int = 40) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= width else text[: width - 3] + "...")
