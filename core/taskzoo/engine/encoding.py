"""Examples to features on disk: by several processes, kept for the next run with the same rows, task and tokenizer."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from taskzoo.data.arrow_files import NotStorableError, batch_of, schema_of
from taskzoo.data.disk_cache import cached, size_of
from taskzoo.data.features import NUMBERS, SUMMARY, VALUES, StoredFeatures
from taskzoo.data.processes import in_processes
from taskzoo.task import Task
from taskzoo.types import Encoded, Example, Feature

from .progress import Bar, Reporter

CHUNK = 10_000
"""Examples that a process encodes at a time."""


def encode_to_disk(
    task: Task, examples: Sequence[Example], processor: Any, *, key: str, split: str, reporter: Reporter
) -> Encoded:
    """As :meth:`Task.encode` does, with features that are read from the disk when they are asked for.

    Args:
        task: fitted, and configured for the checkpoint.
        examples: of one split, not none.
        processor: of the checkpoint.
        key: says all that the features depend on.
        split: for people.
        reporter: shows a bar, and says how large the features are.

    Raises:
        MachineError: they cannot be written.
    """

    def make(folder: Path) -> None:
        with reporter.bar(f"encoding {split}", len(examples)) as bar:
            _write(folder, task, examples, processor, bar)

    try:
        folder = cached(f"features-{key}", make, say=reporter.say)
    except NotStorableError as reason:
        reporter.say(f"memory    features of this task are held in memory, as Arrow cannot hold them: {reason}")
        return task.encode(list(examples), processor)
    reporter.say(f"features  {split} {size_of(folder) / 1e6:,.0f} MB in {folder}")
    features = StoredFeatures(folder)
    return Encoded(features, features.counts)


def processor_digest(processor: Any) -> str:
    """SHA-256 of the files that a tokenizer or the like is saved in, and of its limit."""
    digest = hashlib.sha256(f"{type(processor)} {getattr(processor, 'model_max_length', None)}".encode())
    with tempfile.TemporaryDirectory(prefix="taskzoo-") as folder:
        processor.save_pretrained(folder)
        for file in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


@dataclass(slots=True)
class _Part:
    """The features of a chunk of examples: ``values`` is a ``pyarrow.RecordBatch``, ``numbers`` ``[3, n]``."""

    values: Any
    numbers: np.ndarray
    counts: dict[str, int]
    token_ids: np.ndarray


@dataclass(frozen=True, slots=True)
class _Work:
    """What every process encodes."""

    task: Task
    examples: Sequence[Example]
    processor: Any
    schema: Any = None

    def part(self, start: int) -> _Part:
        """The features of the chunk of examples that begins at ``start``."""
        encoded = self.task.encode(self.examples[start : start + CHUNK], self.processor)
        features, schema = encoded.features, self.schema
        if any(feature.also for feature in features):
            raise NotStorableError("features of several examples")
        records = [feature.values for feature in features]
        values = batch_of(records, schema_of(records) if schema is None else schema)
        numbers = np.array([(f.row + start, f.length, f.target_length) for f in features], dtype=np.int32).T
        return _Part(values, numbers, encoded.counts, _token_ids(self.task, features, values))


def _token_ids(task: Task, features: Sequence[Feature], values: Any) -> np.ndarray:
    import pyarrow as pa

    named = [column for name, column in zip(values.schema.names, values.columns, strict=True) if name.endswith("ids")]
    plain = all(pa.types.is_list(column.type) and pa.types.is_integer(column.type.value_type) for column in named)
    if type(task).token_ids is Task.token_ids and named and plain:
        return np.unique(np.concatenate([np.unique(column.values.to_numpy()) for column in named]))
    return np.array(sorted({i for feature in features for i in task.token_ids(feature)}), dtype=np.int64)


def _write(folder: Path, task: Task, examples: Sequence[Example], processor: Any, bar: Bar) -> None:
    """Write the features of ``examples`` to ``folder``.

    Raises:
        NotStorableError: Arrow has no form for them.
    """
    import pyarrow as pa

    work = _Work(task, examples, processor)
    first = work.part(0)
    work = _Work(task, examples, processor, first.values.schema)
    counts: Counter[str] = Counter()
    token_ids, done = np.zeros(0, dtype=np.int64), 0
    with ExitStack() as files:
        numbers = [files.enter_context((folder / name).open("wb")) for name in NUMBERS]
        file = files.enter_context((folder / VALUES).open("wb"))
        writer = files.enter_context(pa.ipc.new_file(file, work.schema))
        for part in chain([first], in_processes(work.part, range(CHUNK, len(examples), CHUNK))):
            writer.write_batch(part.values)
            for array, number in zip(part.numbers, numbers, strict=True):
                number.write(array.tobytes())
            counts.update(part.counts)
            token_ids = np.union1d(token_ids, part.token_ids)
            done = min(done + CHUNK, len(examples))
            bar.update(done)
    summary = {"counts": counts, "token_ids": token_ids.tolist()}
    (folder / SUMMARY).write_text(json.dumps(summary), encoding="utf-8")
