"""The whole plugin surface: six hooks, found under the entry-point group ``taskzoo``.

A plugin is a module named by an entry point of its distribution::

    [project.entry-points.taskzoo]
    poetry = "taskzoo_poetry"

    # taskzoo_poetry/__init__.py
    from taskzoo import Column, TaskSpec, hookimpl

    @hookimpl
    def taskzoo_register_tasks(register):
        register(TaskSpec(id="poetry", contract=2, entry_point="taskzoo_poetry.task:PoetryTask", ...))

Importing it must be cheap: no torch, no transformers. What is built in enters by the same door.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pluggy

from taskzoo.spec import Extension, TaskSpec

GROUP = "taskzoo"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Call ``register(TaskSpec(...))`` once for each task."""


@hookspec
def taskzoo_register_catalogue(add: Callable[[Mapping[str, Any] | str | Path], None]) -> None:
    """Call ``add`` with models, data sets and recipes: a mapping in the form of registry.yaml, or the path of one."""


@hookspec
def taskzoo_register_methods(register: Callable[[Extension], None]) -> None:
    """Training methods (``--method NAME``): subclasses of :class:`taskzoo.methods.base.Method`."""


@hookspec
def taskzoo_register_readers(register: Callable[[Extension], None]) -> None:
    """File formats (``--format NAME``): subclasses of :class:`taskzoo.data.readers.base.Reader`."""


@hookspec
def taskzoo_register_commands(register: Callable[[Extension], None]) -> None:
    """Commands (``zoo NAME``): functions that Typer turns into a command."""


@hookspec
def taskzoo_register_callbacks(register: Callable[[Extension], None]) -> None:
    """Callbacks (``--track NAME``): subclasses of :class:`taskzoo.Callback`."""
