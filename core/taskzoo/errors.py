"""Every error a person can meet: one sentence that says what was asked, what was found and what to do.

The command line prints the message and exits with :attr:`TaskZooError.exit_code`; from Python the same
objects are ordinary exceptions.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TaskZooError(Exception):
    """Base of all errors raised on purpose. ``exit_code`` 1: the run failed."""

    exit_code = 1


class RequestError(TaskZooError):
    """The request was wrong (unknown name, bad option, bad file); nothing was written. ``exit_code`` 2."""

    exit_code = 2


class DataError(RequestError):
    """Input data cannot be read as asked.

    Args:
        message: what was found and what to do.
        file: the file's name, shown first.
        line: 1-based line number (0: the whole file).
    """

    def __init__(self, message: str, *, file: str | None = None, line: int = 0) -> None:
        self.file = file
        self.line = line
        where = "" if file is None else f"{file}:{line}: " if line else f"{file}: "
        super().__init__(where + message)


class UnknownNameError(RequestError):
    """A name that nothing answers to; the message lists the nearest known names.

    Args:
        kind: what was looked up, e.g. ``"task"``.
        name: the name asked for.
        known: all names that would have worked.
        hint: what to do when none is near.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        self.kind = kind
        self.name = name
        self.nearest = nearest(name, known)
        message = f"There is no {kind} named {name!r}."
        if self.nearest:
            message += f" Did you mean {' or '.join(repr(n) for n in self.nearest)}?"
        if hint:
            message += f" {hint}"
        super().__init__(message)


class PluginError(TaskZooError):
    """A plugin was found and cannot be used; the message says which distribution and why."""


class TrainingError(TaskZooError):
    """Training stopped by itself, e.g. on a non-finite loss. The last good checkpoint is kept."""


class Interrupted(TaskZooError):  # noqa: N818 - stopping on request is no error
    """Training was stopped from outside (Ctrl-C, SIGTERM) after its state was saved."""

    exit_code = 130


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """The known names most similar to ``name`` (case-insensitive), best first, at most ``limit``."""
    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(candidate.casefold(), candidate)
    matches = difflib.get_close_matches(name.casefold(), list(folded), n=limit, cutoff=0.6)
    return [folded[m] for m in matches]
