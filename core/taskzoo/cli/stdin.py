"""Lines of standard input: UTF-8, one text each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO


def read_lines(stream: TextIO) -> Iterator[str]:
    r"""The lines without their ends, which are ``\n`` or ``\r\n``; empty ones are lines, too.

    They are read as they are needed. Where whitespace is all there is, each line is an empty one.

    Raises:
        DataError: what is not UTF-8 text, with the likely encoding; or a line is too long to be a text.
    """
    from taskzoo.data.streams.text_lines import TextLines, unreadable
    from taskzoo.errors import DataError

    source = "standard input"
    if (raw := getattr(stream, "buffer", None)) is None:  # not a file, as in a notebook
        yield from (line.rstrip("\r\n") for line in stream)
        return
    for number, line in enumerate(TextLines(raw, source, blank=True), 1):
        text = line.rstrip("\n").rstrip("\r")
        if reason := unreadable(text):
            raise DataError(reason, file=source, line=number)
        yield text
