"""Names and codes of languages, and the scripts of texts.

Everywhere in the zoo a language is its ISO 639-1 code, or ISO 639-3 where it has none: ``en``, ``zh``, ``ceb``. What
people, files and tokenizers call it is read here. Imports nothing but the table.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import NamedTuple

from ..errors import UnknownNameError
from .language_table import ALSO_LATIN, CHARACTERS, SCRIPTS, TABLE

_DECORATION = re.compile(r"(?:__|>>|<2|<|\[)?(.*?)(?:__|<<|>|\])?", re.DOTALL)  # __zh__, >>cmn_Hans<<, <2zh>
_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?")
_TRADITIONAL = {"TW", "HK", "MO"}
_RELATED = {"no": ("nb", "nn"), "nb": ("no",), "nn": ("no",)}  # serves where the language itself is missing
_UNSURE = {"sr": "Cyrl", "zh": "Hans", "uz": "Latn", "az": "Latn", "kk": "Cyrl", "ku": "Latn", "mn": "Cyrl"}
_OF_SCRIPT = {"Hani": "zh", "Kana": "ja"}
_JAPANESE = 0.1  # share of kana among kana and Han above which a text is Japanese
_LISTED = 12  # codes in a message


class _Tag(NamedTuple):
    """A language with the script and region that its name says, or ``""``."""

    language: str
    script: str = ""
    region: str = ""


def language_code(name: str) -> str:
    """The code of a language given as ``English``, ``eng``, ``en-US``, ``en_XX``, ``eng_Latn``, ``Chinese``, ``中文``.

    Raises:
        UnknownNameError: no language that is known here, with the nearest names.
    """
    code = as_language(name)
    if code is None:
        hint = "A language is given by its English name or ISO 639 code, such as English, en or eng."
        raise UnknownNameError("language", name, [each for names in _table().values() for each in names], hint)
    return code


def as_language(name: str) -> str | None:
    """The code of a language as :func:`language_code` gives it, or ``None`` for what names no language."""
    tag = _parse(name)
    return None if tag is None else tag.language


def language_name(code: str) -> str:
    """The English name: ``Chinese`` for ``zh``.

    Raises:
        UnknownNameError: as :func:`language_code`.
    """
    return _table()[language_code(code)][0]


def known_languages() -> tuple[str, ...]:
    """The codes of all languages that have a name here."""
    return tuple(_table())


def find_code(language: str, codes: Iterable[str]) -> str:
    """The one of a tokenizer's language codes that stands for a language, such as ``zh_CN``, ``zho_Hans``, ``__zh__``.

    A code that is given exactly is taken as it is. Of several codes for one language, one with the script and region
    asked for goes first (``zh-TW``: ``zho_Hant``), then one with the language's usual script.

    Args:
        language: a language in any form, or one of ``codes``.
        codes: what the tokenizer has; a code may be dressed as ``__zh__``, ``>>zh<<``, ``<2zh>`` or ``[zh]``.

    Raises:
        UnknownNameError: no code is for that language; with the nearest codes.
    """
    codes = list(codes)
    bare = {_bare(code): code for code in reversed(codes)}  # the first of several alike
    for exact in (language, bare.get(language.strip())):
        if exact in codes:
            return str(exact)
    asked = _parse(language)
    tags = {code: tag for code in codes if (tag := _parse(code)) is not None}
    if asked is not None:
        for wanted in (asked.language, *_RELATED.get(asked.language, ())):
            found = [code for code, tag in tags.items() if tag.language == wanted]
            if found:
                return max(found, key=lambda code: _closeness(tags[code], asked))
    named = [name for tag in tags.values() for name in _table()[tag.language]]
    listed = sorted(codes, key=lambda code: _bare(code)[:1].casefold() != language.strip()[:1].casefold())
    rest = f" and {len(codes) - _LISTED} more" if len(codes) > _LISTED else ""
    hint = f"There are {', '.join(listed[:_LISTED])}{rest}." if codes else "The tokenizer has none."
    raise UnknownNameError("language code", language, [*codes, *named], hint)


def language_scripts(code: str) -> frozenset[str]:
    """The scripts (ISO 15924) that texts of a language are written in: Han and kana for ``ja``.

    Raises:
        UnknownNameError: as :func:`language_code`.
    """
    code = language_code(code)
    scripts = {script for script, languages in SCRIPTS.items() if code in languages.split()}
    if not scripts or code in ALSO_LATIN.split():
        scripts.add("Latn")
    return frozenset(scripts)


def main_script(text: str) -> str:
    """The script (ISO 15924, e.g. ``Latn``, ``Hani``, ``Arab``) of most characters; ``""`` for a text without any.

    Kana is one script, ``Kana``. Digits and punctuation have none.
    """
    counts = script_counts(text)
    return counts.most_common(1)[0][0] if counts else ""


def script_counts(text: str) -> Counter[str]:
    """How many characters of a text belong to each script."""
    return Counter(filter(None, map(_script_of, text)))


def script_language(texts: Iterable[str]) -> str:
    """The language that the script of most texts belongs to alone, or ``""``.

    Han means Chinese, with more than a little kana Japanese; Hangul Korean; Thai, Georgian, Tamil and others speak for
    themselves. Latin, Cyrillic, Arabic, Hebrew, Greek and Devanagari do not say a language; :func:`main_script` tells
    them apart. Texts without letters do not count.
    """
    votes: Counter[str] = Counter()
    for text in texts:
        counts = script_counts(text)
        if not counts:
            continue
        script = counts.most_common(1)[0][0]
        if script in ("Hani", "Kana"):
            kana = counts["Kana"] / (counts["Kana"] + counts["Hani"])
            script = "Kana" if kana > _JAPANESE else "Hani"
        votes[script] += 1
    if not votes:
        return ""
    script, count = votes.most_common(1)[0]
    return _languages_of_scripts().get(script, "") if 2 * count > votes.total() else ""


@lru_cache(maxsize=4096)
def _parse(name: str) -> _Tag | None:
    name = _bare(name)
    codes, names = _codes(), _names()
    if name.casefold() in names:
        return _Tag(names[name.casefold()])
    if match := _TAG.fullmatch(name):
        code, script, region = (part or "" for part in match.groups())
        if code.lower() in codes:
            script, region = script.title(), region.upper()
            if codes[code.lower()] == "zh" and not script:
                script = "Hant" if region in _TRADITIONAL else "Hans" if region in ("CN", "SG") else ""
            return _Tag(codes[code.lower()], script, region)
    for word, script in (("simplified", "Hans"), ("traditional", "Hant")):  # Chinese (Simplified), Traditional Chinese
        rest = re.sub(rf"[(,]?\s*\b{word}\b\s*\)?", " ", name.casefold()).strip()
        if rest != name.casefold() and rest in names:
            return _Tag(names[rest], script)
    return None


def _bare(name: str) -> str:
    match = _DECORATION.fullmatch(name.strip())
    return match[1].strip() if match else name


def _closeness(tag: _Tag, asked: _Tag) -> tuple[bool, bool, bool, bool]:
    usual = _UNSURE.get(tag.language, "")
    return (
        bool(asked.script) and tag.script == asked.script,
        bool(asked.region) and tag.region == asked.region,
        not tag.script or tag.script == usual,
        bool(usual) and tag.script == usual,
    )


@cache
def _table() -> dict[str, list[str]]:
    """Code -> names, the one to show first."""
    table = {}
    for line in TABLE.strip().splitlines():
        codes, names = line.split(":", 1)
        table[codes.split()[0]] = [name.strip() for name in re.split("[,;]", names) if name.strip()]
    return table


@cache
def _names() -> dict[str, str]:
    """Case-folded name -> code; the first language of a name has it."""
    names: dict[str, str] = {}
    for code, known in _table().items():
        for name in known:
            names.setdefault(name.casefold(), code)
    return names


@cache
def _codes() -> dict[str, str]:
    """Each code in any standard -> the code used here."""
    lines = (line.split(":", 1)[0].split() for line in TABLE.strip().splitlines())
    return {code: codes[0] for codes in lines for code in codes}


@cache
def _languages_of_scripts() -> dict[str, str]:
    single = {script: languages for script, languages in SCRIPTS.items() if " " not in languages and script != "Grek"}
    return {**single, **_OF_SCRIPT}


@cache
def _ranges() -> tuple[list[int], list[tuple[int, str]]]:
    """Sorted first code points, and the last code point and script of each range."""
    ranges = []
    for script, listed in CHARACTERS.items():
        for item in listed.split():
            first, _, last = item.partition("-")
            ranges.append((int(first, 16), int(last or first, 16), script))
    ranges.sort()
    return [first for first, _, _ in ranges], [(last, script) for _, last, script in ranges]


@lru_cache(maxsize=65536)
def _script_of(character: str) -> str:
    firsts, ends = _ranges()
    code = ord(character)
    at = bisect_right(firsts, code) - 1
    if at < 0 or code > ends[at][0]:
        return ""
    return ends[at][1]
