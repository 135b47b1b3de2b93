"""What plugins register, and the names it is reached by.

Everything registered has a full name, ``distribution/id``, and is also reached by its bare id while nothing else of its
kind has the same one. What taskzoo itself registers keeps its bare id: a third party that repeats it is reached by the
full name.
"""

from __future__ import annotations

import importlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from taskzoo.errors import PluginError, RequestError, UnknownNameError
from taskzoo.spec import TaskSpec

from .strangers import INTERRUPTS, describe, off_stdout

if TYPE_CHECKING:
    from taskzoo.task import Task

FIRST_PARTY = "taskzoo"
BASES = {
    "task": "taskzoo.Task",
    "method": "taskzoo.methods.base.Method",
    "reader": "taskzoo.data.readers.base.Reader",
    "command": "",
    "callback": "taskzoo.Callback",
}
"""Kind of what is registered -> the base class of its objects; a command is a function."""


@cache
def normalise(name: str) -> str:
    """A distribution or entry-point name in its canonical spelling: ``Task_Zoo.X`` is ``task-zoo-x``."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, slots=True, repr=False)
class ExtensionEntry:
    """A registered training method, reader, command or callback.

    Args:
        name: the shortest name that reaches it.
        spec: what its plugin registered.
        plugin: the entry-point name of its plugin.
        distribution: the distribution that the plugin belongs to, in canonical spelling.
        version: that distribution's version.
        kind: one of :data:`BASES`.
    """

    name: str
    spec: Any = field(hash=False)
    plugin: str
    distribution: str
    version: str = ""
    kind: str = ""

    @property
    def id(self) -> str:
        """The bare name."""
        return str(self.spec.name)

    @property
    def full_name(self) -> str:
        """``distribution/id``, which nothing else of its kind has."""
        return f"{self.distribution}/{self.id}"

    @property
    def summary(self) -> str:
        return str(self.spec.summary)

    def __repr__(self) -> str:
        origin = f"{self.distribution} {self.version}".strip()
        return f"{type(self).__name__}({self.name!r}{origin and ', '}{origin})"

    def facts(self) -> dict[str, Any]:
        """Plain values, as for a data frame."""
        shown = ("name", "full_name", "summary", "plugin", "distribution", "version")
        return {key: getattr(self, key) for key in shown}

    def load(self) -> Any:
        """The class or function, imported now.

        Raises:
            PluginError: it cannot be imported or is not what its kind asks for.
        """
        what = f"The {self.kind} {self.name!r} of {self.distribution} {self.version}"
        module, _, path = self.spec.entry_point.partition(":")
        try:
            with off_stdout():
                found = getattr(importlib.import_module(module), path)
        except INTERRUPTS:
            raise
        except BaseException as error:  # whatever a stranger's module may raise
            raise PluginError(
                f"{what} cannot be loaded from {self.spec.entry_point!r} ({describe(error)}); "
                f"repair or upgrade {self.distribution}."
            ) from error
        module, _, name = BASES[self.kind].rpartition(".")
        wanted = getattr(importlib.import_module(module), name) if name else None
        if not (isinstance(found, type) and issubclass(found, wanted) if wanted else callable(found)):
            kind = f"a subclass of {BASES[self.kind]}" if wanted else "a function"
            raise PluginError(f"{what} names {self.spec.entry_point!r}, which is not {kind}.")
        return found


@dataclass(frozen=True, slots=True, repr=False)
class TaskEntry(ExtensionEntry):
    """A task: registered, or a class that is used without a package.

    Args:
        task_class: the class itself, of a task without a package; its ``plugin`` and ``distribution`` are empty.
    """

    spec: TaskSpec = field(hash=False)
    kind: str = "task"
    task_class: type[Task] | None = None

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def full_name(self) -> str:
        """``distribution/id``; of a task without a package, where its class is: ``"/path/task.py:Class"``."""
        return f"{self.distribution}/{self.id}" if self.distribution else self.name

    def load(self) -> type[Task]:
        """The class, imported now. Raises as :meth:`ExtensionEntry.load` does."""
        found: type[Task] = self.task_class or ExtensionEntry.load(self)
        return found


Entry = TypeVar("Entry", bound=ExtensionEntry)


def shorten(entries: Iterable[Entry], reserved: Iterable[str] = ()) -> list[Entry]:
    """The entries of one kind, each under the shortest name that reaches it alone.

    A ``reserved`` id, of a task of taskzoo's own that failed, passes to nobody else.
    """
    entries = list(entries)
    offered = defaultdict(set, {name: {FIRST_PARTY} for name in reserved})
    for entry in entries:
        offered[entry.id].add(entry.distribution)
    return [
        entry
        if entry.distribution == FIRST_PARTY or len(offered[entry.id]) == 1
        else replace(entry, name=entry.full_name)
        for entry in entries
    ]


def resolve(kind: str, name: str, entries: Sequence[Entry], hint: str = "") -> Entry:
    """The entry that ``name`` (bare or full) reaches.

    Raises:
        RequestError: several have this bare id; the message lists their full names.
        UnknownNameError: nothing answers to it, with the nearest names.
    """
    distribution, slash, bare = name.rpartition("/")
    wanted = f"{normalise(distribution)}/{bare}" if slash else name
    for entry in entries:
        if wanted in (entry.name, entry.full_name):
            return entry
    candidates = [entry.full_name for entry in entries if entry.id == name]
    if candidates:
        raise RequestError(f"Several plugins offer a {kind} {name!r}: choose {' or '.join(map(repr, candidates))}.")
    known = [known_name for entry in entries for known_name in (entry.name, entry.full_name)]
    raise UnknownNameError(kind, name, dict.fromkeys(known), hint)
