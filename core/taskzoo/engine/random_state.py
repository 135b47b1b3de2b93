"""Random numbers of a run, apart from those of the process it runs in."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError

if TYPE_CHECKING:
    import torch

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


@dataclass(frozen=True, slots=True)
class RandomState:
    """Where the generators of this process stand.

    Args:
        cpu: of torch; ``cuda``: of the device, where there is one.
        plain: of Python and NumPy.
    """

    cpu: torch.Tensor
    cuda: torch.Tensor | None
    plain: dict[str, Any]

    @classmethod
    def here(cls) -> RandomState:
        """That of this process now."""
        import numpy as np
        import torch

        cuda = torch.cuda.get_rng_state() if torch.cuda.is_available() else None
        return cls(torch.get_rng_state(), cuda, {"python": random.getstate(), "numpy": np.random.get_state()})

    def put_back(self) -> None:
        """Let this process go on from here; ``plain`` may come from JSON."""
        import numpy as np
        import torch

        torch.set_rng_state(self.cpu)
        if self.cuda is not None and torch.cuda.is_available():
            torch.cuda.set_rng_state(self.cuda)
        version, internal, gauss = self.plain["python"]
        random.setstate((version, tuple(internal), gauss))
        np.random.set_state(self.plain["numpy"])


def random_states(processes: int) -> list[RandomState]:
    """That of each of the processes, in their order; all of them must ask."""
    import torch

    if processes == 1:
        return [RandomState.here()]
    found: list[Any] = [None] * processes
    torch.distributed.all_gather_object(found, RandomState.here())
    return found


def differ(seed: int, rank: int) -> None:
    """Let all processes but the first draw other numbers, such as for dropout."""
    import numpy as np
    import torch

    if rank:
        random.seed(seed + rank)
        np.random.seed((seed + rank) % 2**32)
        torch.manual_seed(seed + rank)
