"""Where a run stands: for people, on stderr, and as plain values."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

from taskzoo.escapes import visible


@dataclass
class Progress:
    """Where a training stands; saved with each state and returned at the end."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    best_score: float | None = None
    best_step: int = 0
    """``best_score`` and ``best_step`` are of the weights that are kept; ``highest_score`` may be better by chance."""
    highest_score: float | None = None
    evaluations_since_best: int = 0
    scores: dict[str, float] = field(default_factory=dict)
    unlogged: list[float] = field(default_factory=lambda: [0.0, 0.0])
    """Loss sum and active targets since the last logged line."""
    start_score: float | None = None
    """Of the weights that training started from, where they were evaluated; ``trained_score``: the best since."""
    trained_score: float | None = None
    from_probe: bool = False
    """Whether training started from a probe, which is then the first candidate."""
    weighting: str = ""
    """Of the task's classes, where the probe that training started from chose one."""
    shortened: bool = False
    """Whether a time limit left fewer steps than were planned."""
    micro_batch_size: int = 0
    """Examples at once, where the memory ran out with as many as the settings say."""
    earlier_steps: int = 0
    """Steps of an earlier attempt, after which those of this one are counted for history and callbacks."""

    @property
    def steps(self) -> int:
        """Steps of all attempts."""
        return self.earlier_steps + self.step

    @property
    def chosen_step(self) -> int:
        """The step of the final weights among those of all attempts: the last one if none was chosen by score."""
        if self.best_score is None:
            return self.steps
        return self.earlier_steps + self.best_step if self.best_step else 0

    def after(self) -> Progress:
        """The start of another attempt after this one."""
        return Progress(
            tokens=self.tokens,
            seconds=self.seconds,
            trained_score=self.trained_score,
            from_probe=self.from_probe,
            weighting=self.weighting,
            micro_batch_size=self.micro_batch_size,
            earlier_steps=self.steps,
        )


class Bar:
    """A running progress bar; this one shows nothing."""

    def update(self, completed: int, note: str = "") -> None:
        """So much of the total is done."""


class Reporter(Protocol):
    """Where the engine says what it is doing."""

    def say(self, message: str) -> None: ...  # pragma: no cover

    def bar(self, title: str, total: int) -> AbstractContextManager[Bar]: ...  # pragma: no cover


class Silent:
    """Reports nothing (other ranks, tests, library use)."""

    def say(self, message: str) -> None:
        """Drop the message."""

    def bar(self, title: str, total: int) -> AbstractContextManager[Bar]:
        return nullcontext(Bar())


class Terminal:
    """Messages and bars on stderr: ``rich`` on a terminal, a plain line every 15 seconds elsewhere."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, message: str) -> None:
        self._console.print(visible(message), markup=False)

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Bar]:
        if not self._console.is_terminal:
            yield _PlainBar(title, total)
            return
        from rich import progress as rich

        named, note = rich.TextColumn("{task.description:>10}"), rich.TextColumn("{task.fields[note]}")
        columns = (named, rich.BarColumn(bar_width=30), rich.MofNCompleteColumn(), rich.TimeRemainingColumn(), note)
        with rich.Progress(*columns, console=self._console, transient=True) as progress:
            yield _RichBar(progress, progress.add_task(title, total=total, note=""))


class _RichBar(Bar):
    def __init__(self, progress: Any, task: Any) -> None:
        self._progress, self._task = progress, task

    def update(self, completed: int, note: str = "") -> None:
        self._progress.update(self._task, completed=completed, note=note)


class _PlainBar(Bar):
    interval = 15.0

    def __init__(self, title: str, total: int) -> None:
        self._title, self._total, self._due = title, total, time.monotonic() + self.interval

    def update(self, completed: int, note: str = "") -> None:
        if time.monotonic() >= self._due:
            print(f"{self._title} {completed}/{self._total} {note}".rstrip(), file=sys.stderr, flush=True)
            self._due = time.monotonic() + self.interval
