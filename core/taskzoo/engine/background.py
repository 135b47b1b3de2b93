"""Files that are written while the training goes on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Writer:
    """Does pieces of work in their order: each at once, or in one thread after :meth:`start`.

    After one that failed none is done any more, so that nothing on the disk speaks of what is not there.
    """

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[None]] = deque()
        self._error: BaseException | None = None

    @property
    def apart(self) -> bool:
        """Whether what is to be written must stay as it is while the training goes on."""
        return self._thread is not None

    def start(self) -> None:
        """Use a thread from here to :meth:`finish`."""
        self._thread = self._thread or ThreadPoolExecutor(1, "taskzoo-writer")

    def do(self, work: Callable[[], object]) -> None:
        """Do ``work``, in the thread as soon as all before it is done.

        Raises:
            BaseException: that of an earlier piece of work, or, without the thread, its own.
        """
        if self._thread is None:
            work()
            return
        if self._error is not None:
            raise self._error
        self._waiting.append(self._thread.submit(self._run, work))

    def busy(self) -> bool:
        """Whether something is still to be written; an error of what was is raised."""
        while self._waiting and self._waiting[0].done():
            self._waiting.popleft().result()
        return bool(self._waiting)

    def wait(self, *, left: int = 0) -> None:
        """Until all but the last ``left`` pieces are written; an error of that is raised."""
        while len(self._waiting) > left:
            self._waiting.popleft().result()

    def finish(self) -> None:
        """:meth:`wait`, and end the thread."""
        try:
            self.wait()
        finally:
            if self._thread is not None:
                self._thread.shutdown()
            self._thread = None
            self._waiting.clear()

    def _run(self, work: Callable[[], object]) -> None:
        if self._error is not None:
            raise self._error
        try:
            work()
        except BaseException as error:
            self._error = error
            raise
