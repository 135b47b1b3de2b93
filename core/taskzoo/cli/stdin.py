"""Lines of standard input: UTF-8, one text each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from taskzoo.data.streams.records import BadRecord


def read_lines(stream: TextIO) -> Iterator[str]:
    r"""As :func:`read_items`; a line that is not text is an error.

    Raises:
        DataError: what is not UTF-8 text, with the likely encoding; or a line is too long to be a text.
    """
    for item in read_items(stream):
        if not isinstance(item, str):
            raise item.error()
        yield item


def read_items(stream: TextIO) -> Iterator[str | BadRecord]:
    r"""The lines without their ends, which are ``\n`` or ``\r\n``; empty ones are lines, too.

    They are read as they are needed. Where whitespace is all there is, each line is an empty one. One that is not
    UTF-8 is a bad record, with the likely encoding.

    Raises:
        DataError: a line is too long to be a text.
    """
    from taskzoo.data.streams.records import BadRecord
    from taskzoo.data.streams.text_lines import TextLines, unreadable

    source = "standard input"
    if (raw := getattr(stream, "buffer", None)) is None:  # not a file, as in a notebook
        yield from (line.rstrip("\r\n") for line in stream)
        return
    for number, line in enumerate(TextLines(raw, source, blank=True), 1):
        text = line.rstrip("\n").rstrip("\r")
        yield BadRecord(source, number, reason, text) if (reason := unreadable(text)) else text
