"""Names and codes of languages, and which scripts say a language.

Everywhere in the zoo a language is its ISO 639-1 code, or ISO 639-3 where it has none: ``en``, ``zh``, ``ceb``. What
people, files and tokenizers call it is read here. The scripts of texts: :mod:`taskzoo.scripts`.

A line of ``languages.txt`` holds three fields between colons: that code and further ones (639-3, 639-2/B, that of the
standard variety); the scripts (ISO 15924) it is written in; names in English, a semicolon, names in itself and others.
The first name is the one that is shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from taskzoo.errors import UnknownNameError
from taskzoo.scripts import scripts_in

TABLE = Path(__file__).with_name("languages.txt").read_text(encoding="utf-8")

_DECORATION = re.compile(r"(?:__|>>|<2|<|\[)?(.*?)(?:__|<<|>|\])?", re.DOTALL)  # __zh__, >>cmn_Hans<<, <2zh>
_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?")
_TRADITIONAL = {"TW", "HK", "MO"}
_SCRIPT_WORDS = (("simplified|简体|簡體|简化", "Hans"), ("traditional|繁体|繁體|正体|正體", "Hant"))
_CALLED = re.compile("[语語文话話]$")  # what Chinese and Japanese put behind the name of a language
_RELATED = {"no": ("nb", "nn"), "nb": ("no",), "nn": ("no",)}  # serves where the language itself is missing
_UNSURE = {"sr": "Cyrl", "zh": "Hans", "uz": "Latn", "az": "Latn", "kk": "Cyrl", "ku": "Latn", "mn": "Cyrl"}
_OF_SCRIPT = {"Hani": "zh", "Kana": "ja"}
_JAPANESE = 0.1  # share of kana among kana and Han above which a text is Japanese
_NOWHERE = {"XX"}  # the region of mBART's codes
_LISTED = 12  # codes in a message


class _Tag(NamedTuple):
    """A language with the script and region that its name says, or ``""``."""

    language: str
    script: str = ""
    region: str = ""


class _Language(NamedTuple):
    """A line of the table."""

    codes: list[str]
    scripts: frozenset[str]
    names: list[str]


def language_code(name: str) -> str:
    """The code of a language given as ``English``, ``eng``, ``en-US``, ``en_XX``, ``eng_Latn``, ``Chinese``, ``中文``.

    Raises:
        UnknownNameError: no language that is known here, with the nearest names.
    """
    code = as_language(name)
    if code is None:
        hint = "A language is given by its English name or ISO 639 code, such as English, en or eng."
        raise UnknownNameError("language", name, [each for known in _table().values() for each in known.names], hint)
    return code


def as_language(name: str) -> str | None:
    """The code of a language as :func:`language_code` gives it, or ``None`` for what names no language."""
    tag = _parse(name)
    return None if tag is None else tag.language


def language_tag(name: str) -> str:
    """The code of a language with the script or region that its name says: ``zh-TW``, ``zh-Hant``, ``pt-BR``, ``en``.

    A script is left out where the language has no other, as in ``eng_Latn``; a name that is no language is kept.
    """
    tag = _parse(name)
    if tag is None:
        return name
    implied = _table()[tag.language].scripts == {tag.script} or _scripted(tag.language, tag.region) == tag.script
    script = "" if implied else tag.script
    region = "" if tag.region in _NOWHERE else tag.region
    return "-".join(filter(None, (tag.language, script, region)))


def closest(asked: str, names: Iterable[str]) -> list[str]:
    """Those of ``names`` that name the language asked for, in the variety that is closest to it.

    Another script than the one asked for is another variety (``zh-CN`` for ``zh-TW``) and never serves. Then a name
    that says just what is asked for goes first, then one with the same region, then those without a region.

    Args:
        asked: a language in any form.
        names: of columns, files or texts; what names no language is left out.
    """
    wanted = _parse(asked)
    tags = {name: tag for name in names if wanted and (tag := _parse(name)) is not None}
    if wanted is None:
        return []
    for language in (wanted.language, *_RELATED.get(wanted.language, ())):
        found = {name: tag for name, tag in tags.items() if tag.language == language}
        found = {
            n: tag for n, tag in found.items() if not (tag.script and wanted.script) or tag.script == wanted.script
        }
        same = [name for name, tag in found.items() if tag == wanted]
        regional = [name for name, tag in found.items() if wanted.region and tag.region == wanted.region]
        plain = [name for name, tag in found.items() if wanted.region and not tag.region]
        if found:
            return same or regional or plain or list(found)
    return []


def other_variety(asked: str, name: str) -> bool:
    """Whether ``name`` says another region than the one asked for, or a related language: ``pt-PT`` for ``pt-BR``."""
    wanted, tag = _parse(asked), _parse(name)
    if wanted is None or tag is None:
        return False
    return tag.language != wanted.language or bool(tag.region and wanted.region and tag.region != wanted.region)


def refined(asked: str, names: Iterable[str]) -> str:
    """``asked``, or the variety that ``names`` say, if it says none and they agree: ``zh-TW`` for ``zh``."""
    tags = {language_tag(name) for name in names}
    return tags.pop() if len(tags) == 1 and as_language(next(iter(tags))) == asked else asked


def same_script(names: Iterable[str]) -> bool:
    """Whether names of one language mean one script of it, the usual one where they say none."""
    tags = filter(None, map(_parse, names))
    return len({tag.script or _UNSURE.get(tag.language, "") for tag in tags}) < 2


def language_name(code: str) -> str:
    """The English name: ``Chinese`` for ``zh``.

    Raises:
        UnknownNameError: as :func:`language_code`.
    """
    return _table()[language_code(code)].names[0]


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
    named = [name for tag in tags.values() for name in _table()[tag.language].names]
    listed = sorted(codes, key=lambda code: _bare(code)[:1].casefold() != language.strip()[:1].casefold())
    rest = f" and {len(codes) - _LISTED} more" if len(codes) > _LISTED else ""
    hint = f"There are {', '.join(listed[:_LISTED])}{rest}." if codes else "The tokenizer has none."
    raise UnknownNameError("language code", language, [*codes, *named], hint)


def language_scripts(code: str) -> frozenset[str]:
    """The scripts (ISO 15924) that texts of a language are written in: Han and kana for ``ja``.

    Raises:
        UnknownNameError: as :func:`language_code`.
    """
    return _table()[language_code(code)].scripts


def script_language(texts: Iterable[str]) -> str:
    """The language that the script of most texts belongs to alone, or ``""``.

    Han means Chinese, with more than a little kana Japanese; Hangul Korean; Thai, Georgian, Tamil and others speak for
    themselves. Latin, Cyrillic, Arabic, Hebrew, Greek and Devanagari do not say a language;
    :func:`taskzoo.scripts.main_script` tells them apart. Texts without letters do not count.
    """
    votes: Counter[str] = Counter()
    for counts in filter(None, map(scripts_in, texts)):
        script = counts.most_common(1)[0][0]
        if script in ("Hani", "Kana"):
            kana = counts["Kana"] / (counts["Kana"] + counts["Hani"])
            script = "Kana" if kana > _JAPANESE else "Hani"
        votes[script] += 1
    ((script, count),) = votes.most_common(1) or [("", 0)]
    return _languages_of_scripts().get(script, "") if 2 * count > votes.total() else ""


@lru_cache(maxsize=4096)
def _parse(name: str) -> _Tag | None:
    name = _bare(name)
    codes = _codes()
    if code := _named(name):
        return _Tag(code)
    if match := _TAG.fullmatch(name):
        code, script, region = (part or "" for part in match.groups())
        if code.lower() in codes:
            script, region = script.title(), region.upper()
            return _Tag(codes[code.lower()], script or _scripted(codes[code.lower()], region), region)
    for word, script in _SCRIPT_WORDS:  # Chinese (Simplified), Traditional Chinese, 简体中文
        rest = re.sub(rf"[(（,]?\s*({word})\s*[)）]?", " ", name.casefold()).strip()
        if rest != name.casefold() and (code := _named(rest)):
            return _Tag(code, script)
    return None


def _named(name: str) -> str:
    """The code of the language with this name, or ``""``."""
    known, name = _names(), name.casefold()
    return known.get(name) or known.get(_CALLED.sub("语", name), "")


def _scripted(language: str, region: str) -> str:
    """The script that a region says, or ``""``."""
    return "" if language != "zh" else "Hant" if region in _TRADITIONAL else "Hans" if region in ("CN", "SG") else ""


def _bare(name: str) -> str:
    match = _DECORATION.fullmatch(name.strip())
    return match[1].strip() if match else name


def _closeness(tag: _Tag, asked: _Tag) -> tuple[bool, bool, bool, bool]:
    """How well a code suits: the script asked for, the region asked for, no script or the usual one, the usual one."""
    usual = _UNSURE.get(tag.language, "")
    script, region = tag.script == asked.script != "", tag.region == asked.region != ""
    return script, region, tag.script in ("", usual), tag.script == usual != ""


@cache
def _table() -> dict[str, _Language]:
    """Code -> what is known of the language."""
    known = {}
    for line in TABLE.splitlines():
        codes, scripts, names = line.split(": ")
        known[codes.split()[0]] = _Language(codes.split(), frozenset(scripts.split()), re.split("[,;] ", names))
    return known


@cache
def _names() -> dict[str, str]:
    """Case-folded name -> code; the first language of a name has it."""
    return {name.casefold(): code for code, known in reversed(_table().items()) for name in known.names}


@cache
def _codes() -> dict[str, str]:
    """Each code in any standard -> the code used here."""
    return {each: code for code, known in _table().items() for each in known.codes}


@cache
def _languages_of_scripts() -> dict[str, str]:
    users = Counter(script for known in _table().values() for script in known.scripts - {"Grek"})
    single = {script: code for code, known in _table().items() for script in known.scripts if users[script] == 1}
    return {**single, **_OF_SCRIPT}
