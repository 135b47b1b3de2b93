"""What plugins register, and the names it is reached by.

Everything registered has a full name, ``distribution/id``, and is also reached by its bare id while nothing else of its
kind has the same one. What taskzoo itself registers keeps its bare id: a third party that repeats it is reached by the
full name.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from taskzoo.errors import PluginError, RequestError, UnknownNameError
from taskzoo.spec import Extension, TaskSpec

if TYPE_CHECKING:
    from taskzoo.task import Task

FIRST_PARTY = "taskzoo"


def normalise(name: str) -> str:
    """A distribution or entry-point name in its canonical spelling: ``Task_Zoo.X`` is ``task-zoo-x``."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Registered:
    """Something that a plugin registered.

    Args:
        name: the shortest name that reaches it.
        spec: what its plugin registered.
        plugin: the entry-point name of its plugin.
        distribution: the distribution that the plugin belongs to, in canonical spelling.
        version: that distribution's version.
    """

    name: str
    spec: Any
    plugin: str
    distribution: str
    version: str = ""

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

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and hash(self) == hash(other)

    def __hash__(self) -> int:
        return hash((type(self), self.name, self.full_name, self.version))

    def facts(self) -> dict[str, Any]:
        """Plain values, as for a data frame."""
        return {
            "name": self.name,
            "full_name": self.full_name,
            "summary": self.summary,
            "plugin": self.plugin,
            "distribution": self.distribution,
            "version": self.version,
        }

    def _import(self, what: str) -> Any:
        """The object that the entry point names.

        Raises:
            PluginError: it cannot be imported.
        """
        module, _, path = self.spec.entry_point.partition(":")
        try:
            return getattr(importlib.import_module(module), path)
        except Exception as error:  # whatever a stranger's module may raise
            raise PluginError(
                f"{what} {self.name!r} of {self.distribution} {self.version} cannot be loaded from "
                f"{self.spec.entry_point!r} ({type(error).__name__}: {error}); repair or upgrade {self.distribution}."
            ) from error


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExtensionEntry(Registered):
    """A registered training method, reader, command or callback.

    Args:
        kind: which of them, in the singular.
        base: ``"module:Class"`` that it must be a subclass of; empty for a function.
    """

    spec: Extension
    kind: str = ""
    base: str = ""

    def load(self) -> Any:
        """The class or function, imported now.

        Raises:
            PluginError: it cannot be imported or is not what its kind asks for.
        """
        found = self._import(f"The {self.kind}")
        if self.base:
            module, _, name = self.base.partition(":")
            wanted = getattr(importlib.import_module(module), name)
            fits = isinstance(found, type) and issubclass(found, wanted)
        else:
            fits = callable(found)
        if not fits:
            kind = f"a subclass of {self.base.replace(':', '.')}" if self.base else "a function"
            raise PluginError(
                f"The {self.kind} {self.name!r} of {self.distribution} {self.version} names {self.spec.entry_point!r}, "
                f"which is not {kind}."
            )
        return found


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TaskEntry(Registered):
    """A task: registered, or a class that is used without a package.

    Args:
        task_class: the class itself, of a task without a package; its ``plugin`` and ``distribution`` are empty.
    """

    spec: TaskSpec
    task_class: type[Task] | None = None

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def full_name(self) -> str:
        """``distribution/id``; of a task without a package, where its class is: ``"/path/task.py:Class"``."""
        return f"{self.distribution}/{self.id}" if self.distribution else self.name

    def load(self) -> type[Task]:
        """The class, imported now.

        Raises:
            PluginError: its module cannot be imported or holds no subclass of :class:`taskzoo.Task` of that name.
        """
        if self.task_class is not None:
            return self.task_class
        from taskzoo.task import Task

        found = self._import("Task")
        if not isinstance(found, type) or not issubclass(found, Task):
            raise PluginError(
                f"Task {self.name!r} of {self.distribution} {self.version} names {self.spec.entry_point!r}, "
                "which is not a subclass of taskzoo.Task."
            )
        return found


Entry = TypeVar("Entry", bound=Registered)


def shorten(entries: Iterable[Entry], reserved: Iterable[str] = ()) -> list[Entry]:
    """The entries of one kind, each under the shortest name that reaches it alone.

    A ``reserved`` id, of a task of taskzoo's own that failed, passes to nobody else.
    """
    entries = list(entries)
    offered: dict[str, list[str]] = {name: [FIRST_PARTY] for name in reserved}
    for entry in entries:
        offered.setdefault(entry.id, []).append(entry.distribution)
    owner = {name: _bare_owner(distributions) for name, distributions in offered.items()}
    return [
        entry if owner[entry.id] == entry.distribution else replace(entry, name=entry.full_name) for entry in entries
    ]


def _bare_owner(distributions: list[str]) -> str | None:
    """The distribution that a bare id belongs to, or None where several third parties offer it."""
    if FIRST_PARTY in distributions:
        return FIRST_PARTY
    return distributions[0] if len(distributions) == 1 else None


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
