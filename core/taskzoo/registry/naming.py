"""Which names a task answers to.

Every task has a full name, ``distribution/id``, and answers to its bare id while no other task has the same one.
An id of taskzoo's own tasks stays theirs: a third party's task that repeats it is reached by its full name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.task import TaskSpec

FIRST_PARTY = "taskzoo"


def normalise(name: str) -> str:
    """A distribution or entry-point name in its canonical spelling: ``Task_Zoo.X`` is ``task-zoo-x``."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """A registered task.

    Args:
        name: the shortest name that reaches it.
        spec: what its plugin registered.
        plugin: the entry-point name of its plugin.
        distribution: the distribution that installed it, in canonical spelling.
    """

    name: str
    spec: TaskSpec
    plugin: str
    distribution: str

    @property
    def full_name(self) -> str:
        return f"{self.distribution}/{self.spec.id}"

    @property
    def origin(self) -> str:
        """What it was installed by."""
        return self.distribution


def bare_owner(task_id: str, offered_by: Iterable[str]) -> str | None:
    """The distribution that a bare id belongs to, or None where several third parties offer it."""
    distributions = list(offered_by)
    if FIRST_PARTY in distributions:
        return FIRST_PARTY
    return distributions[0] if len(distributions) == 1 else None


def resolve(name: str, entries: Sequence[TaskEntry], hint: str = "") -> TaskEntry:
    """The task that ``name`` (bare or full) reaches.

    Raises:
        RequestError: several tasks have this bare id; the message lists their full names.
        UnknownNameError: no task answers to it, with the nearest names.
    """
    distribution, slash, task_id = name.rpartition("/")
    wanted = f"{normalise(distribution)}/{task_id}" if slash else name
    for entry in entries:
        if wanted in (entry.name, entry.full_name):
            return entry
    candidates = [entry.full_name for entry in entries if entry.spec.id == name]
    if candidates:
        raise RequestError(f"Several plugins offer a task {name!r}: say which, {' or '.join(map(repr, candidates))}.")
    known = [known_name for entry in entries for known_name in (entry.name, entry.full_name)]
    raise UnknownNameError("task", name, dict.fromkeys(known), hint)
