"""A plain or packed file that is read from its beginning to its end."""

from __future__ import annotations

from pathlib import Path

from taskzoo.data.readers.files import BROKEN, packing_of, require_file
from taskzoo.errors import DataError


class InputFile:
    """The unpacked content of a file, block by block.

    Attributes:
        source: its name.
        packed: whether it had to be unpacked.

    Raises:
        DataError: it is missing, a folder, not readable or damaged.
    """

    def __init__(self, path: Path) -> None:
        require_file(path)
        self.source = str(path)
        try:
            self._file = path.open("rb")
            self._size = max(1, path.stat().st_size)
            packing = packing_of(path, self._file)
            self._content = packing.open(self._file) if packing else self._file
        except BROKEN as error:
            raise self._error(error) from None
        self.packed = packing is not None

    def read(self, size: int) -> bytes:
        """The next bytes: ``size`` of them, fewer at the end."""
        try:
            data: bytes = self._content.read(size)
        except BROKEN as error:
            raise self._error(error) from None
        return data

    @property
    def done(self) -> float:
        """The share of the file that was read, from 0 to 1."""
        return min(1.0, self._file.tell() / self._size)

    def close(self) -> None:
        """Close the file."""
        self._content.close()
        self._file.close()

    def _error(self, error: Exception) -> DataError:
        reason = getattr(error, "strerror", None) or str(error)
        return DataError(f"the file cannot be read ({reason}); copy it again.", file=self.source)
