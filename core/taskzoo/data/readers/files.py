"""Bytes to text: what is not readable UTF-8 is refused with the fix, never decoded by guess."""

from __future__ import annotations

import codecs
import gzip
import zlib
from pathlib import Path

from taskzoo.errors import DataError, nearest

_BINARY = {b"PK\x03\x04": "a zip or Excel file", b"SQLite format 3": "an SQLite file"}
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
    for start, what in _BINARY.items():
        if data.startswith(start):
            raise DataError(f"this is {what}; save it as CSV, TSV or JSON lines.", file=source)
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
        DataError: missing, a directory, not readable, or broken gzip.
    """
    source = str(path)
    require_file(path)
    try:
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b") or (path.suffix.lower() == ".gz" and data):
            return gzip.decompress(data)
        return data
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"gzip cannot unpack it ({error}); copy the file again.", file=source) from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror or error}).", file=source) from None


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


def listed(names: list[str], limit: int = 5) -> str:
    """A few names for a message."""
    if not names:
        return "no files"
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + rest


def _decode(data: bytes, source: str) -> str:
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if not encoding.startswith("utf-8"):
            found = f"the file starts as {encoding.upper()} but does not decode ({error.reason})"
            raise DataError(f"{found}; save it as UTF-8.", file=source) from None
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
