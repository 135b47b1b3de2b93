"""What there is to choose from: tasks, models, data sets, recipes and the plugins that bring them.

For notebooks and scripts as well as for the command line::

    from taskzoo import registry
    registry.models(task="ner", language="en", max_params="50M")

Lists are shown as tables in a notebook, and ``pandas.DataFrame(registry.models().facts())`` makes a data frame.
Importing this package reads nothing; the first call does (see :mod:`taskzoo.registry.lookup`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

_MODULES = {
    "hookimpl": "hookspecs",
    "PluginRecord": "discovery",
    "Entries": "entries",
    "ExtensionEntry": "naming",
    "TaskEntry": "naming",
    "ModelEntry": "schema",
    "DatasetEntry": "schema",
    "Recipe": "schema",
    "ResolvedRecipe": "merging",
}
_LOOKUP = (
    "Registry",
    "TaskReference",
    "callback",
    "callbacks",
    "command",
    "commands",
    "dataset",
    "datasets",
    "default_model",
    "is_available",
    "load_task",
    "method",
    "methods",
    "model",
    "model_path",
    "models",
    "plugins",
    "reader",
    "readers",
    "recipe",
    "recipes",
    "refresh",
    "task",
    "task_entry",
    "tasks",
)

__all__ = [*_LOOKUP, *_MODULES]

if TYPE_CHECKING:
    from .discovery import PluginRecord as PluginRecord
    from .entries import Entries as Entries
    from .hookspecs import hookimpl as hookimpl
    from .lookup import Registry as Registry
    from .lookup import TaskReference as TaskReference
    from .lookup import callback as callback
    from .lookup import callbacks as callbacks
    from .lookup import command as command
    from .lookup import commands as commands
    from .lookup import dataset as dataset
    from .lookup import datasets as datasets
    from .lookup import default_model as default_model
    from .lookup import is_available as is_available
    from .lookup import load_task as load_task
    from .lookup import method as method
    from .lookup import methods as methods
    from .lookup import model as model
    from .lookup import model_path as model_path
    from .lookup import models as models
    from .lookup import plugins as plugins
    from .lookup import reader as reader
    from .lookup import readers as readers
    from .lookup import recipe as recipe
    from .lookup import recipes as recipes
    from .lookup import refresh as refresh
    from .lookup import task as task
    from .lookup import task_entry as task_entry
    from .lookup import tasks as tasks
    from .merging import ResolvedRecipe as ResolvedRecipe
    from .naming import ExtensionEntry as ExtensionEntry
    from .naming import TaskEntry as TaskEntry
    from .schema import DatasetEntry as DatasetEntry
    from .schema import ModelEntry as ModelEntry
    from .schema import Recipe as Recipe


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_MODULES.get(name, 'lookup')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
