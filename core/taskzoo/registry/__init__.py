"""What there is to choose from: tasks, models, data sets, recipes and the plugins that bring them.

For notebooks and scripts as well as for the command line::

    from taskzoo import registry
    registry.models(task="ner", language="en", max_params="50M")

Lists are shown as tables in a notebook, and ``registry.models().to_frame()`` makes a data frame.
Importing this package reads nothing; the first call does. The functions are the methods of one :class:`Registry`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .hookspecs import hookimpl

if TYPE_CHECKING:
    from .discovery import PluginRecord
    from .entries import Entries
    from .lookup import Registry, ResolvedRecipe, TaskReference, _process
    from .naming import ExtensionEntry, TaskEntry
    from .schema import DatasetEntry, ModelEntry, Recipe

    refresh = _process.refresh
    plugins = _process.plugins
    methods, method = _process.methods, _process.method
    readers, reader = _process.readers, _process.reader
    commands, command = _process.commands, _process.command
    callbacks, callback = _process.callbacks, _process.callback
    tasks, task, task_entry, load_task = _process.tasks, _process.task, _process.task_entry, _process.load_task
    default_model = _process.default_model
    models, model = _process.models, _process.model
    datasets, dataset = _process.datasets, _process.dataset
    recipes, recipe = _process.recipes, _process.recipe
    model_path, is_available = _process.model_path, _process.is_available

__all__ = ["DatasetEntry", "Entries", "ExtensionEntry", "ModelEntry", "PluginRecord", "Recipe", "Registry"]
__all__ += ["ResolvedRecipe", "TaskEntry", "TaskReference", "callback", "callbacks", "command", "commands", "dataset"]
__all__ += ["datasets", "default_model", "hookimpl", "is_available", "load_task", "method", "methods", "model"]
__all__ += ["model_path", "models", "plugins", "reader", "readers", "recipe", "recipes", "refresh", "task"]
__all__ += ["task_entry", "tasks"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ("DatasetEntry", "ModelEntry", "Recipe"):
        from . import schema  # imports pydantic

        return getattr(schema, name)
    from . import lookup

    return getattr(lookup if hasattr(lookup, name) else lookup._process, name)


def __dir__() -> list[str]:
    return sorted(__all__)
