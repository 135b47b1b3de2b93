"""TMX 1.4, the exchange format of translation memories, read as a stream of events without building a tree.

A unit (``tu``) holds a variant (``tuv``) per language and each its text (``seg``). Tags that mark up a text are dropped
and the text inside stays; what ``bpt``, ``ept``, ``it``, ``ph`` and ``ut`` hold is code of another format and not text.
Regions do not count: ``en-US`` is ``en``. Entities that a file defines are refused, since a few bytes can stand for
gigabytes; nothing outside the file is read.
"""

from __future__ import annotations

from itertools import product
from xml.parsers import expat

from taskzoo.errors import DataError
from taskzoo.languages import as_language
from taskzoo.types import Row

from ..column_names import quoted
from ..columns import Columns
from .base import FileReader
from .files import to_text

_CODE = {"bpt", "ept", "it", "ph", "ut"}

_Variants = list[tuple[str, str]]  # language and text


class Tmx(FileReader):
    """One row per unit, with the line that the unit starts on; of variants in one language, each gives a row.

    Units that lack one of the languages are left out and counted. Where a language is not given, the file must hold as
    many as are needed; the source is then the one that the header names, else the first of the first unit.
    """

    name = "tmx"
    suffixes = (".tmx",)

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        columns.refuse_options("TMX has")
        parser = _Parser(columns.source)
        parser.parse(to_text(data, columns.source))
        codes = _directions(parser, columns)
        needed = columns.required or {role for role in codes if role in columns.roles}
        rows = []
        for line, variants in parser.units:
            texts = {role: [text for code, text in variants if code == wanted] for role, wanted in codes.items()}
            present = [role for role, found in texts.items() if found]
            if not needed <= set(present):
                columns.request.notes["units without one of the languages left out"] += 1
                continue
            for values in product(*(texts[role] for role in present)):
                rows.append(columns.row(dict(zip(present, values, strict=True)), line, tuple(codes.values())))
        if not rows:
            wanted, found = " and ".join(codes.values()), ", ".join(parser.languages()) or "none"
            raise columns.error(f"no unit is in {wanted}; the languages of this file are {found}.")
        return rows


def _directions(parser: _Parser, columns: Columns) -> dict[str, str]:
    """Role -> code."""
    found = parser.languages()
    codes = dict(columns.languages.given)
    unknown = [role for role, code in codes.items() if not code]
    rest = [code for code in found if code not in codes.values()]
    if unknown and len(rest) != len(unknown):
        what = f"{len(rest)} languages besides" if len(rest) != len(found) else f"{len(found)} languages"
        which = f"it is not said which is the {' and which the '.join(unknown)}"
        raise columns.error(f"this file holds {what}, {quoted(rest)}, and {which}; set the languages.")
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
        self._expat.EntityDeclHandler = lambda name, *_: self._refuse(
            f"the file defines the entity {name!r}, which is not read; replace it by its text"
        )
        self._expat.SkippedEntityHandler = lambda name, _: self._refuse(
            f"the entity {name!r} is not defined; replace it by its text"
        )

    def languages(self) -> list[str]:
        return list(dict.fromkeys(code for _, variants in self.units for code, _ in variants))

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

    def _refuse(self, message: str) -> None:
        raise DataError(f"{message}.", file=self._source, line=self._expat.CurrentLineNumber)
