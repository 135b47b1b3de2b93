"""Lines of standard input: UTF-8, one text each."""

from __future__ import annotations

from typing import TextIO

LONGEST = 10_000_000
"""Characters of a line; more is not one text but a file of another form."""


def read_lines(stream: TextIO) -> list[str]:
    r"""The lines without their ends, which are ``\n`` or ``\r\n``; empty ones are lines, too.

    Raises:
        DataError: what is not UTF-8 text, with the likely encoding; or a line is too long to be a text.
    """
    from taskzoo.data.readers.files import split_lines, to_text
    from taskzoo.errors import DataError

    source = "standard input"
    if (raw := getattr(stream, "buffer", None)) is None:  # not a file, as in a notebook
        lines = [line.rstrip("\r\n") for line in stream]
    else:
        data: bytes = raw.read()
        if not data.strip():
            return [""] * data.count(b"\n")
        lines = split_lines(to_text(data, source), source)
    for number, line in enumerate(lines, 1):
        if len(line) > LONGEST:
            message = f"this line has {len(line):,} characters, so it is not one text a line; use --input FILE."
            raise DataError(message, file=source, line=number)
    return lines
