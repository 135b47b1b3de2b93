"""Names of models on the hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from taskzoo.errors import RequestError

_NAME = re.compile(r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True, slots=True)
class HubName:
    """``USER/NAME``, or ``USER/NAME@REVISION`` with a branch, a tag or a commit."""

    repo: str
    revision: str | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """The name, for what must be one.

        Raises:
            RequestError: it is none.
        """
        found = _NAME.fullmatch(text)
        if found is None:
            raise RequestError(f"{text!r} is not the name of a model on the hub; it has the form USER/NAME.")
        return cls(found["repo"], found["revision"])

    @classmethod
    def of_run(cls, run: str | Path) -> Self | None:
        """The name, for what may as well be a path: that is one which exists, or whose folder does."""
        if not isinstance(run, str) or _NAME.fullmatch(run) is None or Path(run).exists() or Path(run).parent.is_dir():
            return None
        return cls.read(run)

    @property
    def folder(self) -> str:
        """The part behind the slash."""
        return self.repo.partition("/")[2]

    def __str__(self) -> str:
        return self.repo + (f"@{self.revision}" if self.revision else "")
