"""A connection to a Ray cluster, quiet and closed again. Ray is imported here and where it is used, if anybody asks."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from taskzoo.errors import RequestError


def import_ray() -> Any:
    """The package with Ray Train; a :class:`RequestError` with what to install where it is not there."""
    try:
        import ray
        import ray.train.torch
    except ImportError:
        raise RequestError("--engine ray needs ray, which is not installed: pip install 'taskzoo[ray]'.") from None
    return ray


_PLACE = re.compile(r"(?:ray://)?\[?(?P<host>[^/\]]+)\]?:(?P<port>\d+)")
_PATIENCE = 10.0  # seconds; Ray itself would try for minutes, and say so line by line


@contextmanager
def connected(address: str = "") -> Iterator[Any]:
    """The package, connected to a cluster within the context unless it was before.

    Args:
        address: of the cluster (``ray://HOST:10001``); ``""``: that of ``RAY_ADDRESS``, else one on this machine.

    Raises:
        RequestError: ray is not installed, or the cluster does not answer.
    """
    ray = import_ray()
    ours = not ray.is_initialized()
    named = address or os.environ.get("RAY_ADDRESS", "")
    try:
        if ours:
            if found := _PLACE.fullmatch(named):
                socket.create_connection((found["host"], int(found["port"])), _PATIENCE).close()
            handler = signal.getsignal(signal.SIGTERM)
            ray.init(address=address or None, log_to_driver=False, logging_level="error")
            if callable(handler):  # which Ray has replaced by one that prints where it was
                signal.signal(signal.SIGTERM, handler)
    except (OSError, ValueError, RuntimeError) as error:
        place = named or "on this machine"
        raise RequestError(f"The Ray cluster {place} does not answer ({' '.join(str(error).split()):.200}).") from None
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()
