"""Several files, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from taskzoo.data.streams.records import Item
from taskzoo.data.streams.source import Source
from taskzoo.errors import DataError
from taskzoo.option_names import option_name


class ChainSource(Source):
    """The rows of all files in order. Each is opened once beforehand, so that one that cannot be read is known at once.

    Args:
        paths: of the files.
        opened: opens one.
        same_columns: whether all must have the columns of the first.

    Raises:
        DataError: a file cannot be read, or has other columns.
    """

    def __init__(self, paths: Sequence[Path], opened: Callable[[Path], Source], *, same_columns: bool) -> None:
        self._paths, self._open, self._next = paths, opened, 0
        self._sizes = [max(1, path.stat().st_size) if path.is_file() else 1 for path in paths]
        self._current = first = opened(paths[0])
        self.columns, self.roles, self.schema = first.columns, first.roles, first.schema
        for path in paths[1:]:
            other = opened(path)
            other.close()
            if same_columns and other.columns != first.columns:
                message = f"this file has the columns {', '.join(other.columns) or 'of no table'}"
                fix = f"predict it on its own, or leave the columns out ({option_name('no_keep_columns')})"
                raise DataError(f"{message}, and {paths[0]} has others; {fix}.", file=str(path))
            self.columns = tuple(dict.fromkeys([*self.columns, *other.columns]))
            if other.schema != first.schema:
                self.schema = None  # one type does not fit both

    def take(self, count: int) -> list[Item]:
        found = self._current.take(count)
        while len(found) < count and self._advance():
            found += self._current.take(count - len(found))
        return found

    def skip(self, count: int) -> int:
        found = self._current.skip(count)
        while found < count and self._advance():
            found += self._current.skip(count - found)
        return found

    @property
    def done(self) -> float:
        before, current = sum(self._sizes[: self._next]), self._sizes[self._next]
        return (before + self._current.done * current) / sum(self._sizes)

    def close(self) -> None:
        self._current.close()

    def _advance(self) -> bool:
        """Go on to the next file, if there is one."""
        if self._next + 1 == len(self._paths):
            return False
        self._current.close()
        self._next += 1
        self._current = self._open(self._paths[self._next])
        return True
