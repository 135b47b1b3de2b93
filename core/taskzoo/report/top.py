"""The rows to show, chosen while all of them pass by: only numbers are kept, so memory does not grow with the file."""

from __future__ import annotations

import heapq


class Top:
    """The ``size`` row numbers with the greatest values; of equal values, the first rows."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._heap: list[tuple[float, int]] = []

    def add(self, value: float, row: int) -> None:
        """Take a row into account."""
        entry = (value, -row)
        if len(self._heap) < self.size:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def rows(self) -> list[int]:
        """The chosen rows, that of the greatest value first."""
        return [-row for _, row in sorted(self._heap, reverse=True)]
