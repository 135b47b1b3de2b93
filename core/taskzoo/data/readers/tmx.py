"""TMX 1.4, the exchange format of translation memories.

A unit (``tu``) holds a variant (``tuv``) per language and each its text (``seg``). Tags that mark up a text are dropped
and the text inside stays; what ``bpt``, ``ept``, ``it``, ``ph`` and ``ut`` hold is code of another format and not text.
"""

from __future__ import annotations

from taskzoo.types import Row

from ..columns import Columns
from .base import FileReader
from .files import to_text
from .units import Unit, UnitParser, unit_rows

_CODES = {"bpt", "ept", "it", "ph", "ut"}


class Tmx(FileReader):
    """One row per unit, as :func:`~.units.unit_rows` makes them."""

    name = "tmx"
    suffixes = (".tmx",)

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        columns.refuse_options("TMX has")
        parser = _Parser(columns.source, _CODES)
        parser.parse(to_text(data, columns.source))
        return unit_rows(parser.units, columns, parser.source_language)


class _Parser(UnitParser):
    """Collects units."""

    source_language = ""
    _language = ""  # of the variant that the parser is in

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "header":
            self.source_language = attributes.get("srclang", "")
        elif name == "tu":
            self.units.append(Unit(self.line))
        elif name == "tuv":
            self._language = attributes.get("xml:lang") or attributes.get("lang", "")
            if not self._language and self.units:
                self._language = "?"
                self.units[-1].error = self.error("a tuv has no xml:lang, which says its language")
        elif name == "seg":
            if not self.units or not self._language:
                self.refuse("a seg stands outside of a tuv")
            self.open_text()

    def end(self, name: str) -> None:
        if name == "seg" and self.in_text:
            self.units[-1].texts.append((self._language, self.close_text()))
        elif name == "tuv":
            self._language = ""
