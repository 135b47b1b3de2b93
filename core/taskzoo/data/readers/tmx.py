"""TMX 1.4, the exchange format of translation memories, read as a stream of events without building a tree.

A unit (``tu``) holds a variant (``tuv``) per language and each its text (``seg``). Tags that mark up a text are dropped
and the text inside stays; what ``bpt``, ``ept``, ``it``, ``ph`` and ``ut`` hold is code of another format and no text.
Regions do not count: ``en-US`` is ``en``. Entities that a file defines are refused, since a few bytes can stand for
gigabytes; nothing outside the file is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from xml.parsers import expat

from ...errors import DataError
from ...task import Row
from ..languages import as_language
from .columns import quoted
from .languages import LANGUAGES
from .values import make_row

_CODE = {"bpt", "ept", "it", "ph", "ut"}

_Variants = list[tuple[str, str]]  # language and text


def read_tmx(
    text: str, source: str, languages: Mapping[str, str], required: frozenset[str], notes: Counter[str]
) -> list[Row]:
    """One row per unit, with the line that the unit starts on; of variants in one language, each gives a row.

    Units that lack one of the languages are left out and counted in ``notes``. Where a language is not given, the file
    must hold as many as are needed; the source is then the one that the header names, else the first of the first unit.

    Raises:
        DataError: broken XML, an entity, no unit in these languages, more languages than roles.
    """
    parser = _Parser(source)
    parser.parse(text)
    codes = _directions(parser, languages, source)
    rows = []
    for line, variants in parser.units:
        texts = {role: [text for code, text in variants if code == wanted] for role, wanted in codes.items()}
        present = [role for role in texts if texts[role]]
        if len(present) < len(codes) and not (required and required <= set(present)):
            notes["units without one of the languages left out"] += 1
            continue
        fields: list[dict[str, Any]] = [{}]
        for role in present:
            fields = [{**known, role: value} for known in fields for value in texts[role]]
        known = {LANGUAGES: tuple(codes.values())}
        rows += [make_row({**values, **known}, required, source, line) for values in fields]
    if not rows:
        found = ", ".join(dict.fromkeys(code for _, variants in parser.units for code, _ in variants)) or "none"
        wanted = " and ".join(codes.values())
        raise DataError(f"no unit is in {wanted}; the languages of this file are {found}.", file=source)
    return rows


def _directions(parser: _Parser, languages: Mapping[str, str], source: str) -> dict[str, str]:
    """role -> code."""
    found = list(dict.fromkeys(code for _, variants in parser.units for code, _ in variants))
    codes = {role: as_language(code) or code for role, code in languages.items()}
    unknown = [role for role, code in codes.items() if not code]
    rest = [code for code in found if code not in codes.values()]
    if unknown and len(rest) != len(unknown):
        what = f"{len(rest)} languages besides" if len(rest) != len(found) else f"{len(found)} languages"
        wanted = " and which the ".join(unknown)
        raise DataError(
            f"this file holds {what}, {quoted(rest)}, and it is not said which is the {wanted}; set the languages.",
            file=source,
        )
    if parser.source_language in rest:
        rest = [parser.source_language, *(code for code in rest if code != parser.source_language)]
    codes.update(zip(unknown, rest, strict=bool(unknown)))
    return codes


class _Parser:
    """Collects units: the line each starts on, and its variants."""

    def __init__(self, source: str) -> None:
        self.units: list[tuple[int, _Variants]] = []
        self.source_language = ""
        self._source = source
        self._language = ""
        self._text: list[str] | None = None
        self._code = 0  # depth inside elements that hold no text
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._characters
        self._expat.EntityDeclHandler = self._entity
        self._expat.SkippedEntityHandler = self._skipped

    def parse(self, text: str) -> None:
        try:
            self._expat.Parse(text, True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise DataError(f"this is broken XML ({reason}).", file=self._source, line=error.lineno) from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "header":
            self.source_language = as_language(attributes.get("srclang", "")) or ""
        elif name == "tu":
            self.units.append((self._expat.CurrentLineNumber, []))
        elif name == "tuv":
            tag = attributes.get("xml:lang") or attributes.get("lang", "")
            if not tag:
                self._refuse("a tuv has no xml:lang, which says its language")
            self._language = as_language(tag) or tag
        elif name == "seg":
            if not self.units or not self._language:
                self._refuse("a seg stands outside of a tuv")
            self._text = []
        elif name in _CODE:
            self._code += 1

    def _end(self, name: str) -> None:
        if name == "seg" and self._text is not None:
            self.units[-1][1].append((self._language, " ".join("".join(self._text).split())))
            self._text = None
        elif name == "tuv":
            self._language = ""
        elif name in _CODE:
            self._code -= 1

    def _characters(self, data: str) -> None:
        if self._text is not None and not self._code:
            self._text.append(data)

    def _entity(self, name: str, *_: Any) -> None:
        self._refuse(f"the file defines the entity {name!r}, which is not read; replace it by its text")

    def _skipped(self, name: str, *_: Any) -> None:
        self._refuse(f"the entity {name!r} is not defined; replace it by its text")

    def _refuse(self, message: str) -> None:
        raise DataError(f"{message}.", file=self._source, line=self._expat.CurrentLineNumber)
