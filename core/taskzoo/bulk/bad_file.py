"""The file of bad rows: where they stand, why they cannot be used, and what they hold, unless that is very long."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from taskzoo.data.streams.records import BadRecord

from .atomic import HashedFile, atomic_file
from .values import to_json

LONGEST = 100_000
"""Characters of a row, as text or JSON; of a longer one, so much of its beginning is written as text."""


class BadRows:
    """Writes JSON lines with ``file``, ``line``, ``reason`` and ``row``; without a bad row there is no file."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._path, self._stack, self._file = path, stack, None
        self.count = 0

    _file: HashedFile | None

    @property
    def sha256(self) -> str:
        """Of the file; empty without one."""
        return "" if self._file is None else self._file.sha256

    def add(self, bad: Sequence[BadRecord]) -> None:
        """Write bad rows."""
        self.count += len(bad)
        if bad and self._file is None:
            self._file = self._stack.enter_context(atomic_file(self._path))[1]
        for record in bad:
            name, row = re.split(r"[/\\]", record.source)[-1], record.content
            text = row if isinstance(row, str) else to_json(row)
            row = text[:LONGEST] if len(text) > LONGEST else row
            values = {"file": name, "line": record.line, "reason": record.reason, "row": row}
            if self._file is not None:
                self._file.write(f"{to_json(values)}\n".encode("utf-8", "backslashreplace"))


@contextmanager
def bad_rows(path: Path) -> Iterator[BadRows]:
    """The bad rows of an output; their file is there when the block ends, and one of earlier is not."""
    with ExitStack() as stack:
        rows = BadRows(path, stack)
        yield rows
        if not rows.count:
            path.unlink(missing_ok=True)
