"""Making the next batch while a GPU computes one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def one_ahead(make: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[tuple[Item, Made]]:
    """Each item with what ``make`` makes of it; a thread makes that of the next one while the caller has one.

    What ``make`` raises is raised when its item's turn comes.
    """
    before: tuple[Item, Future[Made]] | None = None
    with ThreadPoolExecutor(1, "prefetch") as thread:
        for item in items:
            following = (item, thread.submit(make, item))
            if before is not None:
                yield before[0], before[1].result()
            before = following
        if before is not None:
            yield before[0], before[1].result()
