"""Task Zoo: fine-tune pretrained transformers with one command, and publish tasks as packages.

Importing this package imports no torch; heavy parts load on first use (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_EXPORTS = {
    "finetune": "taskzoo.runs.finetune",
    "load": "taskzoo.runs.load",
    "Run": "taskzoo.runs.load",
    "hookimpl": "taskzoo.registry.hookspecs",
    "TaskSpec": "taskzoo.task",
    "Task": "taskzoo.task",
    "Option": "taskzoo.task",
    "Row": "taskzoo.task",
    "Encoded": "taskzoo.task",
    "IGNORE_INDEX": "taskzoo.task",
    "TaskZooError": "taskzoo.errors",
    "RequestError": "taskzoo.errors",
    "DataError": "taskzoo.errors",
}

__all__ = [
    "IGNORE_INDEX",
    "DataError",
    "Encoded",
    "Option",
    "RequestError",
    "Row",
    "Run",
    "Task",
    "TaskSpec",
    "TaskZooError",
    "__version__",
    "finetune",
    "hookimpl",
    "load",
    "registry",
]

if TYPE_CHECKING:
    from taskzoo import registry
    from taskzoo.errors import DataError, RequestError, TaskZooError
    from taskzoo.registry.hookspecs import hookimpl
    from taskzoo.runs.finetune import finetune
    from taskzoo.runs.load import Run, load
    from taskzoo.task import IGNORE_INDEX, Encoded, Option, Row, Task, TaskSpec


def __getattr__(name: str) -> Any:
    import importlib

    if name == "registry":
        return importlib.import_module("taskzoo.registry")
    if name in _EXPORTS:
        value = getattr(importlib.import_module(_EXPORTS[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'taskzoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
