"""Rows and examples on disk: the fields of each as a line of JSON in an Arrow file, with its place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

import numpy as np

from taskzoo.types import Example, Row

from .arrow_files import ArrowFile, NotStorableError, same

Placed = TypeVar("Placed", Row, Example)
Line = tuple[bytes, str, int]
"""Fields as JSON, the name of the file, and the line there."""
FEW = 50_000
"""Examples of those on disk that :func:`few_of` takes."""
_RECORDS, _SOURCES, _BATCH = "{}.arrow", "{}.sources.json", 10_000


def line_of(row: Row | Example) -> Line:
    """What is written of a row or example.

    Raises:
        NotStorableError: a value is not one of JSON.
    """
    fields = row.fields
    try:
        text = json.dumps(fields, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise NotStorableError(str(error)) from error
    if not all(type(value) is str for value in fields.values()) and not same(json.loads(text), fields):
        raise NotStorableError(f"{text[:100]} is not what was read")
    return text.encode("utf-8", "surrogatepass"), row.source, row.line


def write_lines(folder: Path, name: str, lines: Iterable[Line]) -> int:
    """Write lines under ``name`` to ``folder``; how many there were."""
    import pyarrow as pa

    schema = pa.schema([("fields", pa.large_binary()), ("source", pa.int32()), ("line", pa.int32())])
    sources: dict[str, int] = {}
    waiting, count = iter(lines), 0
    with (folder / _RECORDS.format(name)).open("wb") as file, pa.ipc.new_file(file, schema) as writer:
        while batch := list(islice(waiting, _BATCH)):
            texts, names, places = zip(*batch, strict=True)
            columns = texts, [sources.setdefault(source, len(sources)) for source in names], places
            arrays = [pa.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
            count += len(batch)
    (folder / _SOURCES.format(name)).write_text(json.dumps(list(sources)), encoding="utf-8")
    return count


def remove_lines(folder: Path, name: str) -> None:
    """Remove what :func:`write_lines` wrote."""
    for form in (_RECORDS, _SOURCES):
        (folder / form.format(name)).unlink()


class Stored(Sequence[Placed], Generic[Placed]):
    """Rows or examples that are made of lines on disk when they are asked for.

    Args:
        folder: where :func:`write_lines` wrote them.
        name: the same as there.
        kind: what is made of them.
        key: says their content.
    """

    def __init__(
        self, folder: Path, name: str, kind: Callable[[Mapping[str, Any], str, int], Placed], key: str = ""
    ) -> None:
        self._key = key
        self._kind: Callable[[Mapping[str, Any], str, int], Placed] = kind
        self._records = ArrowFile(folder / _RECORDS.format(name))
        self._sources: list[str] = json.loads((folder / _SOURCES.format(name)).read_text(encoding="utf-8"))
        self._places: np.ndarray | None = None

    def part(self, places: np.ndarray) -> Stored[Placed]:
        """Those at ``places``, in this order."""
        found = object.__new__(type(self))
        found._records, found._kind, found._sources, found._key = self._records, self._kind, self._sources, self._key
        found._places = (places if self._places is None else self._places[places]).astype(np.int32)
        return found

    @property
    def key(self) -> str:
        """Says the content of all of these."""
        if self._places is None:
            return self._key
        return hashlib.sha256(self._key.encode() + self._places.tobytes()).hexdigest()

    def __len__(self) -> int:
        return len(self._records) if self._places is None else len(self._places)

    @overload
    def __getitem__(self, index: int) -> Placed: ...
    @overload
    def __getitem__(self, index: slice) -> list[Placed]: ...
    def __getitem__(self, index: int | slice) -> Placed | list[Placed]:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        place = range(len(self))[index]
        return self._made(self._records[place if self._places is None else int(self._places[place])])

    def __iter__(self) -> Iterator[Placed]:
        chosen = self._records if self._places is None else map(self._records.__getitem__, self._places.tolist())
        return map(self._made, chosen)

    def _made(self, record: tuple[Any, ...]) -> Placed:
        text, source, line = record
        fields, _ = _decode(text.decode("utf-8", "surrogatepass"))
        made: Placed = self._kind(fields, self._sources[source], line)
        return made


def few_of(examples: Sequence[Example]) -> Sequence[Example]:
    """Examples to look at all together: all that are in memory; of many on disk :data:`FEW`, drawn at random."""
    if not isinstance(examples, Stored) or len(examples) <= FEW:
        return examples
    chosen = np.random.default_rng(0).choice(len(examples), FEW, replace=False)
    return list(examples.part(np.sort(chosen)))


_decode = json.JSONDecoder().raw_decode
