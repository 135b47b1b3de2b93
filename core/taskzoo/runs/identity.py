"""Whose task a run is: recorded in full, found again by its full name, and compared with what is installed now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from taskzoo import registry
from taskzoo.errors import PluginError, RequestError, TaskZooError
from taskzoo.spec import CONTRACT_VERSION

if TYPE_CHECKING:
    from taskzoo.engine.accelerator import RunAccelerator
    from taskzoo.registry import TaskEntry
    from taskzoo.task import Task


def describe_task(entry: TaskEntry, task: Task) -> dict[str, Any]:
    """What a run records of its task. One without a package has no distribution; its name says where its class is."""
    return {
        "name": entry.full_name,
        "plugin": entry.plugin,
        "distribution": entry.distribution,
        "version": entry.version,
        "contract": entry.spec.contract,
        "state_version": task.state_version,
    }


def titled(entry: TaskEntry) -> str:
    """``the task 'ner' (taskzoo 0.2.0)``, for messages."""
    return f"the task {entry.name!r} ({entry.distribution or 'local'} {entry.version})"


def learnt_digest(entry: TaskEntry, task: Task) -> str:
    """SHA-256 of what a fitted task knows, which must be the same in every process and after every start.

    Raises:
        PluginError: its state cannot be written as JSON.
    """
    try:
        state = json.dumps(task.state(), sort_keys=True)
    except (TypeError, ValueError) as error:
        raise PluginError(
            f"The state() of {titled(entry)} cannot be written as JSON: {error}. It must give plain lists, numbers and "
            "texts."
        ) from error
    return hashlib.sha256(state.encode()).hexdigest()


def check_learnt_alike(entry: TaskEntry, digest: str, accelerator: RunAccelerator) -> None:
    """Refuse, by a :class:`PluginError` in all processes, a task that learnt other things in another process."""
    if accelerator.num_processes == 1:
        return
    from torch import distributed

    found: list[Any] = [None] * accelerator.num_processes
    distributed.all_gather_object(found, digest)
    if len(set(found)) > 1:
        raise PluginError(
            f"The processes of this run learnt different things from the same rows: the state() of {titled(entry)} "
            "differs among them. Its fit() must not depend on the order of a set; sort what it collects."
        )


def find_task(name: str, saved: Mapping[str, Any]) -> TaskEntry:
    """The task of a run by its full name: its own distribution's, never another's of the same id.

    ``saved`` is what :func:`describe_task` recorded, if anything.

    Raises:
        PluginError: the plugin is missing, or no longer has the task.
        RequestError: the file of a task without a package is not there.
    """
    try:
        return registry.task_entry(name)
    except RequestError as error:
        if not saved:
            raise
        if not saved["distribution"]:
            hint = "From Python, taskzoo.load(RUN, task=YourTask) takes the class itself."
            raise RequestError(f"{error} {hint}") from None
        here = {record.distribution for record in registry.plugins()}
        state = "no longer offers it" if saved["distribution"] in here else "is not installed"
        raise PluginError(
            f"The run needs the task {name!r}, and {saved['distribution']} {state}: {_install(saved)}."
        ) from None


def check_contract(saved: Mapping[str, Any]) -> None:
    """Refuse, by a :class:`PluginError`, a run that was made under another contract."""
    contract = saved.get("contract")
    if contract == CONTRACT_VERSION:
        return
    if isinstance(contract, int) and contract > CONTRACT_VERSION:
        raise PluginError(
            f"The run was made under contract {contract}, and this taskzoo has {CONTRACT_VERSION}; upgrade taskzoo."
        )
    raise PluginError(
        f"The run was made under contract {contract or 1}, which taskzoo no longer reads (it has {CONTRACT_VERSION}); "
        "train it again, or use the taskzoo version in its manifest.json."
    )


def restore_task(entry: TaskEntry, saved: Mapping[str, Any], options: Mapping[str, Any], state: Any) -> Task:
    """A task as it was saved, by today's class: its state migrated, options it no longer has dropped, new ones default.

    Raises:
        PluginError: today's class cannot read the state; the message names the version that can.
    """
    cls, version = entry.load(), saved["state_version"]
    if version > cls.state_version:
        raise PluginError(f"{_made_with(saved, entry)}, which does not know its state: {_install(saved)}.")
    try:
        values = entry.spec.resolve_options({k: v for k, v in options.items() if k in entry.spec.options})
        task = cls(values)
        task.restore(cls.migrate(state, version) if version < cls.state_version else state)
    except Exception as error:  # whatever a stranger's class may raise
        if saved["version"] == entry.version and isinstance(error, TaskZooError):
            raise
        said = str(error) if isinstance(error, TaskZooError) else f"{type(error).__name__}: {error}."
        raise PluginError(
            f"{_made_with(saved, entry)}, which cannot load it ({said.rstrip('.')}): {_install(saved)}."
        ) from error
    return task


def _made_with(saved: Mapping[str, Any], entry: TaskEntry) -> str:
    if not saved["distribution"]:
        return f"The run was made with an earlier form of {saved['name']}"
    return f"The run was made with {saved['distribution']} {saved['version']}, and {entry.version} is installed"


def _install(saved: Mapping[str, Any]) -> str:
    if not saved["distribution"]:
        return "use the class as it was then"
    return f"pip install {saved['distribution']}=={saved['version']}"
