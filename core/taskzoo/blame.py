"""An error inside a plugin's member names the task, its distribution and the member."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import metadata
from typing import Any

from .errors import PluginError, TaskZooError

PASSED_ON = ("OutOfMemoryError", "MemoryError")
"""Errors that are not the plugin's fault, by the names of their classes."""


def said(error: BaseException) -> str:
    """What an error says; ``""`` of one that fails to say anything."""
    try:
        return str(error).strip()
    except Exception:
        return ""


def describe(error: BaseException) -> str:
    """Kind and text of an error on one line, ``ValueError: what it says``."""
    text = " ".join(said(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def name_the_task(cls: type, contract: type) -> None:
    """Wrap the methods of ``cls`` that ``contract`` declares, so that what they raise says where it was raised.

    :class:`~taskzoo.errors.TaskZooError` passes as it is: that is how a task speaks to people.
    """
    for name, member in list(vars(cls).items()):
        if name.startswith("_") or not callable(member) or not callable(getattr(contract, name, None)):
            continue
        if isinstance(member, staticmethod):
            setattr(cls, name, staticmethod(_named(member.__func__, cls)))
        else:
            setattr(cls, name, _named(member, cls))


def _named(method: Callable[..., Any], cls: type) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except TaskZooError:
            raise
        except (Exception, SystemExit) as error:
            if type(error).__name__ in PASSED_ON:
                raise
            owner = type(args[0]) if args and isinstance(args[0], cls) else cls
            raise PluginError(f"{_title(owner)} failed in {method.__name__}(): {describe(error)}") from error

    return call


def _title(cls: type) -> str:
    """``The task NerTask of taskzoo 0.2.0``, as far as that is known."""
    top = cls.__module__.partition(".")[0]
    owners = metadata.packages_distributions().get(top, [])
    origin = f"{owners[0]} {metadata.version(owners[0])}" if owners else cls.__module__
    return f"The task {cls.__name__} of {origin}"
