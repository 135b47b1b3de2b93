"""PO, the message catalogues of GNU gettext: ``msgid`` is the source and ``msgstr`` its translation.

The language of the translations is that of the file's header (``Language: de``). Entries without a translation, those
marked as ``fuzzy`` and those that are obsolete (``#~``) are left out and counted. Of a message with a plural, the
singular and the plural give a row each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from taskzoo.errors import DataError
from taskzoo.types import Row

from ..columns import Columns
from .base import FileReader
from .files import split_lines, to_text
from .units import Unit, stated, unit_rows

_LINE = re.compile(r'(?:(msgctxt|msgid|msgid_plural|msgstr)(?:\[([0-9]+)\])?\s*)?"((?:[^"\\]|\\.)*)"\s*')
_ESCAPED = re.compile(r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{2})|(.))")
_MEANT = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


class Po(FileReader):
    """One row per translated message, as :func:`~.units.unit_rows` makes them."""

    name = "po"
    suffixes = (".po", ".pot")

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        columns.refuse_options("PO has")
        entries = _entries(to_text(data, columns.source), columns)
        header = next((entry.texts.get("msgstr", "") for entry in entries if entry.is_header), "")
        source, target = stated(
            _header(header, "X-Source-Language"), _header(header, "Language"), columns.languages.given
        )
        units = []
        for entry in entries:
            if entry.error:
                units.append(Unit(entry.line, error=entry.error))
                continue
            if not entry.texts.get("msgid"):
                continue
            if entry.fuzzy:
                columns.request.notes["fuzzy messages left out"] += 1
                continue
            translations = [text for key, text in entry.texts.items() if key.startswith("msgstr")] or [""]
            pairs = [(entry.texts["msgid"], translations[0])]
            if "msgid_plural" in entry.texts:
                pairs.append((entry.texts["msgid_plural"], translations[:2][-1]))
            for one, other in pairs:
                texts = [(source, one), *([(target, other)] if other.strip() else [])]
                units.append(Unit(entry.line, [(name, " ".join(text.split())) for name, text in texts]))
        return unit_rows(units, columns, source)


@dataclass(slots=True)
class _Entry:
    """One message: its texts by keyword."""

    line: int
    fuzzy: bool = False
    texts: dict[str, str] = field(default_factory=dict)
    error: DataError | None = None

    @property
    def is_header(self) -> bool:
        """Whether this is what the file says of itself: the message without a text."""
        return self.texts.get("msgid") == "" and self.error is None


def _entries(text: str, columns: Columns) -> list[_Entry]:
    entries: list[_Entry] = []
    fuzzy, key = False, ""
    for number, line in enumerate(split_lines(text, columns.source), start=1):
        line = line.strip()
        if line.startswith("#"):
            if line.startswith("#~ msgid "):
                columns.request.notes["obsolete messages left out"] += 1
            fuzzy = not line.startswith("#~") and (fuzzy or (line.startswith("#,") and "fuzzy" in line))
            continue
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None or not (match[1] or key):
            error = columns.error('a line of PO is a keyword and a text in quotes, such as msgid "Open".', number)
            if line.startswith(("msgctxt", "msgid ")):
                entries.append(_Entry(number, texts={"msgid": ""}, error=error))
                fuzzy, key = False, "msgid"
            elif not entries or entries[-1].is_header:
                raise error
            entries[-1].error = entries[-1].error or error
            continue
        if match[1]:
            if match[1] == "msgctxt" or (match[1] == "msgid" and (not entries or "msgid" in entries[-1].texts)):
                entries.append(_Entry(number, fuzzy))
                fuzzy = False
            key = match[1] + (match[2] or "")
        if not entries:
            raise columns.error("a msgstr stands before any msgid.", number)
        entries[-1].texts[key] = entries[-1].texts.get(key, "") + _ESCAPED.sub(_character, match[3])
    return entries


def _character(match: re.Match[str]) -> str:
    octal, hexadecimal, letter = match.groups()
    return chr(int(octal, 8)) if octal else chr(int(hexadecimal, 16)) if hexadecimal else _MEANT.get(letter, letter)


def _header(text: str, name: str) -> str:
    """The language that a line of the header says, such as ``pt_BR`` or ``sr@latin``; ``""`` if none."""
    found = re.search(rf"^{name}:[ \t]*([\w-]+)(?:\.[\w-]+)?(@latin|@cyrillic)?", text, re.MULTILINE)
    return found[1] + {"@latin": "_Latn", "@cyrillic": "_Cyrl"}.get(found[2] or "", "") if found else ""
