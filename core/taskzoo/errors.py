"""Every error a person can meet: one sentence that says what was asked, what was found and what to do.

The command line prints the message and exits with :attr:`TaskZooError.exit_code`; from Python the same
objects are ordinary exceptions.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

LONGEST = 500
"""Characters of a message; a longer one is cut in its middle, where values stand."""

_VALUE = 60
_PLACE = 200
_LONG_VALUE = re.compile(r"""'(?:[^'\\\n]|\\.){60,}'|"(?:[^"\\\n]|\\.){60,}"|\[[^\n]{60,}\]|\{[^\n]{60,}\}""")


class TaskZooError(Exception):
    """Base of all errors raised on purpose: what it says is short, whatever values it names.

    ``exit_code`` 1: the run failed.
    """

    exit_code = 1

    def __init__(self, message: object = "") -> None:
        super().__init__(short_message(str(message)))


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
        place = file if file is None or len(file) <= _PLACE else f"...{file[-_PLACE:]}"
        where = "" if place is None else f"{place}:{line}: " if line else f"{place}: "
        super().__init__(where + short_message(message, LONGEST - len(where)))

    @property
    def place_free(self) -> str:
        """The message with the name of the file alone, without its folder."""
        return str(self).replace(self.file, re.split(r"[/\\]", self.file)[-1], 1) if self.file else str(self)


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


class NotFiniteError(TrainingError):
    """The loss or its gradient was not finite, in every process of the run."""


class RunError(TaskZooError):
    """A finished run is damaged: it loads, and what it predicts cannot be right."""


class MachineError(TaskZooError):
    """The machine failed: a full or read-only disk, no permission, no memory. What was saved before is kept."""


class Interrupted(TaskZooError):  # noqa: N818 - stopping on request is no error
    """Training was stopped from outside (Ctrl-C, SIGTERM) after its state was saved."""

    exit_code = 130


def shown(value: Any, width: int = _VALUE) -> str:
    """A value for a message: its ``repr``, cut where it is long."""
    text = repr(value)
    return text if len(text) <= width else f"{text[: width - 4]}...{text[-1]}"


def short_message(text: str, limit: int = LONGEST) -> str:
    """``text``, where it is too long with its values cut, and then in its middle: its end says what to do."""
    if len(text) > limit:
        text = _LONG_VALUE.sub(lambda match: f"{match[0][: _VALUE - 4]}...{match[0][-1]}", text)
    if len(text) > limit:
        end = limit // 3
        text = f"{text[: limit - end - 5]} ... {text[-end:]}"
    return text


def nearest(name: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """The known names most similar to ``name`` (case-insensitive), best first, at most ``limit``."""
    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(candidate.casefold(), candidate)
    matches = difflib.get_close_matches(name.casefold(), list(folded), n=limit, cutoff=0.6)
    return [folded[m] for m in matches]
