"""Progress for people, on stderr; silent where nobody watches a terminal unless a line is due."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Bar(Protocol):
    """A running progress bar."""

    def update(self, completed: int, note: str = "") -> None: ...  # pragma: no cover


class Reporter(Protocol):
    """Where the engine says what it is doing."""

    def say(self, message: str) -> None: ...  # pragma: no cover

    def bar(self, title: str, total: int) -> Any: ...  # pragma: no cover


class Silent:
    """Reports nothing (other ranks, tests, library use)."""

    def say(self, message: str) -> None:
        """Drop the message."""

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Bar]:
        """A bar that shows nothing."""
        yield _NoBar()


class _NoBar:
    def update(self, completed: int, note: str = "") -> None:
        pass


class Terminal:
    """Messages and bars on stderr: ``rich`` on a terminal, a plain line every 15 seconds elsewhere."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, message: str) -> None:
        """Print one message line."""
        self._console.print(message, markup=False)

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Bar]:
        """A progress bar over ``total`` units."""
        if not self._console.is_terminal:
            yield _PlainBar(title, total)
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description:>10}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(title, total=total, note="")
            yield _RichBar(progress, task)


class _RichBar:
    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task = progress, task

    def update(self, completed: int, note: str = "") -> None:
        self._progress.update(self._task, completed=completed, note=note)


class _PlainBar:
    interval = 15.0

    def __init__(self, title: str, total: int) -> None:
        self._title, self._total, self._due = title, total, time.monotonic() + self.interval

    def update(self, completed: int, note: str = "") -> None:
        if time.monotonic() >= self._due:
            print(f"{self._title} {completed}/{self._total} {note}".rstrip(), file=sys.stderr, flush=True)
            self._due = time.monotonic() + self.interval
