"""One run directory for all processes of a run, be they on several machines."""

from __future__ import annotations

import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.errors import MachineError
from taskzoo.option_names import option_name

if TYPE_CHECKING:
    from taskzoo.engine.accelerator import RunAccelerator

PATIENCE = 30.0
"""Seconds until a file that one machine has written is seen by another over a network file system."""


def agreed_path(path: Path, accelerator: RunAccelerator) -> Path:
    """``path`` of the first process, for the others made absolute."""
    if accelerator.num_processes == 1:
        return path
    from torch import distributed

    shared: list[Any] = [path.absolute()]
    distributed.broadcast_object_list(shared)
    first: Path = shared[0]
    return path if accelerator.is_main_process else first


def check_shared(file: Path, accelerator: RunAccelerator) -> None:
    """Wait until every process sees ``file``, which the first one has written.

    Raises:
        MachineError: in all processes, if one does not.
    """
    if accelerator.num_processes == 1:
        return
    from torch import distributed

    accelerator.wait_for_everyone()
    deadline = time.monotonic() + PATIENCE
    while not (seen := file.is_file()) and time.monotonic() < deadline:
        time.sleep(0.1)
    found: list[Any] = [None] * accelerator.num_processes
    distributed.all_gather_object(found, None if seen else platform.node())
    if missing := sorted({name for name in found if name is not None}):
        raise MachineError(
            f"The run directory {str(file.parent)!r} is not seen by {', '.join(missing)}: a run on several machines "
            "needs a folder on a file system that they share, under the same path. Start it again, with such a folder "
            f"as {option_name('output')}."
        )
