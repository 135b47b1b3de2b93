"""Bytes to text: what is not readable UTF-8 is refused with the fix, never decoded by guess."""

from __future__ import annotations

import codecs
import gzip
import os
import zlib
from pathlib import Path
from typing import BinaryIO

from taskzoo.errors import DataError, nearest

from .binary import binary_kind, seems_binary
from .names import listed

MOST_UNPACKED = 2**31
"""Bytes that a gzip file may unpack to."""
MOST_TIMES, FREE_UNPACKED = 100, 2**26
"""How many times its own size it may unpack to, where that is more than so many bytes; text shrinks 3 to 20 times."""

_CHUNK = 2**20
_MARKS = (  # a longer mark stands before one that it starts with
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)


def read_text(path: Path) -> str:
    """The text of a plain or gzipped file, without its byte order mark.

    Raises:
        DataError: missing, a directory, not readable, empty, binary, or not UTF-8.
    """
    return to_text(read_bytes(path), str(path))


def to_text(data: bytes, source: str) -> str:
    """The bytes of a file as text, without its byte order mark.

    Raises:
        DataError: empty, binary, or not UTF-8.
    """
    if kind := binary_kind(data):
        raise DataError(f"this is {kind[0]}; {kind[1]}.", file=source)
    text = _decode(data, source)
    if not text.strip():
        raise DataError("the file is empty.", file=source)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        reason = "a NUL byte stands here, so this is not plain text, or UTF-16 without its mark; save it as UTF-8."
        raise DataError(reason, file=source, line=line)
    return text


def read_bytes(path: Path) -> bytes:
    """The content of a plain or gzipped file.

    Raises:
        DataError: missing, a directory, not readable, broken gzip, or gzip of far more than a file of text.
    """
    source = str(path)
    require_file(path)
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            return _unpack(file, path) if packed or path.suffix.lower() == ".gz" else file.read()
    except MemoryError:
        raise DataError("the file does not fit into memory; split it.", file=source) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"gzip cannot unpack it ({error}); copy the file again.", file=source) from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror or error}).", file=source) from None


def _unpack(file: BinaryIO, path: Path) -> bytes:
    """The content of a gzip file, chunk by chunk, so that a small file cannot fill the memory."""
    size = os.fstat(file.fileno()).st_size
    most = min(MOST_UNPACKED, max(FREE_UNPACKED, MOST_TIMES * size))
    found = bytearray()
    with gzip.GzipFile(fileobj=file) as unpacked:
        while chunk := unpacked.read(_CHUNK):
            found += chunk
            if len(found) > most:
                message = f"this gzip file of {size / 1e6:,.1f} MB unpacks to more than {most / 1e6:,.0f} MB"
                raise DataError(f"{message}; if that is right, unpack it (gunzip FILE) or split it.", file=str(path))
    return bytes(found)


def split_lines(text: str, source: str) -> list[str]:
    r"""Lines without their ends, which are ``\n`` or ``\r\n``.

    ``str.splitlines`` would also break at U+2028, U+0085, form feeds and a carriage return inside a line.

    Raises:
        DataError: the only line ends are carriage returns.
    """
    if "\n" not in text and "\r" in text.rstrip("\r"):
        fix = "convert them with: tr '\\r' '\\n' < FILE > NEW."
        raise DataError(f"lines end in lone carriage returns; {fix}", file=source)
    lines = [line.rstrip("\r") for line in text.split("\n")]
    return lines[:-1] if not lines[-1] else lines


def require_file(path: Path) -> None:
    """Check that ``path`` is a file, without reading it.

    Raises:
        DataError: it is missing (with the nearest names beside it) or a folder.
    """
    folder = path if path.is_dir() else path.parent
    if path.exists() and folder != path:
        return
    if not folder.is_dir():
        raise DataError(f"there is no such file, nor a folder {str(folder)!r}.", file=str(path))
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    if folder == path:
        message = f"this is a folder and a file is needed; it holds {listed(names)}."
    elif near := nearest(path.name, names):
        message = f"there is no such file; did you mean {' or '.join(map(repr, near))}?"
    else:
        message = f"there is no such file; its folder holds {listed(names)}."
    raise DataError(message, file=str(path))


def _decode(data: bytes, source: str) -> str:
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if not encoding.startswith("utf-8"):
            found = f"the file starts as {encoding.upper()} but does not decode ({error.reason})"
            raise DataError(f"{found}; save it as UTF-8.", file=source) from None
        if seems_binary(data):
            raise DataError("this is a binary file and not text; is it the right file?", file=source) from None
        place = error.start - data.rfind(b"\n", 0, error.start)
        found = f"byte {place} of this line (0x{data[error.start]:02X}) is not UTF-8"
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{found}; {_likely_encoding(data, error)}", file=source, line=line) from None


def _likely_encoding(data: bytes, error: UnicodeDecodeError) -> str:
    """What the bytes look like and how to convert them, in words."""
    if error.reason == "unexpected end of data" and not data[: error.start].isascii():
        return "the file seems cut off inside a character."
    if _is_chinese(data):
        return "it looks like GB18030: convert with iconv -f GB18030 -t UTF-8 FILE > NEW."
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return "save the file as UTF-8."
    return "it looks like latin-1/windows-1252: convert with iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW."


def _is_chinese(data: bytes) -> bool:
    """Whether the bytes decode as GB18030, and mostly to common characters (those of GB 2312)."""
    try:
        beyond_ascii = "".join(c for c in data.decode("gb18030") if not c.isascii())
    except UnicodeDecodeError:
        return False
    return len(beyond_ascii.encode("gb2312", "ignore").decode("gb2312")) >= 0.8 * len(beyond_ascii)
