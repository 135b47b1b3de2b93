"""Finding plugins, each in isolation: one that fails is recorded with its reason and breaks no other.

The entry points are walked here rather than by pluggy, which would stop at the first bad one. Nothing heavy is
imported: a plugin module only names its tasks.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from taskzoo.errors import nearest
from taskzoo.task import CONTRACT_VERSION, Option, TaskSpec

from . import hookspecs
from .naming import FIRST_PARTY, TaskEntry, bare_owner, normalise

if TYPE_CHECKING:
    from .layers import Layer

DISABLE_VARIABLE = "ZOO_DISABLE_PLUGINS"
HOOKS = ("taskzoo_register_tasks", "taskzoo_register_catalogue")


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """What became of one plugin.

    Args:
        name: its entry-point name.
        distribution: the distribution that installed it.
        version: that distribution's version.
        status: ``ok``, ``failed`` or ``disabled``.
        reason: why it failed or was disabled, or what to know about one that is ok; may be empty.
        tasks: the shortest names that reach its tasks.
    """

    name: str
    distribution: str
    version: str
    status: Literal["ok", "failed", "disabled"]
    reason: str = ""
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An installed plugin before it is imported; ``load`` imports it."""

    name: str
    distribution: str
    version: str
    load: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Discovery:
    """All plugins, the tasks they registered and the catalogue layers they supply, in a fixed order."""

    plugins: tuple[PluginRecord, ...] = ()
    tasks: tuple[TaskEntry, ...] = ()
    layers: tuple[Layer, ...] = ()


class _RefusedError(Exception):
    """A plugin breaks a rule of the hooks; the text is the reason on record."""


def installed() -> list[Candidate]:
    """The candidates of the entry-point group ``taskzoo``, one for each distribution and entry-point name."""
    try:
        points: Iterable[metadata.EntryPoint] = metadata.entry_points(group=hookspecs.GROUP)
        unreadable: list[Candidate] = []
    except Exception:  # one distribution with damaged metadata is enough
        points, unreadable = _walk()
    found: dict[tuple[str, str], Candidate] = {}
    for point in points:
        distribution, version = _provenance(point.dist)
        candidate = Candidate(point.name, distribution, version, point.load)
        found.setdefault((normalise(distribution), point.name), candidate)  # stale metadata may repeat one
    return [*found.values(), *unreadable]


def _walk() -> tuple[list[metadata.EntryPoint], list[Candidate]]:
    """The group's entry points one distribution at a time, and a candidate that fails for each unreadable one."""
    points: list[metadata.EntryPoint] = []
    unreadable: list[Candidate] = []
    for distribution in metadata.distributions():
        try:
            points += [point for point in distribution.entry_points if point.group == hookspecs.GROUP]
        except Exception as error:
            name, version = _provenance(distribution)
            unreadable.append(Candidate(name, name, version, partial(_refuse_entry_points, _reason(error))))
    return points, unreadable


def _refuse_entry_points(reason: str) -> object:
    raise _RefusedError(f"its entry points cannot be read ({reason})")


def disabled_names() -> frozenset[str]:
    """The plugins named in ``ZOO_DISABLE_PLUGINS`` (separated by commas), in canonical spelling."""
    words = os.environ.get(DISABLE_VARIABLE, "").split(",")
    return frozenset(normalise(word.strip()) for word in words if word.strip())


def discover(
    candidates: Iterable[Candidate] | None = None,
    disabled: Iterable[str] | None = None,
) -> Discovery:
    """Import every plugin that is not disabled and collect what it registers.

    taskzoo's own plugins come first, the others follow by distribution and entry-point name.

    Args:
        candidates: the plugins to try (default: the installed ones).
        disabled: entry-point or distribution names not to import (default: from ``ZOO_DISABLE_PLUGINS``).
    """
    skip = disabled_names() if disabled is None else frozenset(map(normalise, disabled))
    records: list[PluginRecord] = []
    entries: list[TaskEntry] = []
    layers: list[Layer] = []
    for candidate in sorted(installed() if candidates is None else candidates, key=_order):
        record = PluginRecord(candidate.name, candidate.distribution, candidate.version, "ok")
        hit = skip & {normalise(candidate.name), normalise(candidate.distribution)}
        if hit:
            reason = f"{DISABLE_VARIABLE} names {min(hit)!r}; take it out to enable the plugin"
            records.append(replace(record, status="disabled", reason=reason))
            continue
        try:
            specs, supplied = _register(candidate)
            new = [_entry(spec, candidate) for spec in specs]
            _check_full_names(new, entries)
        except (Exception, SystemExit) as error:  # whatever a stranger's module may raise
            records.append(replace(record, status="failed", reason=_reason(error)))
            continue
        records.append(record)
        entries += new
        layers += supplied
    reserved = [r.name for r in records if r.status == "failed" and normalise(r.distribution) == FIRST_PARTY]
    tasks = _shorten(entries, reserved)
    return Discovery(tuple(_annotate(record, tasks) for record in records), tuple(tasks), tuple(layers))


def _provenance(distribution: metadata.Distribution | None) -> tuple[str, str]:
    """Name and version of a distribution, whatever state its metadata is in."""
    try:
        return (distribution.name or "unknown", distribution.version or "") if distribution else ("unknown", "")
    except Exception:  # unreadable metadata
        return "unknown", ""


def _order(candidate: Candidate) -> tuple[bool, str, str]:
    distribution = normalise(candidate.distribution)
    return distribution != FIRST_PARTY, distribution, candidate.name


def _register(candidate: Candidate) -> tuple[list[TaskSpec], list[Layer]]:
    """Import one plugin and call its hooks. Raises whatever the plugin raises, or :class:`_RefusedError`."""
    specs: dict[str, TaskSpec] = {}
    layers: list[Layer] = []

    def register(spec: TaskSpec) -> None:
        _check_spec(spec)
        if spec.id in specs:
            raise _RefusedError(f"registers the task {spec.id!r} twice")
        specs[spec.id] = spec

    def add(catalogue: Mapping[str, Any] | str | Path) -> None:
        from .layers import read_file, read_mapping

        origin = f"plugin {candidate.name}"
        if isinstance(catalogue, Mapping):
            layers.append(read_mapping(catalogue, origin))
        else:
            layers.append(read_file(Path(catalogue), origin))

    with contextlib.redirect_stdout(sys.stderr):  # stdout belongs to results
        plugin = candidate.load()
        manager = pluggy.PluginManager(hookspecs.GROUP)
        manager.add_hookspecs(hookspecs)
        manager.register(plugin, candidate.name)
        _check_hooks(manager, plugin)
        manager.hook.taskzoo_register_tasks(register=register)
        manager.hook.taskzoo_register_catalogue(add=add)
    return list(specs.values()), layers


def _check_hooks(manager: pluggy.PluginManager, plugin: object) -> None:
    """Refuse a plugin with an unknown hook or with none at all (a forgotten ``@hookimpl``)."""
    callers = manager.get_hookcallers(plugin) or []
    for caller in callers:
        if not caller.has_spec() and not all(implementation.optionalhook for implementation in caller.get_hookimpls()):
            near = nearest(caller.name, HOOKS)
            raise _RefusedError(
                f"implements the unknown hook {caller.name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
    if not callers:
        raise _RefusedError(f"implements no hook; mark a function {HOOKS[0]} with @taskzoo.hookimpl")


def _check_spec(spec: object) -> None:
    """Refuse what later code could not use, while the plugin can still be named."""
    if not isinstance(spec, TaskSpec):
        raise _RefusedError(f"registers {spec!r}, which is not a taskzoo.TaskSpec")
    if not isinstance(spec.contract, int) or spec.contract > CONTRACT_VERSION:
        raise _RefusedError(
            f"task {spec.id!r} needs contract {spec.contract} and this taskzoo has {CONTRACT_VERSION}; upgrade taskzoo"
        )
    if not isinstance(spec.id, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", spec.id):
        raise _RefusedError(f"the task id {spec.id!r} must be lower-case letters, digits, '-' and '_'")
    if not isinstance(spec.entry_point, str) or not re.fullmatch(r"[\w.]+:\w+", spec.entry_point):
        raise _RefusedError(f"task {spec.id!r}: the entry point {spec.entry_point!r} is not of the form 'module:Class'")
    if not isinstance(spec.columns, Mapping) or not isinstance(spec.options, Mapping):
        raise _RefusedError(f"task {spec.id!r}: columns and options must be mappings")
    for name, option in spec.options.items():
        if not isinstance(option, Option):
            raise _RefusedError(f"task {spec.id!r}: the option {name!r} is not a taskzoo.Option")


def _entry(spec: TaskSpec, candidate: Candidate) -> TaskEntry:
    return TaskEntry(spec.id, spec, candidate.name, normalise(candidate.distribution))


def _check_full_names(new: list[TaskEntry], known: list[TaskEntry]) -> None:
    """Refuse a second plugin of one distribution that repeats a task: not even the full name would tell them apart."""
    taken = {entry.full_name: entry for entry in known}
    for entry in new:
        if entry.full_name in taken:
            raise _RefusedError(f"repeats the task {entry.full_name!r} of the plugin {taken[entry.full_name].plugin!r}")


def _shorten(entries: list[TaskEntry], reserved: list[str]) -> list[TaskEntry]:
    """The entries, each under the shortest name that reaches it alone.

    A ``reserved`` id, of a task of taskzoo's own that failed, passes to nobody else.
    """
    offered: dict[str, list[str]] = {task_id: [FIRST_PARTY] for task_id in reserved}
    for entry in entries:
        offered.setdefault(entry.spec.id, []).append(entry.distribution)
    owner = {task_id: bare_owner(task_id, distributions) for task_id, distributions in offered.items()}
    return [
        entry if owner[entry.spec.id] == entry.distribution else replace(entry, name=entry.full_name)
        for entry in entries
    ]


def _annotate(record: PluginRecord, tasks: list[TaskEntry]) -> PluginRecord:
    """The record with the names of its tasks, and a note for each that is not reached by its bare id."""
    if record.status != "ok":
        return record
    own = [t for t in tasks if t.plugin == record.name and t.distribution == normalise(record.distribution)]
    notes = []
    for task in own:
        if task.name != task.spec.id:
            others = [t.distribution for t in tasks if t.spec.id == task.spec.id and t.full_name != task.full_name]
            other = ", ".join(others) if others and FIRST_PARTY not in others else FIRST_PARTY
            notes.append(f"repeats the id {task.spec.id!r} of {other}; use its full name {task.name!r}")
    return replace(record, tasks=tuple(task.name for task in own), reason="; ".join(notes))


def _reason(error: BaseException) -> str:
    """One line for the record."""
    if isinstance(error, _RefusedError):
        return str(error)
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
