"""Bytes to text: packed files are unpacked, up to a limit; what is not readable Unicode is refused with the fix."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import os
import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from taskzoo.errors import DataError, nearest

from .binary import binary_kind, seems_binary, zipped_data
from .names import listed

MOST_UNPACKED = 2**31
"""Bytes that a packed file may unpack to."""
MOST_TIMES, FREE_UNPACKED = 100, 2**26
"""How many times its own size it may unpack to, where that is more than so many bytes; text shrinks 3 to 20 times."""

_CHUNK = 2**20
_ENDS = 50  # in UTF-16, up to so many bytes for each line end look like one of UTF-8
_MARKS = (  # a longer mark stands before one that it starts with
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Packing:
    """A way to pack a file.

    Args:
        name: of the packed file, for messages.
        suffix: of its name; such a file must be packed so. ``None``: the content alone decides.
        start: of its bytes.
        open: the unpacked content of an open file.
        program: what unpacks it on the command line.
    """

    name: str
    suffix: str | None
    start: re.Pattern[bytes]
    open: Callable[[Any], Any]
    program: str


def _open_zip(file: IO[bytes]) -> IO[bytes]:
    archive = zipfile.ZipFile(file)
    return archive.open(zipped_data(archive.namelist()) or "")


PACKINGS = (
    Packing("gzip", ".gz", re.compile(rb"\x1f\x8b"), lambda file: gzip.GzipFile(fileobj=file), "gunzip"),
    Packing("bzip2", ".bz2", re.compile(rb"BZh[1-9]1AY&SY"), bz2.BZ2File, "bunzip2"),
    Packing("xz", ".xz", re.compile(rb"\xfd7zXZ\0"), lzma.LZMAFile, "unxz"),
    Packing("zip", None, re.compile(rb"PK\x03\x04"), _open_zip, "unzip"),
)
"""How files may be packed; a zip archive holds one file of data."""
BROKEN = (OSError, EOFError, ValueError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What unpacking a damaged file raises."""


def read_text(path: Path) -> str:
    """The text of a plain or packed file, without its byte order mark.

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
        reason = "a NUL byte stands here, so this is not plain text; save it as UTF-8."
        raise DataError(reason, file=source, line=line)
    return text


def read_bytes(path: Path) -> bytes:
    """The content of a plain or packed file.

    Raises:
        DataError: missing, a directory, not readable, broken, or packed from far more than a file of text.
    """
    source = str(path)
    require_file(path)
    try:
        with path.open("rb") as file:
            packing = packing_of(path, file)
            return _unpack(file, path, packing) if packing else file.read()
    except MemoryError:
        raise DataError("the file does not fit into memory; split it.", file=source) from None
    except OSError as error:
        raise DataError(f"the file cannot be read ({error.strerror or error}).", file=source) from None


def content_name(path: Path) -> Path:
    """The path whose ending says the format: for a zip archive, that of the file of data inside."""
    name = _zipped(path) if path.is_file() else None
    return path if name is None else path.with_name(Path(name).name)


def most_unpacked(size: int) -> int:
    """Bytes that a packed file of a size in bytes may unpack to."""
    return min(MOST_UNPACKED, max(FREE_UNPACKED, MOST_TIMES * size))


def too_much(kind: str, size: int, most: int, fix: str, source: str) -> DataError:
    """The error for a file of ``size`` bytes that unpacks to more than ``most``."""
    message = f"this {kind} file of {size / 1e6:,.1f} MB unpacks to more than {most / 1e6:,.0f} MB"
    return DataError(f"{message}; if that is right, {fix}.", file=source)


def packing_of(path: Path, file: IO[bytes]) -> Packing | None:
    """How an open file is packed, by its first bytes, otherwise by its name."""
    start = file.read(16)
    file.seek(0)
    found = next((packing for packing in PACKINGS if packing.start.match(start)), None)
    if found and found.suffix is None and _zipped(path) is None:
        return None  # a document, or several files
    return found or next((packing for packing in PACKINGS if packing.suffix == path.suffix.lower()), None)


def _zipped(path: Path) -> str | None:
    """The name of the file of data in a zip archive; ``None`` for other files."""
    try:
        with zipfile.ZipFile(path) as archive:
            return zipped_data(archive.namelist())
    except BROKEN:
        return None


def _unpack(file: IO[bytes], path: Path, packing: Packing) -> bytes:
    """The content of a packed file, chunk by chunk, so that a small file cannot fill the memory."""
    size = os.fstat(file.fileno()).st_size
    most = most_unpacked(size)
    found = bytearray()
    try:
        with packing.open(file) as unpacked:
            while chunk := unpacked.read(_CHUNK):
                found += chunk
                if len(found) > most:
                    raise too_much(
                        packing.name, size, most, f"unpack it ({packing.program} FILE) or split it", str(path)
                    )
    except BROKEN as error:
        fix = f"copy the file again, or unpack it with {packing.program}"
        raise DataError(f"{packing.name} cannot unpack it ({error}); {fix}.", file=str(path)) from None
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
    encoding = encoding_of(data)
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


def encoding_of(data: bytes) -> str:
    """The Unicode encoding of a file that begins so: by its byte order mark, else UTF-16 or UTF-8."""
    return next((name for mark, name in _MARKS if data.startswith(mark)), None) or _without_mark(data)


def _without_mark(data: bytes) -> str:
    """UTF-16 where the bytes are text in it, with line ends of two bytes; otherwise UTF-8."""
    for encoding in ("utf-16-le", "utf-16-be") if b"\0" in data and len(data) % 2 == 0 else ():
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(data)  # a block may end inside of a character
        except UnicodeDecodeError:
            continue
        if 0 < data.count(b"\n") <= _ENDS * text.count("\n") and not _CONTROL.search(text):
            return encoding
    return "utf-8"


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
