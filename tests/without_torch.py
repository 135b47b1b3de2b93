"""The command line in a process in which torch and what builds on it are not installed."""

from __future__ import annotations

import sys

ZOO_WITHOUT_TORCH = [
    sys.executable,
    "-c",
    """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "accelerate", "peft"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
from taskzoo.cli import main
main()
""",
]
"""The beginning of a command line."""
