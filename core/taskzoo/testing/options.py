"""Which options of a task its members look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

from taskzoo.task import Task


class Watched(dict[str, Any]):
    """Options that note in ``read`` whose value is asked for by name; copying them asks for none."""

    def __init__(self, options: Mapping[str, Any], read: set[str]) -> None:
        super().__init__(options)
        self._read = read

    def __getitem__(self, name: str) -> Any:
        self._read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The value of the option, or ``default``."""
        self._read.add(name)
        return super().get(name, default)


@contextmanager
def watched_options(read: set[str]) -> Iterator[None]:
    """Tasks that are made within the context note in ``read`` which of their ``options`` they look at."""

    def make(task: Task, options: Mapping[str, Any]) -> None:
        task.options = Watched(options, read)

    with mock.patch.object(Task, "__init__", make):
        yield
