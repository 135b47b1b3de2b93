"""How many threads other runtimes than torch take."""

from __future__ import annotations

import os


def wanted_threads() -> int:
    """What ``OMP_NUM_THREADS`` says, as torch does; 0: as many as there are cores."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdecimal() else 0
