"""Small changes to a text; of most, the right answer stays (CheckList: Ribeiro et al. 2020)."""

from __future__ import annotations

import difflib
import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from taskzoo.scripts import has_han

from .edits import Edit
from .lists import WordLists, word_lists

Make = Callable[[str, random.Random], list[Edit]]
_LONG = re.compile(r"[^\W\d_]{4,}")
_SPACE = re.compile(r"(?<=\S) (?=\S)")
_END = re.compile(r"[.!?。！？]+\s*$")
_FULL_WIDTH = 0xFEE0
_WORDS_PER_TYPO = 8
_STOP = {"。": ".", "、": ",", "　": " "}


@dataclass(frozen=True, slots=True)
class Perturbation:
    """One kind of change.

    Args:
        name: short.
        what: it does, for people.
        make: from a text and a source of chance to edits; none: it has nothing to change there.
        languages: codes of the languages it is for; empty: all.
        must_stay: whether the right answer is the same as before.
    """

    name: str
    what: str
    make: Make
    languages: tuple[str, ...] = ()
    must_stay: bool = True


def perturbations() -> list[Perturbation]:
    """All of them; those that need a package which is not installed are left out: see :func:`missing`."""
    found = [
        Perturbation("typos", "two neighbouring letters of one word in eight are swapped", _typos),
        Perturbation("lower case", "all letters are lower-case", lambda text, _: _each(text, str.lower)),
        Perturbation("upper case", "all letters are upper-case", lambda text, _: _each(text, str.upper)),
        Perturbation("end mark", "the full stop, ! or ? at the end is removed, or a full stop added", _end_mark),
        Perturbation("double spaces", "single spaces are doubled", _double_spaces),
        Perturbation("contractions", "do not and don't are exchanged, and their like", _contractions, ("en",)),
        Perturbation("other names", "given names are replaced by others", _names, ("en", "zh")),
        Perturbation("other places", "cities and countries are replaced by others", _places, ("en", "zh")),
        Perturbation("full width", "ASCII letters, digits and marks become full-width", _full_width, ("zh",)),
        Perturbation("half width", "full-width letters, digits and marks become ASCII", _half_width, ("zh",)),
    ]
    if _converter("s2t") is not None:
        found += [
            Perturbation("traditional", "characters become traditional", _converted("s2t"), ("zh",)),
            Perturbation("simplified", "characters become simplified", _converted("t2s"), ("zh",)),
        ]
    negation = Perturbation(
        "negation",
        "the first verb that can be is negated; for some tasks the answer should change",
        _negation,
        ("en", "zh"),
        False,
    )
    return [*found, negation]


def missing(languages: Sequence[str]) -> str:
    """A sentence on what is left out for want of a package; ``""``: nothing."""
    if "zh" in languages and _converter("s2t") is None:
        return "Simplified and traditional characters are not exchanged: that needs pip install 'taskzoo[chinese]'."
    return ""


def _typos(text: str, chance: random.Random) -> list[Edit]:
    words = [m for m in _LONG.finditer(text) if not has_han(m[0])]
    edits = []
    for word in sorted(chance.sample(words, -(-len(words) // _WORDS_PER_TYPO)), key=lambda m: m.start()):
        places = [i for i in range(1, len(word[0]) - 2) if word[0][i] != word[0][i + 1]]
        if places:
            at = word.start() + chance.choice(places)
            edits.append(Edit(at, at + 2, text[at + 1] + text[at]))
    return edits


def _each(text: str, change: Callable[[str], str]) -> list[Edit]:
    return [Edit(i, i + 1, new) for i, char in enumerate(text) if (new := change(char)) != char]


def _end_mark(text: str, _: random.Random) -> list[Edit]:
    if match := _END.search(text):
        return [Edit(match.start(), match.end(), "")] if text[: match.start()].strip() else []
    end = len(text.rstrip())
    return [Edit(end, end, "。" if has_han(text) else ".")] if end else []


def _double_spaces(text: str, _: random.Random) -> list[Edit]:
    return [Edit(m.start(), m.end(), "  ") for m in _SPACE.finditer(text)]


def _contractions(text: str, _: random.Random) -> list[Edit]:
    pattern, other = _contracted()
    return [
        Edit(m.start(), m.end(), _cased(other[m[0].lower().replace("’", "'")], m[0])) for m in pattern.finditer(text)
    ]


def _names(text: str, chance: random.Random) -> list[Edit]:
    return _swapped(text, chance, lambda lists: lists.names)


def _places(text: str, chance: random.Random) -> list[Edit]:
    return _swapped(text, chance, lambda lists: lists.places)


def _swapped(text: str, chance: random.Random, of: Callable[[WordLists], Sequence[Sequence[str]]]) -> list[Edit]:
    """Words of a list in place of others of the same list, one word by the same one throughout a text."""
    edits: list[Edit] = []
    groups = [group for code in ("en", "zh") for group in of(word_lists(code))]
    chosen: dict[str, str] = {}
    pattern, group_of = _listed(tuple(map(tuple, groups)))
    for match in pattern.finditer(text):
        others = [word for word in group_of[match[0]] if word != match[0]]
        new = chosen.setdefault(match[0], chance.choice(others))
        edits.append(Edit(match.start(), match.end(), new))
    return edits


@cache
def _listed(groups: tuple[tuple[str, ...], ...]) -> tuple[re.Pattern[str], dict[str, tuple[str, ...]]]:
    group_of = {word: group for group in groups for word in group}
    words = sorted(group_of, key=lambda word: (-len(word), word))
    latin = "|".join(re.escape(word) for word in words if not has_han(word))
    han = "|".join(re.escape(word) for word in words if has_han(word))
    return re.compile(rf"\b(?:{latin})\b|{han}"), group_of


def _full_width(text: str, _: random.Random) -> list[Edit]:
    return _each(text, lambda char: chr(ord(char) + _FULL_WIDTH) if "!" <= char <= "~" else char)


def _half_width(text: str, _: random.Random) -> list[Edit]:
    def narrow(char: str) -> str:
        return unicodedata.normalize("NFKC", char) if "\uff01" <= char <= "\uff5e" else _STOP.get(char, char)

    return _each(text, narrow)


def _converted(way: str) -> Make:
    def make(text: str, _: random.Random) -> list[Edit]:
        convert = _converter(way)
        assert convert is not None
        return _changes(text, convert(text))

    return make


def _changes(old: str, new: str) -> list[Edit]:
    """Character by character where the lengths are equal."""
    if len(old) == len(new):
        return [Edit(i, i + 1, b) for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
    steps = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [Edit(i, j, new[k:m]) for tag, i, j, k, m in steps if tag != "equal"]


@cache
def _converter(way: str) -> Callable[[str], str] | None:
    try:
        from opencc import OpenCC
    except ImportError:
        return None
    convert: Callable[[str], str] = OpenCC(way).convert
    return convert


def _negation(text: str, _: random.Random) -> list[Edit]:
    for code in ("en", "zh"):
        for match in _negatable(code).finditer(text):
            if code == "en":
                return [Edit(match.end(), match.end(), " not")]
            return [Edit(match.start(), match.start(), "不")]
    return []


@cache
def _negatable(code: str) -> re.Pattern[str]:
    words = "|".join(re.escape(word) for word in word_lists(code).negatable)
    if code == "zh":
        return re.compile(rf"(?<![不没别])(?:{words})(?!不)")
    return re.compile(rf"\b(?:{words})\b(?!\s+not\b|'|’|n't)", re.IGNORECASE)


@cache
def _contracted() -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of all forms, and each form's other one; of several, the first."""
    other: dict[str, str] = {}
    for long, short in word_lists("en").contractions:
        other.setdefault(long, short)
        other.setdefault(short, long)
    forms = sorted(other, key=lambda form: (-len(form), form))
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, forms)).replace(chr(39), '[' + chr(39) + '’]')})\b", re.I), other


def _cased(new: str, old: str) -> str:
    if old.isupper() and len(old) > 2:
        return new.upper()
    return new[0].upper() + new[1:] if old[0].isupper() else new


def of_languages(languages: Sequence[str]) -> Iterator[Perturbation]:
    """Those that rows in these languages can have."""
    return (one for one in perturbations() if not one.languages or set(one.languages) & set(languages))
