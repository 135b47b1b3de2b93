"""Rows of an input, a few at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

from .records import Item

Raw = TypeVar("Raw")


class Source(ABC):
    """Rows in their order; memory does not grow with their number.

    Attributes:
        columns: the names of the input's columns; none where the format has none that could be kept.
        roles: the task's roles that these columns hold.
        schema: the columns' types as a ``pyarrow.Schema``, where the format has types.
    """

    columns: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()
    schema: Any = None

    @abstractmethod
    def take(self, count: int) -> list[Item]:
        """The next rows, ``count`` of them unless the input ends."""

    @abstractmethod
    def skip(self, count: int) -> int:
        """Pass over ``count`` rows without making them; how many there were."""

    @property
    def done(self) -> float:
        """The share of the input that was read, from 0 to 1."""
        return 0.0

    def close(self) -> None:  # noqa: B027 - not every source has a file
        """Close the file."""


class LazySource(Source, Generic[Raw]):
    """A source of something that is cheap to get, of which rows are made when they are taken."""

    _raw: Iterator[Raw]

    @abstractmethod
    def _item(self, raw: Raw) -> Item:
        """The row."""

    def take(self, count: int) -> list[Item]:
        return [self._item(raw) for raw in islice(self._raw, count)]

    def skip(self, count: int) -> int:
        return sum(1 for _ in islice(self._raw, count))


class RowsSource(LazySource[Item]):
    """Rows that were read beforehand."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._all, self._at = items, 0
        self._raw = self._counted()

    def _counted(self) -> Iterator[Item]:
        for item in self._all:
            self._at += 1
            yield item

    def _item(self, raw: Item) -> Item:
        return raw

    @property
    def done(self) -> float:
        return self._at / max(1, len(self._all))
