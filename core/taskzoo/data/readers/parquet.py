"""Parquet, through pyarrow; only the columns that roles need are decoded.

A nested column is reached by a dot (``translation.en``). Nulls and NaN are missing values. Integers that the file
itself names as classes, as files of the Hugging Face hub do, become these names.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from ...errors import DataError
from ...task import Row
from .columns import match_names
from .languages import Languages
from .objects import reach
from .values import make_row, named


def read_parquet(
    data: bytes,
    source: str,
    roles: Mapping[str, str],
    required: frozenset[str],
    columns: Mapping[str, str],
    languages: Languages,
) -> list[Row]:
    """One row per row; its line is its number, from 1. Lists, numbers and text come as Python values.

    Raises:
        DataError: not readable, a missing column, an empty value, a repeated column name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        schema = file.schema_arrow
        top = list(schema.names)
        for name in top:
            if top.count(name) > 1:
                raise DataError(f"two columns are named {name!r}; rename one.", file=source)
        names = list(_names(schema))
        columns = {**columns, **languages.columns(names, roles, columns, source)}
        where = match_names(names, roles, required, columns, source)
        heads = {role: name if name in top else name.partition(".")[0] for role, name in where.items()}
        values = {head: file.read(columns=[head]).column(head).to_pylist() for head in dict.fromkeys(heads.values())}
    except (pa.ArrowException, OSError, UnicodeDecodeError, NotImplementedError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:150]
        raise DataError(f"the Parquet file cannot be read ({reason}); write it again.", file=source) from None
    classes = _class_names(schema.metadata or {})
    rows = []
    for index in range(file.metadata.num_rows):
        fields = {}
        for role, name in where.items():
            head = heads[role]
            value = reach({head: values[head][index]}, name)
            fields[role] = named(_plain(value, role, source, index + 1), classes.get(name))
        rows.append(make_row(fields, required, source, index + 1))
    return rows


def _names(fields: Any, prefix: str = "") -> Iterator[str]:
    """The names of all columns, those inside structs with dots."""
    import pyarrow as pa

    for field in fields:
        yield prefix + field.name
        if pa.types.is_struct(field.type):
            yield from _names(field.type, prefix + field.name + ".")


def _plain(value: Any, role: str, source: str, line: int) -> Any:
    """Text for bytes, which some programs write for text; numbers for decimals; ``None`` for NaN."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise DataError(f"the {role} is binary data and not UTF-8 text.", file=source, line=line) from None
    return value


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
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
