"""Random numbers of a run, apart from those of the process it runs in."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from taskzoo.errors import RequestError

_TRAINING = threading.RLock()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within the context, Python, NumPy and torch draw from ``seed``; afterwards they go on as if nothing had been.

    May be nested. The generators are those of the process: a :class:`RequestError` if another thread is within.
    """
    import numpy as np
    import torch

    if not _TRAINING.acquire(blocking=False):
        shared = "Another training runs in this process, and the two would share their random numbers"
        raise RequestError(f"{shared}; wait for it, or train in another process.")
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            random.seed(seed)
            np.random.seed(seed % 2**32)
            torch.manual_seed(seed)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        _TRAINING.release()
