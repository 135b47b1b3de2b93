"""XLIFF 1.2 and 2.x, in which translation tools exchange files: a source and its translation for each segment.

Markup inside a text is dropped and its text stays; what ``bpt``, ``ept``, ``it`` and ``ph`` hold is code of another
format. Proposals from translation memories (``alt-trans``, ``match``) and segments that are marked as not translated
are left out, and so is what stands between segments (``ignorable``).
"""

from __future__ import annotations

from taskzoo.types import Row

from ..columns import Columns
from .base import FileReader
from .files import to_text
from .units import Unit, UnitParser, stated, unit_rows

_CODES = {"bpt", "ept", "it", "ph", "alt-trans", "match", "matches", "seg-source", "note", "notes", "originalData"}
_SEGMENTS = {"trans-unit", "segment"}
_UNTRANSLATED = {"new", "needs-translation", "initial"}


class Xliff(FileReader):
    """One row per translated segment (``trans-unit``, ``segment``), as :func:`~.units.unit_rows` makes them."""

    name = "xliff"
    suffixes = (".xlf", ".xliff", ".mxliff", ".mqxliff", ".sdlxliff")

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        columns.refuse_options("XLIFF has")
        parser = _Parser(columns.source, _CODES)
        parser.given = columns.languages.given
        parser.languages = stated("", "", parser.given)
        parser.parse(to_text(data, columns.source))
        return unit_rows(parser.units, columns, parser.languages[0])


class _Parser(UnitParser):
    """Collects segments."""

    def __init__(self, source: str, codes: set[str]) -> None:
        super().__init__(source, codes)
        self.given: dict[str, str] = {}
        self.languages = ("source", "target")
        self._side = self._language = ""
        self._translated = True
        self._inside = False  # of a segment; a text elsewhere, as in ``ignorable``, belongs to none

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "xliff" and attributes.get("srcLang"):
            self.languages = stated(attributes["srcLang"], attributes.get("trgLang", ""), self.given)
        elif name == "file" and (attributes.get("source-language") or attributes.get("target-language")):
            source, target = (attributes.get(f"{side}-language", "") for side in ("source", "target"))
            self.languages = stated(source, target, self.given)
        elif name in _SEGMENTS:
            self.units.append(Unit(self.line))
            self._translated, self._inside = attributes.get("state") not in _UNTRANSLATED, True
        elif name in ("source", "target") and self._inside and not self._side:
            self._side, self._language = name, attributes.get("xml:lang", "")
            self._translated &= attributes.get("state") not in _UNTRANSLATED
            self.open_text()
        elif name == "cp":  # a character that XML cannot hold
            self.add(" ")

    def end(self, name: str) -> None:
        if name == self._side:
            text, self._side = self.close_text(), ""
            side = ("source", "target").index(name)
            if side == 0 or self._translated:
                self.units[-1].texts.append((self._language or self.languages[side], text))
        elif name in _SEGMENTS:
            self._inside = False
