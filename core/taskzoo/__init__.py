"""Task Zoo: fine-tune pretrained transformers with one command, and publish tasks as packages.

Importing this package imports no torch; heavy parts load on first use (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

_EXPORTS = {
    "finetune": "taskzoo.runs.finetune",
    "resume": "taskzoo.runs.finetune",
    "load": "taskzoo.hub.load",
    "compare": "taskzoo.comparison.compare",
    "explain": "taskzoo.explanations.explain",
    "recommend": "taskzoo.recommending.recommend",
    "tune": "taskzoo.tuning.tune",
    "Run": "taskzoo.runs.load",
    "hookimpl": "taskzoo.registry.hookspecs",
    "Column": "taskzoo.spec",
    "Extension": "taskzoo.spec",
    "Option": "taskzoo.spec",
    "TaskSpec": "taskzoo.spec",
    "Task": "taskzoo.task",
    "IGNORE_INDEX": "taskzoo.types",
    "Batch": "taskzoo.types",
    "Encoded": "taskzoo.types",
    "Example": "taskzoo.types",
    "Feature": "taskzoo.types",
    "Loss": "taskzoo.types",
    "Metric": "taskzoo.types",
    "Prediction": "taskzoo.types",
    "Row": "taskzoo.types",
    "SavedModel": "taskzoo.types",
    "Score": "taskzoo.types",
    "Callback": "taskzoo.callbacks",
    "RunFacts": "taskzoo.callbacks",
    "DataError": "taskzoo.errors",
    "PluginError": "taskzoo.errors",
    "RequestError": "taskzoo.errors",
    "TaskZooError": "taskzoo.errors",
}

__all__ = [
    "IGNORE_INDEX",
    "Batch",
    "Callback",
    "Column",
    "DataError",
    "Encoded",
    "Example",
    "Extension",
    "Feature",
    "Loss",
    "Metric",
    "Option",
    "PluginError",
    "Prediction",
    "RequestError",
    "Row",
    "Run",
    "RunFacts",
    "SavedModel",
    "Score",
    "Task",
    "TaskSpec",
    "TaskZooError",
    "__version__",
    "compare",
    "explain",
    "finetune",
    "hookimpl",
    "load",
    "recommend",
    "registry",
    "resume",
    "tune",
]

if TYPE_CHECKING:
    from taskzoo import registry
    from taskzoo.callbacks import Callback, RunFacts
    from taskzoo.comparison.compare import compare
    from taskzoo.errors import DataError, PluginError, RequestError, TaskZooError
    from taskzoo.explanations.explain import explain
    from taskzoo.hub.load import load
    from taskzoo.recommending.recommend import recommend
    from taskzoo.registry.hookspecs import hookimpl
    from taskzoo.runs.finetune import finetune, resume
    from taskzoo.runs.load import Run
    from taskzoo.spec import Column, Extension, Option, TaskSpec
    from taskzoo.task import Task
    from taskzoo.tuning.tune import tune
    from taskzoo.types import (
        IGNORE_INDEX,
        Batch,
        Encoded,
        Example,
        Feature,
        Loss,
        Metric,
        Prediction,
        Row,
        SavedModel,
        Score,
    )


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
