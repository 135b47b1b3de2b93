"""Results as lines of JSON, written as soon as they are known."""

from __future__ import annotations

import json
import re
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LONGEST = 2000
"""Characters of an error that are kept, its end."""


@dataclass
class Results:
    """The file of one part.

    Attributes:
        path: to which lines are appended.
        part: the name of the part, which each line has.
        ends: when the part must be over, as :func:`time.monotonic` counts.
    """

    path: Path
    part: str
    ends: float
    _began: float = field(default_factory=time.monotonic)

    def write(self, name: str, **values: Any) -> None:
        """Append a line with these values."""
        line = json.dumps({"part": self.part, "name": name, **values}, default=str)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    @contextmanager
    def measured(self, name: str, *, seconds: float = 0.0) -> Iterator[dict[str, Any]]:
        """A line of what is put into the dictionary; an error becomes the line's ``error``, and what follows goes on.

        It does not after an error of the device itself, after which nothing on the device works in this process.
        Where fewer than ``seconds`` are left, the block is entered with ``skipped`` set, and should do nothing.
        """
        found: dict[str, Any] = {}
        if time.monotonic() + seconds > self.ends:
            found["skipped"] = "no time is left"
        began, fatal = time.monotonic(), False
        try:
            yield found
        except Exception as error:
            found["error"] = f"{type(error).__name__}: {error}"[:LONGEST]
            found["traceback"] = traceback.format_exc()[-LONGEST:]
            fatal = is_of_device(found["error"])
        self.write(name, **found, took=round(time.monotonic() - began, 2))
        if fatal:
            sys.exit(f"The device failed in {name!r}; what follows in this part was not run.")


def is_of_device(error: str) -> bool:
    """Whether an error says that the device failed, such as by an illegal access, and not that memory ran out."""
    broken = "AcceleratorError" in error or "CUDA error" in error
    return broken and not re.search("out of memory|alloc_failed", error, re.IGNORECASE)


def read(path: Path) -> list[dict[str, Any]]:
    """All lines that are whole."""
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:  # the process was killed while it wrote
            continue
    return lines
