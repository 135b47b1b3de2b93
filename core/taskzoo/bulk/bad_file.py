"""The file of bad rows: where they stand, why they cannot be used, and what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from .atomic import atomic_file
from .records import BadRecord
from .values import to_json


class BadRows:
    """Writes JSON lines with ``file``, ``line``, ``reason`` and ``row``; without a bad row there is no file."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._path, self._stack, self._file = path, stack, None
        self.count = 0

    _file: IO[bytes] | None

    def add(self, bad: Sequence[BadRecord]) -> None:
        """Write bad rows."""
        self.count += len(bad)
        if bad and self._file is None:
            self._file, _ = self._stack.enter_context(atomic_file(self._path))
        for record in bad:
            name = re.split(r"[/\\]", record.source)[-1]
            values = {"file": name, "line": record.line, "reason": record.reason, "row": record.content}
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
