"""XML as a stream of events, without a tree: what the readers of translation memories and XLIFF have in common.

Entities that a file defines are refused, since a few bytes can stand for gigabytes; nothing outside the file is read.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NoReturn
from xml.parsers import expat

from taskzoo.errors import DataError


class Markup:
    """Goes through a file; a subclass says what is done at the start and end of an element.

    Args:
        source: the file, for messages.
        codes: elements whose content is not text but code of another format.
    """

    def __init__(self, source: str, codes: Collection[str]) -> None:
        self._source = source
        self._codes = codes
        self._text: list[str] | None = None
        self._code = 0  # depth inside elements that hold no text
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self.add
        self._expat.EntityDeclHandler = lambda name, *_: self.refuse(
            f"the file defines the entity {name!r}, which is not read; replace it by its text"
        )
        self._expat.SkippedEntityHandler = lambda name, _: self.leave_out(
            f"the entity {name!r} is not defined; replace it by its text"
        )

    def parse(self, text: str) -> None:
        """Go through ``text``.

        Raises:
            DataError: broken XML, or entities that are not read.
        """
        try:
            self._expat.Parse(text, True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise DataError(f"this is broken XML ({reason}).", file=self._source, line=error.lineno) from None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """At the start of an element, named without its namespace."""

    def end(self, name: str) -> None:
        """At its end."""

    @property
    def line(self) -> int:
        """Where the parser is."""
        return self._expat.CurrentLineNumber

    @property
    def in_text(self) -> bool:
        """Whether text is being collected."""
        return self._text is not None

    def open_text(self) -> None:
        """Collect text from here on."""
        self._text = []

    def close_text(self) -> str:
        """What was collected, with single spaces."""
        text, self._text = " ".join("".join(self._text or ()).split()), None
        return text

    def add(self, text: str) -> None:
        """Add to the text that is being collected."""
        if self._text is not None and not self._code:
            self._text.append(text)

    def error(self, message: str) -> DataError:
        """An error at this line."""
        return DataError(f"{message}.", file=self._source, line=self.line)

    def refuse(self, message: str) -> NoReturn:
        """Raise a DataError at this line."""
        raise self.error(message)

    def leave_out(self, message: str) -> None:
        """What the parser is in cannot be used; by default, the file cannot."""
        self.refuse(message)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name in self._codes:
            self._code += 1
        elif not self._code:
            self.start(name, attributes)

    def _end(self, name: str) -> None:
        name = name.rpartition(":")[2]
        if name in self._codes:
            self._code -= 1
        elif not self._code:
            self.end(name)
