"""Rows of Parquet files, row group by row group, with the types of their columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from taskzoo.data.columns import Columns, reach
from taskzoo.data.readers.parquet import class_names, column_names, readable
from taskzoo.data.readers.values import named
from taskzoo.errors import DataError

from .records import BadRecord, Item, Record
from .source import Source

_BATCH = 1024  # rows


class ParquetSource(Source):
    """One row per row; its line is its number, from 1."""

    def __init__(self, path: Path, columns: Columns) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._table = columns
        self._broken = (pa.ArrowException, OSError, UnicodeDecodeError, NotImplementedError)
        try:
            self._parquet = pq.ParquetFile(path)
        except self._broken as error:
            raise self._error(error) from None
        self._classes = class_names(self._parquet.schema_arrow.metadata or {})
        self.schema = self._parquet.schema_arrow.remove_metadata()
        names = list(column_names(self.schema))
        self._where = {role: names[index] for role, index in columns.find(names).items()}
        self.columns, self.roles = tuple(self.schema.names), frozenset(self._where)
        self._at, self._count = 0, int(self._parquet.metadata.num_rows)
        self._values = iter(self._from(0))
        if not self._count:
            raise columns.error("no rows were found, reading it as parquet.")

    def take(self, count: int) -> list[Item]:
        found: list[Item] = []
        while len(found) < count and self._at < self._count:
            self._at += 1
            found.append(self._item(self._at, self._next()))
        return found

    def skip(self, count: int) -> int:
        count = min(count, self._count - self._at)
        self._at += count
        self._values = iter(self._from(self._at))
        return count

    @property
    def done(self) -> float:
        return float(self._at / max(1, self._count))

    def close(self) -> None:
        self._parquet.close()

    def _next(self) -> dict[str, Any]:
        try:
            return next(self._values)
        except self._broken as error:
            raise self._error(error) from None

    def _from(self, start: int) -> Iterator[dict[str, Any]]:
        """The rows behind the first ``start``; row groups before these are not read."""
        metadata, first = self._parquet.metadata, 0
        while first < metadata.num_row_groups and start >= metadata.row_group(first).num_rows:
            start -= metadata.row_group(first).num_rows
            first += 1
        groups = list(range(first, metadata.num_row_groups))
        for batch in self._parquet.iter_batches(_BATCH, row_groups=groups) if groups else ():
            if start >= batch.num_rows:
                start -= batch.num_rows
                continue
            yield from batch.slice(start).to_pylist()
            start = 0

    def _item(self, line: int, values: Mapping[str, Any]) -> Item:
        try:
            fields = {
                role: named(readable(reach(values, name), role, self._table, line), self._classes.get(name))
                for role, name in self._where.items()
            }
            return Record(self._table.row(fields, line), values)
        except DataError as error:
            return BadRecord.of(error, line, values)

    def _error(self, error: Exception) -> DataError:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:150]
        return self._table.error(f"the Parquet file cannot be read ({reason}); write it again.")
