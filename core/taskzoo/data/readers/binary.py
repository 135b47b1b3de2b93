"""What a file is that holds no text, by its first bytes, and what to do with it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from .names import ABOUT, NOT_DATA, listed

_TABLE = "save it as CSV, TSV or JSON lines"
_SHEET = "save it as CSV (in Excel: File, Save As, CSV UTF-8), one sheet for each file"
_UNPACK = "unpack it and name the file inside"
_NO_DATA = "name a file of text, or Parquet"
_KINDS: Mapping[bytes, tuple[str, str]] = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": ("an old Excel or Word file", _SHEET),
    b"SQLite format 3": ("an SQLite file", f"export the table: {_TABLE}"),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", f"{_UNPACK}: unzstd FILE"),
    b"\x04\x22\x4d\x18": ("packed with lz4", f"{_UNPACK}: unlz4 FILE"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", _UNPACK),
    b"Rar!\x1a\x07": ("a RAR archive", _UNPACK),
    b"\x93NUMPY": ("a NumPy array", _TABLE),
    b"\x89HDF\r\n\x1a\n": ("an HDF5 file", _TABLE),
    b"ARROW1": ("an Arrow (Feather) file", "save it as Parquet, CSV or JSON lines"),
    b"\xff\xff\xff\xff": ("an Arrow stream, as the library datasets writes it", "save it as Parquet or JSON lines"),
    b"FEA1": ("a Feather file", "save it as Parquet, CSV or JSON lines"),
    b"ORC": ("an ORC file", "save it as Parquet, CSV or JSON lines"),
    b"Obj\x01": ("an Avro file", "save it as Parquet or JSON lines"),
    b"$FL2": ("an SPSS file", _TABLE),
    b"<stata_dta>": ("a Stata file", _TABLE),
    b"RDX": ("data of R", _TABLE),
    b"%PDF-": ("a PDF file", "extract its text first"),
    b"GGUF": ("a model's weights (GGUF)", _NO_DATA),
    b"\x89PNG\r\n\x1a\n": ("a PNG image", _NO_DATA),
    b"\xff\xd8\xff": ("a JPEG image", _NO_DATA),
    b"GIF8": ("a GIF image", _NO_DATA),
    b"\x7fELF": ("a program", _NO_DATA),
    b"MZ\x90\x00": ("a program", _NO_DATA),
    b"RIFF": ("a sound or video file", _NO_DATA),
    b"OggS": ("a sound file", _NO_DATA),
    b"ID3": ("a sound file", _NO_DATA),
}
_TEXT_KINDS: Mapping[bytes, tuple[str, str]] = {
    b"{\\rtf": ("an RTF document", "save it as plain text"),
    b"version https://git-lfs": ("a Git LFS pointer and not the file itself", "fetch the file with git lfs pull"),
}
_OFFICE = {"xl/": "an Excel file", "word/": "a Word file", "ppt/": "a PowerPoint file"}
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_SAMPLE = 100_000
_MOST_CONTROL = 0.01


def binary_kind(data: bytes) -> tuple[str, str] | None:
    """What the file is and what to do, in words; ``None`` for what may be text."""
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(data)
    kinds = {**_TEXT_KINDS, **(_KINDS if _CONTROL.search(data[:_SAMPLE]) else {})}
    for start, found in kinds.items():
        if data.startswith(start):
            return found
    if data[257:262] == b"ustar":
        return "a tar archive", f"{_UNPACK}: tar xf FILE"
    if re.match(rb"\x80[\x02-\x05]", data) and data.rstrip(b"\n").endswith(b"."):
        return "a Python pickle", f"it can run any code and is not read; {_TABLE}"
    return None


def seems_binary(data: bytes) -> bool:
    """Whether so many bytes are control characters that this is no text in any encoding of single bytes."""
    sample = data[:_SAMPLE]
    return len(_CONTROL.findall(sample)) > _MOST_CONTROL * len(sample)


def zipped_data(names: Sequence[str]) -> str | None:
    """The file of data in a zip archive of these, if there is just one and the archive is not a format of its own."""
    data = _without_extras(names)
    return data[0] if len(data) == 1 and _format_in_zip(names) is None else None


def _zip_kind(data: bytes) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return "a damaged zip or Excel file", "copy it again"
    if kind := _format_in_zip(names):
        return kind
    inside = listed(_without_extras(names) or names, limit=4)
    return f"a zip archive with {inside}", "unpack it (unzip FILE) and name a file or folder inside"


def _format_in_zip(names: Sequence[str]) -> tuple[str, str] | None:
    """The format that is a zip archive of these files, and what to do."""
    for start, what in _OFFICE.items():
        if any(name.startswith(start) for name in names):
            return what, _SHEET if start == "xl/" else "save it as plain text, CSV or JSON lines"
    if "content.xml" in names and "mimetype" in names:
        return "an OpenDocument file", _TABLE
    if any(name.endswith("data.pkl") for name in names):
        return "a file of PyTorch", _NO_DATA
    if names and all(name.endswith(".npy") for name in names):
        return "a file of NumPy arrays", _TABLE
    return None


def _without_extras(names: Sequence[str]) -> list[str]:
    """The files that may hold data: no folders, hidden files, programs, README, ..."""
    paths = [PurePosixPath(name) for name in names if not name.endswith("/") and not name.startswith("__MACOSX/")]
    return [
        str(path)
        for path in paths
        if not path.name.startswith(".")
        and path.suffix.lower() not in NOT_DATA
        and not ABOUT.fullmatch(path.name.split(".")[0])
    ]
