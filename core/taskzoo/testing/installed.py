"""Whether what installed plugins bring can be used at all: ``zoo plugins --verify``.

Everything that a plugin names is imported and, as far as that costs nothing, made. Nothing is trained: whether a task
keeps its contract is the question of ``zoo check``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from taskzoo import registry
from taskzoo.errors import PluginError, RequestError, TaskZooError
from taskzoo.models.refs import resolve_model
from taskzoo.registry import ExtensionEntry, PluginRecord, TaskEntry
from taskzoo.registry.naming import normalise
from taskzoo.registry.strangers import INTERRUPTS, describe, off_stdout
from taskzoo.runs.data import demo_rows

MakeCommand = Callable[[str, Any], object]
"""How the command line makes a command from its name and what the plugin named."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one thing that a plugin brings.

    Args:
        plugin: its entry-point name.
        distribution: what installed it.
        version: that distribution's version.
        kind: ``task``, ``method``, ``reader``, ``command``, ``callback``, or ``plugin`` for one that brought nothing.
        name: what it is reached by.
        status: ``ok``, ``failed`` or ``disabled``.
        reason: why it failed or is disabled.
    """

    plugin: str
    distribution: str
    version: str
    kind: str
    name: str
    status: str = "ok"
    reason: str = ""

    def facts(self) -> dict[str, Any]:
        """Plain values, as for JSON."""
        return asdict(self)


def verify(plugins: Sequence[PluginRecord], make_command: MakeCommand) -> Iterator[Verdict]:
    """Each thing that these plugins bring, with what is wrong with it; nothing is raised for a fault of a plugin."""
    kinds: list[Callable[[], Sequence[ExtensionEntry]]] = [registry.tasks, registry.methods, registry.readers]
    kinds += [registry.commands, registry.callbacks]
    for record in plugins:
        origin = (record.name, record.distribution, record.version)
        if record.status != "ok":
            yield Verdict(*origin, "plugin", record.name, record.status, record.reason)
            continue
        own = (record.name, normalise(record.distribution))
        entries = [e for entries in kinds for e in entries() if (e.plugin, e.distribution) == own]
        if not entries:
            yield Verdict(*origin, "plugin", record.name)
        for entry in entries:
            reason = _fault(entry, make_command)
            yield Verdict(*origin, entry.kind, entry.name, "failed" if reason else "ok", reason)


def _fault(entry: ExtensionEntry, make_command: MakeCommand) -> str:
    """Why an entry cannot be used; ``""`` where it can."""
    try:
        with off_stdout():
            found = entry.load()
            if isinstance(entry, TaskEntry):
                _verify_task(entry, found)
            elif entry.kind == "command":
                make_command(entry.id, found)
            else:
                _verify_class(entry, found)
    except TaskZooError as error:
        return str(error)
    except INTERRUPTS:
        raise
    except BaseException as error:  # whatever a stranger's code may raise
        return describe(error)
    return ""


def _verify_task(entry: TaskEntry, cls: Any) -> None:
    """Make the task with default options, and read and prepare its demo set."""
    _require_whole(cls)
    task = cls(entry.spec.resolve_options({}))
    if not isinstance(getattr(task, "primary_metric", None), str):
        raise PluginError(f"{cls.__name__}.primary_metric must be the name of a score.")
    for field in ("default_model", "demo_model"):
        if model := getattr(entry.spec, field):
            try:
                resolve_model(model, entry.spec.scratch_models)
            except RequestError as error:
                raise PluginError(f"{field}: {error}") from None
    if entry.spec.demo is not None:
        for split, rows in demo_rows(entry.spec, task).items():
            task.prepare(rows, split)


def _verify_class(entry: ExtensionEntry, cls: Any) -> None:
    """A method, reader or callback: whole, made without arguments, and called what it was registered as."""
    _require_whole(cls)
    try:
        inspect.signature(cls).bind()
    except TypeError as error:
        raise PluginError(f"{cls.__name__}() cannot be made without arguments: {error}.") from None
    name = getattr(cls, "name", None)
    if entry.kind != "callback" and name != entry.id:
        raise PluginError(f"{cls.__name__}.name is {name!r}, and it is registered as {entry.id!r}.")


def _require_whole(cls: Any) -> None:
    if missing := sorted(cls.__abstractmethods__ if inspect.isabstract(cls) else ()):
        raise PluginError(f"{cls.__name__} lacks {', '.join(missing)}.")
