"""Turning Ctrl-C, SIGTERM and SIGHUP into a request to stop after the current step. For the command line alone."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType
from typing import Any

STOPPING = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
"""Signals that ask a training to stop. SIGHUP, which Windows has not, is that of a terminal that is closed."""

TOGETHER = 2.0
"""Seconds within which signals to a process with a launcher are one, that of the terminal and that of the launcher."""


def listened_to() -> list[signal.Signals]:
    """Of :data:`STOPPING` those that are not ignored, as ``nohup`` and shells have it for what outlives them."""
    return [number for number in STOPPING if signal.getsignal(number) not in (signal.SIG_IGN, None)]


class StopRequest:
    """While active, the first of the signals is a request; a second one acts as usual.

    Calling it says whether somebody asked, which is what ``Session.stop`` wants.
    """

    def __init__(self) -> None:
        self._asked = False
        self._first = 0.0  # when it was asked for
        self._previous: dict[int, Any] = {}

    def __call__(self) -> bool:
        return self._asked

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in listened_to():
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._asked:
            self._asked, self._first = True, time.monotonic()
            if "WORLD_SIZE" not in os.environ:
                self.__exit__()
        elif time.monotonic() - self._first > TOGETHER:
            self.__exit__()
            signal.raise_signal(number)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}
