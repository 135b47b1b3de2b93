"""Settings in the signature of a function that takes them by name, for the completion of notebooks and for ``help``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from taskzoo.config import TRAINING_FIELDS

Function = TypeVar("Function", bound=Callable[..., Any])


class _Recipe:
    """The default of a setting: what recipes say, or else what ``zoo info TASK`` shows."""

    def __repr__(self) -> str:
        return "..."


def offers_settings(function: Function) -> Function:
    """The function, whose last parameter is ``**settings``; its signature lists the training settings before it."""
    signature = inspect.signature(function)
    *own, settings = signature.parameters.values()
    offered = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=_Recipe(), annotation=field.type)
        for name, field in TRAINING_FIELDS.items()
    ]
    function.__dict__["__signature__"] = signature.replace(parameters=[*own, *offered, settings])
    return function
