"""Telling callbacks what happens."""

from __future__ import annotations

from typing import Any

from taskzoo.callbacks import Callback

from .progress import Reporter


def tell(callbacks: list[Callback], reporter: Reporter, event: str, *values: Any) -> None:
    """Call the member ``event`` of each callback; one that fails is dropped with a warning, and the run goes on.

    Raises:
        OSError: one that is part of every run cannot write, as on a full disk.
    """
    for callback in list(callbacks):
        try:
            getattr(callback, event)(*values)
        except (Exception, SystemExit) as error:  # whatever a stranger's code may raise
            if callback.always and isinstance(error, OSError):
                raise
            callbacks.remove(callback)
            what = " ".join(f"{type(error).__name__}: {error}".split())
            reporter.say(f"warning   the callback {type(callback).__name__} failed in {event}() and is dropped: {what}")
