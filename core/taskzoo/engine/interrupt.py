"""Turning Ctrl-C, SIGTERM and SIGHUP into a request to stop after the current step. For the command line alone."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

STOPPING = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
"""Signals that ask a training to stop. SIGHUP, which Windows has not, is that of a terminal that is closed."""


class StopRequest:
    """While active, the first of the signals is a request; a second one acts as usual.

    Calling it says whether somebody asked, which is what ``Session.stop`` wants.
    """

    def __init__(self) -> None:
        self._asked = False
        self._previous: dict[int, Any] = {}

    def __call__(self) -> bool:
        return self._asked

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in STOPPING:
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        self.__exit__()

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}
