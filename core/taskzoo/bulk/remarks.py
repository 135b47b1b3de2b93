"""What a model says of each chunk, added up."""

from __future__ import annotations

import re
from collections import Counter

_COUNTED = re.compile(r"(\d+) (.+)", re.DOTALL)
_BETWEEN = re.compile(r", (?=\d)")


class Remarks:
    """Takes remarks such as ``3 truncated rows, 1 ...`` and gives one for all of a kind."""

    def __init__(self) -> None:
        self._counts, self._others = Counter[str](), dict[str, None]()

    def __call__(self, message: str) -> None:
        """A remark on a chunk."""
        for part in _BETWEEN.split(message):
            if counted := _COUNTED.fullmatch(part):
                self._counts[counted[2]] += int(counted[1])
            else:
                self._others[part] = None

    def all(self) -> list[str]:
        """The remarks on all chunks."""
        counted = ", ".join(f"{count} {what}" for what, count in self._counts.items())
        return [*([counted] if counted else []), *self._others]
