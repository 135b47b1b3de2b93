"""Bytes to text: what is not readable UTF-8 is refused with the fix, never decoded by guess."""

from __future__ import annotations

import codecs
import gzip
import zlib
from pathlib import Path

from ...errors import DataError, nearest

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
        raise DataError(
            "a NUL byte stands here, so this is no plain text, or UTF-16 without its mark; save it as UTF-8.",
            file=source,
            line=line,
        )
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
            data = gzip.decompress(data)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"gzip cannot unpack it ({error}); copy the file again.", file=source) from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror or error}).", file=source) from None
    return data


def split_lines(text: str, source: str) -> list[str]:
    r"""Lines without their ends, which are ``\n`` or ``\r\n``.

    ``str.splitlines`` would also break at U+2028, U+0085, form feeds and a carriage return inside a line.

    Raises:
        DataError: the only line ends are carriage returns.
    """
    if "\n" not in text and "\r" in text.rstrip("\r"):
        raise DataError(
            "lines end in lone carriage returns; convert them with: tr '\\r' '\\n' < FILE > NEW.", file=source
        )
    lines = [line.rstrip("\r") for line in text.split("\n")]
    return lines[:-1] if not lines[-1] else lines


def require_file(path: Path) -> None:
    """Check that ``path`` is a file, without reading it.

    Raises:
        DataError: it is missing (with the nearest names beside it) or a folder.
    """
    if path.is_dir():
        inside = sorted(p.name for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
        raise DataError(f"this is a folder and a file is needed; it holds {listed(inside)}.", file=str(path))
    if not path.exists():
        raise DataError(_missing(path), file=str(path))


def _missing(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no such file, nor a folder {str(folder)!r}."
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    near = nearest(path.name, names)
    if near:
        return f"there is no such file; did you mean {' or '.join(repr(name) for name in near)}?"
    return f"there is no such file; its folder holds {listed(names)}."


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
            raise DataError(
                f"the file starts as {encoding.upper()} but does not decode ({error.reason}); save it as UTF-8.",
                file=source,
            ) from None
        before = data.rfind(b"\n", 0, error.start) + 1
        raise DataError(
            f"byte {error.start - before + 1} of this line (0x{data[error.start]:02X}) is not UTF-8; "
            + _likely_encoding(data, error),
            file=source,
            line=data.count(b"\n", 0, error.start) + 1,
        ) from None


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
        beyond_ascii = [c for c in data.decode("gb18030") if not c.isascii()]
    except UnicodeDecodeError:
        return False
    common = sum(1 for c in beyond_ascii if _in_gb2312(c))
    return common >= 0.8 * len(beyond_ascii)


def _in_gb2312(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True
