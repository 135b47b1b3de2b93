"""How far a job is, for a person: rows, rate, time left."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_OFTEN, _SELDOM = 0.5, 15.0  # seconds between two reports on a terminal, and elsewhere


class Meter:
    """Reports on stderr: one line that changes on a terminal, a line every 15 seconds elsewhere.

    Args:
        shown: whether it reports at all.
    """

    def __init__(self, *, shown: bool, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._every = _OFTEN if self._terminal else _SELDOM
        self._shown, self.rows, self.bad = shown, 0, 0
        self._first_done: float | None = None
        self._began = time.monotonic()
        self._due = self._began + self._every

    def update(self, rows: int, bad: int, done: float) -> None:
        """So many more rows were predicted, and so many are bad; ``done`` of the input, from 0 to 1, was read."""
        self.rows, self.bad = self.rows + rows, self.bad + bad
        now = time.monotonic()
        if self._first_done is None:  # the first chunk is slower, and what was done before is passed over
            self._first_done, self._first, self._first_rows = done, now, self.rows
        if self._shown and now >= self._due:
            self._due = now + self._every
            end = "" if self._terminal else "\n"
            print(("\r\x1b[K" if self._terminal else "") + self.line(done, now), end=end, file=self._stream, flush=True)

    def line(self, done: float, now: float) -> str:
        """``12,000 rows, 830 rows/s, 41% of the input, 3 min left``."""
        seconds, rows = now - self._first, self.rows - self._first_rows
        parts = [f"{self.rows:,} rows"]
        if seconds > 0 and rows:
            parts.append(f"{rows / seconds:,.0f} rows/s")
        if done:
            parts.append(f"{done:.0%} of the input")
        share = done - (self._first_done or 0)
        if seconds > 0 and share > 0:
            left = (1 - done) * seconds / share
            parts.append(f"{_duration(left)} left")
        return ", ".join([*parts, *([f"{self.bad:,} bad"] if self.bad else [])])

    def __enter__(self) -> Meter:
        return self

    def __exit__(self, *_: object) -> None:
        """Take the line off the terminal."""
        if self._shown and self._terminal:
            print("\r\x1b[K", end="", file=self._stream, flush=True)


def _duration(seconds: float) -> str:
    """``40 s``, ``12 min``, ``1.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
