"""What concerns the whole process: the command line sets it up, and the library never touches it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager


def set_up_process(run: str = "") -> None:
    """Keep transformers' own reports off the terminal, and free memory in the process.

    Neither is done if ``run`` is an export, which does without transformers and torch.
    """
    from taskzoo.runs.exported import is_export

    if run and is_export(run):
        return
    from taskzoo.engine.cpu import keep_memory
    from taskzoo.models.loading import quiet_transformers

    quiet_transformers()
    keep_memory()


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """A function that says whether Ctrl-C or SIGTERM asked to stop.

    Signals act as usual until it is first called, so that a download is stopped at once; a second one always does.
    """
    from taskzoo.engine.interrupt import StopRequest

    request = StopRequest()
    with ExitStack() as stack:
        listening = False

        def stop() -> bool:
            nonlocal listening
            if not listening:
                stack.enter_context(request)
                listening = True
            return request()

        yield stop
