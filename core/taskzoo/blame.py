"""An error inside a plugin's member names the task, its distribution and the member."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import metadata
from typing import Any

from .errors import PluginError, TaskZooError

PASSED_ON = ("OutOfMemoryError", "MemoryError")
"""Errors that are not the plugin's fault, by the names of their classes."""


def name_the_task(cls: type, contract: type) -> None:
    """Wrap the methods of ``cls`` that ``contract`` declares, so that what they raise says where it was raised.

    :class:`~taskzoo.errors.TaskZooError` passes as it is: that is how a task speaks to people.
    """
    for name, member in list(vars(cls).items()):
        if not name.startswith("_") and callable(member) and callable(getattr(contract, name, None)):
            setattr(cls, name, _named(member))


def _named(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except TaskZooError:
            raise
        except Exception as error:
            if type(error).__name__ in PASSED_ON:
                raise
            reason = " ".join(str(error).split())
            what = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
            raise PluginError(f"{_title(type(self))} failed in {method.__name__}(): {what}") from error

    return call


def _title(cls: type) -> str:
    """``The task NerTask of taskzoo 0.2.0``, as far as that is known."""
    top = cls.__module__.partition(".")[0]
    owners = metadata.packages_distributions().get(top, [])
    origin = f"{owners[0]} {metadata.version(owners[0])}" if owners else cls.__module__
    return f"The task {cls.__name__} of {origin}"
