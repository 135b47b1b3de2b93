"""Finding plugins, each in isolation: one that fails is recorded with its reason and breaks no other.

The entry points are walked here rather than by pluggy, which would stop at the first bad one. Nothing heavy is
imported: a plugin module only names what it brings. Catalogues are kept unread until :mod:`.catalogue` needs them.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import pluggy

from taskzoo.errors import nearest

from . import hookspecs
from .checks import RefusedError, check_extension, check_formats, check_spec, explain_type_error
from .naming import BASES, FIRST_PARTY, ExtensionEntry, TaskEntry, normalise, shorten
from .strangers import INTERRUPTS, off_stdout, said

DISABLE_VARIABLE = "ZOO_DISABLE_PLUGINS"
PREFIX = "taskzoo_register_"
HOOKS = tuple(name for name in vars(hookspecs) if name.startswith(PREFIX))


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """What became of one plugin.

    Args:
        name: its entry-point name.
        distribution: the distribution that installed it.
        version: that distribution's version.
        status: ``ok``, ``failed`` or ``disabled``.
        reason: why it failed or was disabled, or what to know about one that is ok; may be empty.
        tasks: the shortest names that reach its tasks; the same for the other kinds.
        recipes: how many recipes it brings.
        replaces: entries of other catalogues whose place its own took.
    """

    name: str
    distribution: str
    version: str
    status: Literal["ok", "failed", "disabled"]
    reason: str = ""
    tasks: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    callbacks: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    recipes: int = 0
    replaces: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """Plain values, as for a data frame."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An installed plugin before it is imported; ``load`` imports it."""

    name: str
    distribution: str
    version: str
    load: Callable[[], object]


@dataclass(slots=True)
class Plugin:
    """One plugin while it is examined.

    Args:
        record: what is known of it.
        entries: what it registered, under bare ids.
        catalogues: what it adds to the catalogue, unread.
        note: what to know of the way it registers; may be empty.
        folder: where relative paths in a mapping count from.
    """

    record: PluginRecord
    entries: list[ExtensionEntry] = field(default_factory=list)
    catalogues: list[Mapping[str, Any] | Path] = field(default_factory=list)
    note: str = ""
    folder: Path = Path()

    @property
    def distribution(self) -> str:
        """The canonical name of its distribution."""
        return normalise(self.record.distribution)

    def fail(self, reason: str, status: Literal["failed", "disabled"] = "failed") -> None:
        """Take back all that it brought and record why."""
        known = self.record
        self.record = PluginRecord(known.name, known.distribution, known.version, status, reason)
        self.entries, self.catalogues = [], []


class Discovery:
    """All plugins in a fixed order and what they registered, each thing under the shortest name that reaches it."""

    def __init__(self, found: Iterable[Plugin] = ()) -> None:
        self.found = list(found)
        failed = [plugin for plugin in self.found if plugin.record.status == "failed"]
        reserved = [plugin.record.name for plugin in failed if plugin.distribution == FIRST_PARTY]
        entries = [entry for plugin in self.found for entry in plugin.entries]
        self.extensions = {
            kind: shorten([entry for entry in entries if entry.kind == kind], reserved if kind == "task" else ())
            for kind in BASES
        }
        self.tasks = [entry for entry in self.extensions["task"] if isinstance(entry, TaskEntry)]
        self._offers: defaultdict[tuple[str, str], list[ExtensionEntry]] = defaultdict(list)
        for entry in (entry for kind in BASES for entry in self.extensions[kind]):
            self._offers[entry.plugin, entry.distribution].append(entry)
        self.plugins = [self._describe(plugin) for plugin in self.found]

    def _describe(self, plugin: Plugin) -> PluginRecord:
        """The record with the names of what the plugin brought, and a note for each that its bare id does not reach."""
        notes = [plugin.record.reason] if plugin.record.reason else []
        own = self._offers[plugin.record.name, plugin.distribution]
        for entry in own:
            if entry.name != entry.id:
                same = [e for e in self.extensions[entry.kind] if e.id == entry.id]
                others = [e.distribution for e in same if e.full_name != entry.full_name]
                other = ", ".join(others) if others and FIRST_PARTY not in others else FIRST_PARTY
                notes.append(f"repeats the {entry.kind} {entry.id!r} of {other}; use its full name {entry.name!r}")
        names: Any = {f"{kind}s": tuple(entry.name for entry in own if entry.kind == kind) for kind in BASES}
        return replace(plugin.record, reason="; ".join(notes), **names)


def installed() -> list[Candidate]:
    """The candidates of the entry-point group ``taskzoo``, of each distribution the first on the path.

    Distributions are looked at one by one: damaged metadata is a candidate that fails, and breaks no other.
    """
    found: dict[str, list[Candidate]] = {}
    for distribution in metadata.distributions():
        try:
            points = {point.name: point.load for point in distribution.entry_points if point.group == hookspecs.GROUP}
        except Exception as error:
            name = _provenance(distribution)[0]
            points = {name: partial(_refuse_entry_points, _reason(error, name))}
        if points:
            name, version = _provenance(distribution)
            candidates = [Candidate(point, name, version, load) for point, load in points.items()]
            found.setdefault(normalise(name), candidates)
    return [candidate for candidates in found.values() for candidate in candidates]


def _refuse_entry_points(reason: str) -> object:
    raise RefusedError(f"its entry points cannot be read ({reason})")


def discover(candidates: Iterable[Candidate] | None = None, disabled: Iterable[str] | None = None) -> Discovery:
    """Import every plugin that is not disabled and collect what it registers.

    taskzoo's own plugins come first, the others follow by distribution and entry-point name.

    Args:
        candidates: the plugins to try (default: the installed ones).
        disabled: entry-point or distribution names not to import (default: from ``ZOO_DISABLE_PLUGINS``). The core's
            own plugin, ``taskzoo``, is never disabled.
    """
    words = os.environ.get(DISABLE_VARIABLE, "").split(",") if disabled is None else disabled
    skip = {normalise(word.strip()) for word in words if word.strip()}
    found: list[Plugin] = []
    for candidate in sorted(installed() if candidates is None else candidates, key=_order):
        plugin = Plugin(PluginRecord(candidate.name, candidate.distribution, candidate.version, "ok"))
        hit = skip & {normalise(candidate.name), plugin.distribution}
        if hit and (candidate.name, plugin.distribution) != (FIRST_PARTY, FIRST_PARTY):
            plugin.fail(f"{DISABLE_VARIABLE} names {min(hit)!r}; take it out to enable the plugin", "disabled")
        else:
            try:
                call_hooks(candidate, plugin)
                _check_full_names(plugin, found)
            except INTERRUPTS:
                raise
            except BaseException as error:  # whatever a stranger's module may raise
                plugin.fail(_reason(error, plugin.distribution))
        found.append(plugin)
    readers = {entry.id for plugin in found for entry in plugin.entries if entry.kind == "reader"}
    for plugin in found if readers else ():
        try:
            for entry in plugin.entries:
                if isinstance(entry, TaskEntry):
                    check_formats(entry.spec, readers)
        except RefusedError as error:
            plugin.fail(str(error))
    return Discovery(found)


def _provenance(distribution: metadata.Distribution) -> tuple[str, str]:
    """Name and version of a distribution, whatever state its metadata is in."""
    try:
        return distribution.name or "unknown", distribution.version or ""
    except Exception:  # unreadable metadata
        return "unknown", ""


def _order(candidate: Candidate) -> tuple[bool, str, str]:
    distribution = normalise(candidate.distribution)
    return distribution != FIRST_PARTY, distribution, candidate.name


def call_hooks(candidate: Candidate, plugin: Plugin) -> None:
    """Import one plugin and call its hooks. Raises whatever the plugin raises, or :class:`RefusedError`."""
    origin = (candidate.name, plugin.distribution, candidate.version)

    def register(kind: str, spec: Any) -> None:
        entry: ExtensionEntry
        if kind == "task":
            spec = check_spec(spec, plugin.distribution)
            entry = TaskEntry(spec.id, spec, *origin)
        else:
            entry = ExtensionEntry(check_extension(spec, kind).name, spec, *origin, kind)
        if any((other.kind, other.id) == (kind, entry.id) for other in plugin.entries):
            raise RefusedError(f"registers the {kind} {entry.id!r} twice")
        plugin.entries.append(entry)

    def add(catalogue: Mapping[str, Any] | str | Path) -> None:
        plugin.catalogues.append(catalogue if isinstance(catalogue, Mapping) else Path(catalogue))

    with off_stdout():
        module = candidate.load()
        plugin.folder = Path(getattr(module, "__file__", None) or "").parent
        manager = pluggy.PluginManager(hookspecs.GROUP)
        manager.add_hookspecs(hookspecs)
        manager.register(module, candidate.name)
        _check_hooks(manager, module)
        returned = {"catalogue": manager.hook.taskzoo_register_catalogue(add=add)}
        for kind in BASES:
            returned[f"{kind}s"] = getattr(manager.hook, f"{PREFIX}{kind}s")(register=partial(register, kind))
    if ignored := [f"{PREFIX}{name}()" for name, values in returned.items() if values]:
        plugin.note = f"what {' and '.join(ignored)} returned is not looked at; hand each thing to register() or add()"
        plugin.record = replace(plugin.record, reason=plugin.note)


def _check_hooks(manager: pluggy.PluginManager, plugin: object) -> None:
    """Refuse a plugin with an unknown hook, with one that lacks ``@hookimpl``, or with none at all."""
    callers = manager.get_hookcallers(plugin) or []
    for caller in callers:
        if not caller.has_spec() and not all(implementation.optionalhook for implementation in caller.get_hookimpls()):
            near = nearest(caller.name, HOOKS)
            raise RefusedError(
                f"implements the unknown hook {caller.name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
    for name in dir(plugin):
        if (
            name.startswith(PREFIX)
            and callable(getattr(plugin, name))
            and not manager.parse_hookimpl_opts(plugin, name)
        ):
            raise RefusedError(f"has a function {name} without @taskzoo.hookimpl, so it would not be called; mark it")
    if not callers:
        raise RefusedError(f"implements no hook; mark a function {HOOKS[0]} with @taskzoo.hookimpl")


def _check_full_names(plugin: Plugin, others: Iterable[Plugin]) -> None:
    """Refuse a second plugin of one distribution that repeats something: even the full name would not be unique."""
    own = {(entry.kind, entry.full_name) for entry in plugin.entries}
    for other in [other for other in others if other.distribution == plugin.distribution]:
        for kind, name in sorted(own.intersection((entry.kind, entry.full_name) for entry in other.entries)):
            raise RefusedError(f"repeats the {kind} {name!r} of the plugin {other.record.name!r}")


def _reason(error: BaseException, distribution: str) -> str:
    """One line for the record."""
    if isinstance(error, RefusedError):
        return str(error)
    if type(error) is TypeError:
        return explain_type_error(error, distribution)
    lines = [line.strip() for line in said(error).splitlines()]
    message = " ".join(lines) if isinstance(error, pluggy.PluginValidationError) else "".join(lines[:1])
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
