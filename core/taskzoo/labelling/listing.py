"""Ranked rows as a file: JSON lines or a table."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from taskzoo.bulk.atomic import atomic_file
from taskzoo.bulk.values import to_cell, to_json

_SEPARATORS = {".csv": ",", ".tsv": "\t"}


def write_records(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """A line of JSON each, or of a table where the name says so, with the columns that any of them has."""
    separator = _SEPARATORS.get(path.suffix.lower())
    with atomic_file(path) as (file, _):
        if separator is None:
            file.write("".join(f"{to_json(dict(record))}\n" for record in records).encode("utf-8", "backslashreplace"))
            return
        columns = list(dict.fromkeys(name for record in records for name in record))
        lines = [columns, *([to_cell(record.get(name)) for name in columns] for record in records)]
        csv.writer(_Encoded(file), delimiter=separator, lineterminator="\n").writerows(lines)


class _Encoded:
    """A file of bytes that is written to as text."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return int(self._file.write(text.encode("utf-8", "backslashreplace")))
