"""Parquet, through pyarrow; only the columns that roles need are decoded.

A nested column is reached by a dot (``translation.en``). Nulls and NaN are missing values. Integers that the file
itself names as classes, as files of the Hugging Face hub do, become these names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from taskzoo.errors import DataError
from taskzoo.types import Row

from ..columns import Columns, reach
from .base import FileReader
from .files import most_unpacked, too_much
from .values import named, plain

MAGIC = b"PAR1"
_BATCH = 2**8  # rows
_REFERENCE = 8  # bytes for each value of a list


class Parquet(FileReader):
    """One row per row; its line is its number, from 1. Lists, numbers and text come as Python values."""

    name = "parquet"
    suffixes = (".parquet", ".pq")

    def matches(self, head: bytes) -> bool:
        return head.startswith(MAGIC)

    def parse(self, data: bytes, columns: Columns) -> list[Row]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            file = pq.ParquetFile(pa.BufferReader(data))
            schema = file.schema_arrow
            top = list(schema.names)
            names = list(column_names(schema))
            where = {role: names[index] for role, index in columns.find(names).items()}
            heads = {name if name in top else name.partition(".")[0] for name in where.values()}
            values = {head: _column(file, head, len(data), columns) for head in heads}
        except (pa.ArrowException, OSError, UnicodeDecodeError, NotImplementedError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:150]
            raise columns.error(f"the Parquet file cannot be read ({reason}); write it again.") from None
        classes = class_names(schema.metadata or {})
        rows = []
        for line, row in enumerate(zip(*values.values(), strict=True), 1):
            item, fields = dict(zip(values, row, strict=True)), {}
            try:
                for role, name in where.items():
                    fields[role] = named(readable(reach(item, name), role, columns, line), classes.get(name))
                rows.append(columns.row(fields, line))
            except DataError as error:
                columns.leave_out(error)
        return rows


def _column(file: Any, name: str, size: int, columns: Columns) -> list[Any]:
    """The values of a top column, batch by batch, so that a small file cannot fill the memory.

    Raises:
        DataError: by the metadata, or when it is read, it is far larger than a file of ``size`` bytes.
    """
    most = max(most_unpacked(size), size)
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    parts = [group.column(i) for group in groups for i in range(group.num_columns)]
    own = [part for part in parts if part.path_in_schema == name or part.path_in_schema.startswith(f"{name}.")]
    said = max(sum(part.total_uncompressed_size for part in own), _REFERENCE * file.metadata.num_rows)
    read, values = 0, []
    for batch in file.iter_batches(_BATCH, columns=[name]) if said <= most else ():
        read += batch.nbytes
        if read > most:
            break
        values += batch.column(name).to_pylist()
    if max(said, read) > most:
        raise too_much("Parquet", size, most, "split it", columns.source)
    return values


def column_names(fields: Any, prefix: str = "") -> Iterator[str]:
    """The names of all columns, those inside structs with dots."""
    import pyarrow as pa

    for field in fields:
        yield prefix + field.name
        if pa.types.is_struct(field.type):
            yield from column_names(field.type, prefix + field.name + ".")


def readable(value: Any, role: str, columns: Columns, line: int) -> Any:
    """Plain values, and text for bytes, which some programs write for text."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise columns.error(f"the {role} is binary data and not UTF-8 text.", line) from None
    return plain(value)


def class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Column -> names of its integers, as the library ``datasets`` writes them into the schema."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {name: inner["names"] for name, feature in features.items() if (inner := _class_label(feature))}
    except (KeyError, TypeError, AttributeError, ValueError):
        return {}


def _class_label(feature: Any) -> dict[str, Any] | None:
    if isinstance(feature, dict) and feature.get("_type") in ("Sequence", "List", "LargeList"):
        feature = feature["feature"]
    elif isinstance(feature, list) and len(feature) == 1:
        feature = feature[0]
    return feature if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" else None
