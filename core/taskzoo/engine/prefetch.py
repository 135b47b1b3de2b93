"""Making the next batch while a GPU computes one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import torch

Item = TypeVar("Item")
Made = TypeVar("Made")


def one_ahead(make: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[tuple[Item, Made]]:
    """Each item with what ``make`` makes of it; a thread makes that of the next one while the caller has one.

    The thread works on the same GPU as its caller, which torch would not have it do by itself. What ``make`` raises is
    raised when its item's turn comes.
    """
    on_gpu = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    same = partial(torch.cuda.set_device, torch.cuda.current_device()) if on_gpu else None
    before: tuple[Item, Future[Made]] | None = None
    with ThreadPoolExecutor(1, "prefetch", same) as thread:
        for item in items:
            following = (item, thread.submit(make, item))
            if before is not None:
                yield before[0], before[1].result()
            before = following
        if before is not None:
            yield before[0], before[1].result()
