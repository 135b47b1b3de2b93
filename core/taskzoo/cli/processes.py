"""Starting the same command once per device."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import NoReturn


def relaunch(processes: int, arguments: Sequence[str], *, output: str) -> NoReturn:
    """Run ``zoo ARGUMENTS`` in ``processes`` processes through ``torch.distributed.run`` and exit as it does."""
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes),
        "-m", "taskzoo", *arguments,
    ]  # fmt: skip
    if "--output" not in arguments and not any(a.startswith("--output=") for a in arguments):
        command += ["--output", output]
    sys.exit(subprocess.run(command, check=False).returncode)
