"""The lines of a text that is decoded block by block."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Protocol

from taskzoo.data.readers.files import encoding_of, split_lines, to_text
from taskzoo.errors import DataError

HEAD = 2**20
"""Bytes at the beginning of a file, by which its format is detected."""
LONGEST = 10_000_000
"""Characters of a row; more is not a text but a fault, or a file of another form."""

_BLOCK = 2**20
_TOO_LONG = f"more than {LONGEST:,} characters stand here, so this is not one text or row"
_ODD = 0.1  # with a larger share of lines that are not UTF-8, the file has another encoding


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes: ...  # pragma: no cover


class TextLines:
    """Lines with their ends; only a line feed ends one.

    Of a line that is longer than :data:`LONGEST`, a part may be missing; :func:`unreadable` knows such a line. If it is
    the first one, this is an error.

    Attributes:
        head: the text of the first :data:`HEAD` bytes, up to the last line end where there are more.
        whole: whether that is everything.

    Args:
        file: where the bytes come from.
        source: its name, for messages.
        tolerant: whether lines that are not UTF-8 are given all the same, as :func:`unreadable` knows them, if they
            are few among the first ones; otherwise they are an error among the first ones.
        blank: whether a text of whitespace only is no error but that many empty lines.

    Raises:
        DataError: this is not text, or not in Unicode.
    """

    def __init__(self, file: Readable, source: str, *, tolerant: bool = False, blank: bool = False) -> None:
        self._file, self.source = file, source
        first = file.read(HEAD)
        self.whole = len(first) < HEAD
        encoding = encoding_of(first)
        if self.whole and blank and not first.strip():
            first = b"\n" * first.count(b"\n")
        else:
            self._check(first, encoding, tolerant=tolerant)
        lenient = "surrogateescape" if encoding.startswith("utf-8") else "strict"
        self._decoder = codecs.getincrementaldecoder(encoding)(lenient)
        self._text = self._decode(first, final=self.whole)
        self.head = self._text if self.whole else self._text[: self._text.rfind("\n") + 1] or self._text
        split_lines(self.head, source)  # refuses lone carriage returns

    def __iter__(self) -> Iterator[str]:
        pending, final, number = self._text, self.whole, 1
        self._text = ""
        while True:
            *lines, pending = pending.split("\n")
            for line in lines:
                yield line + "\n"
            number += len(lines)
            if len(pending) > LONGEST:
                if number == 1:
                    message = f"{_TOO_LONG}; is it a file of another format?"
                    raise DataError(message, file=self.source, line=1)
                pending = pending[: LONGEST + 1]
            if final:
                break
            block = self._file.read(_BLOCK)
            final = not block
            pending += self._decode(block, final=final)
        if pending:
            yield pending

    def _check(self, first: bytes, encoding: str, *, tolerant: bool) -> None:
        """Refuse what is not text; ``first``: the first bytes."""
        if encoding.startswith("utf-8"):
            part = first if self.whole else first[: first.rfind(b"\n") + 1] or first
        elif self.whole:
            part = first
        else:
            return
        try:
            to_text(part, self.source)
        except DataError as error:
            if not tolerant or not error.line:
                raise
            lines = part.decode(encoding, "surrogateescape").split("\n")
            odd = sum(unreadable(line) is not None for line in lines)
            if odd > 1 and odd > _ODD * len(lines):
                raise

    def _decode(self, data: bytes, *, final: bool) -> str:
        try:
            return self._decoder.decode(data, final)
        except UnicodeDecodeError as error:
            message = f"the text does not decode as {error.encoding.upper()} ({error.reason}); save it as UTF-8."
            raise DataError(message, file=self.source) from None


def unreadable(text: str) -> str | None:
    """Why a text of :class:`TextLines` cannot be used, if it cannot."""
    if len(text) > LONGEST:
        return f"{_TOO_LONG}."
    if "\0" in text:
        return "a NUL byte stands here, so this is not plain text."
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        byte = ord(text[error.start]) - 0xDC00
        return f"byte 0x{byte:02X} is not UTF-8." if 0x80 <= byte <= 0xFF else "this holds half of a character."
    return None
