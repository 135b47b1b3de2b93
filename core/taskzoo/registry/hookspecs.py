"""The whole plugin surface: two hooks, found under the entry-point group ``taskzoo``.

A plugin is a module named by an entry point of its distribution::

    [project.entry-points.taskzoo]
    poetry = "taskzoo_poetry"

    # taskzoo_poetry/__init__.py
    from taskzoo import TaskSpec, hookimpl

    @hookimpl
    def taskzoo_register_tasks(register):
        register(TaskSpec("poetry", "taskzoo_poetry.task:PoetryTask", summary="Line ends of poems"))

Importing it must be cheap: no torch, no transformers. The built-in tasks enter by the same door.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pluggy

from taskzoo.task import TaskSpec

GROUP = "taskzoo"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def taskzoo_register_tasks(register: Callable[[TaskSpec], None]) -> None:
    """Call ``register(TaskSpec(...))`` once for each task the plugin offers."""


@hookspec
def taskzoo_register_catalogue(add: Callable[[Mapping[str, Any] | str | Path], None]) -> None:
    """Call ``add`` with models, data sets and recipes: a mapping in the form of registry.yaml, or the path of one."""
