"""What a file format is: plugins bring more by ``taskzoo_register_readers``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from taskzoo.types import Row

from ..columns import Columns, ReadRequest
from .files import read_bytes

__all__ = ["FileReader", "ReadRequest", "Reader"]


class Reader(ABC):
    """A file format. :class:`taskzoo.data.columns.Columns` finds the columns and makes the rows.

    Attributes:
        name: what ``--format`` takes.
        suffixes: endings of its files (``".jsonl"``); those of built-in formats stay with these.
        roles: what a task must have (:attr:`taskzoo.spec.TaskSpec.columns`) for the format to be offered to it.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()
    roles: ClassVar[tuple[str, ...]] = ()

    def matches(self, head: bytes) -> bool:
        """Whether a file that begins so, unpacked, has this format whatever its name."""
        return False

    def files(self, path: Path) -> list[Path]:
        """The files that are read for a path which is more than one file of this format, such as a folder of them."""
        return []

    @abstractmethod
    def read(self, path: Path, request: ReadRequest) -> list[Row]:
        """The rows of a file.

        Raises:
            DataError: the file cannot be used, with file and line.
        """


class FileReader(Reader):
    """A format of single files, plain or packed, which need not be read twice where the format was detected."""

    @abstractmethod
    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        """The rows of an unpacked file.

        Raises:
            DataError: as :meth:`read`.
        """

    def read(self, path: Path, request: ReadRequest) -> list[Row]:
        return self.parse(read_bytes(path), Columns(request, str(path)))
