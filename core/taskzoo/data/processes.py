"""Parts of a long work, made by as many processes as there are cores and given in order."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from taskzoo.errors import MachineError
from taskzoo.option_names import setting_name

Part = TypeVar("Part")
PR_SET_PDEATHSIG = 1
_AHEAD = 2
"""Parts that each process may be ahead of what was taken."""


def in_processes(make: Callable[[int], Part], numbers: Sequence[int]) -> Iterator[Part]:
    """``make(number)`` for each number, in order.

    The processes take over all that this one holds (``fork``), so nothing but the parts passes between them; where the
    system has no such processes, or one core, this process makes the parts. An error is raised as ``make`` raises it.

    Raises:
        MachineError: one of the processes was killed.
    """
    processes = min(len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1, len(numbers))
    if processes < 2:
        yield from map(make, numbers)
        return
    _makers.append(make)
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("fork"), _begin)
    waiting: deque[tuple[int, Future[Part]]] = deque()
    try:
        for number in numbers:
            waiting.append((number, pool.submit(_made, number)))
            if len(waiting) > _AHEAD * processes:
                yield _result(make, *waiting.popleft())
        while waiting:
            yield _result(make, *waiting.popleft())
    finally:
        _makers.pop()
        pool.shutdown(cancel_futures=True)


_makers: list[Callable[[int], Any]] = []
"""What processes take over from the one that starts them."""


def _made(number: int) -> Any:
    return _makers[-1](number)


def _begin() -> None:
    """One thread, where tokenizers would start as many as there are cores; and no life after the first process."""
    end_with_parent(signal.SIGKILL)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


def end_with_parent(number: int = signal.SIGTERM) -> None:
    """Let the system send this new process a signal when the one that started it is gone (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def _result(make: Callable[[int], Part], number: int, future: Future[Part]) -> Part:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise MachineError(
            "A process that prepares data was ended from outside, perhaps as the memory ran out; start again, or hold "
            f"the data in memory ({setting_name('on_disk=false')})."
        ) from error
    except Exception:
        return make(number)  # raises it here, with all that it has to say
