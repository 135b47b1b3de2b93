"""From what the user named to prepared rows of three splits."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taskzoo import registry
from taskzoo.config import DataConfig
from taskzoo.data.hub import load_hub_rows
from taskzoo.data.readers import find_splits, read_rows
from taskzoo.data.splits import overlap_report, split_rows
from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.task import Row, Task, TaskSpec

from .manifest import sha256_of

SPLITS = ("train", "validation", "test")
MemoryRows = Sequence[Mapping[str, Any]] | tuple[Sequence[Any], Sequence[Any]]


@dataclass
class Splits:
    """Prepared rows of each split and what the manifest says of them. ``validation`` and ``test`` may be empty."""

    rows: dict[str, list[Row]]
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    overlap: dict[str, Any] = field(default_factory=dict)


def load_splits(
    spec: TaskSpec, task: Task, data: DataConfig, *, seed: int, memory: Mapping[str, MemoryRows] | None = None
) -> Splits:
    """Read, validate and, where splits are missing, split.

    With ``train`` alone, 10% each become validation and test; with ``train`` and ``test``, 10% become validation.
    Given test rows are never used for validation.

    Raises:
        DataError, RequestError: anything that cannot be used, before anything is written.
    """
    raw, sources = _read(spec, data, memory or {})
    if not raw.get("train"):
        raise RequestError("There are no training rows.")
    rows = {name: task.prepare(raw[name], name) if raw.get(name) else [] for name in SPLITS}
    made: dict[str, Any] = {}
    if not rows["train"]:
        raise RequestError("There are no training rows.")
    if not rows["validation"] or not rows["test"]:
        fractions = (0.0 if rows["validation"] else 0.1, 0.0 if rows["test"] else 0.1)
        train, validation, test, made = split_rows(
            rows["train"], signature=task.signature, seed=seed, fractions=fractions
        )
        rows = {
            "train": train,
            "validation": rows["validation"] or validation,
            "test": rows["test"] or test,
        }
    present = {name: values for name, values in rows.items() if values}
    return Splits(rows, sources, made, overlap_report(present, task.signature))


def overlap_notes(report: Mapping[str, Any]) -> list[str]:
    """What a person should know of rows that the splits share: one line per finding, with the first example."""
    sentences = {
        "train_test": "test rows have an input that is in train as well; the test score is too good by that",
        "train_validation": "validation rows have an input that is in train as well",
        "validation_test": "test rows have an input that is in validation as well",
        "inside_train": "training rows repeat an earlier input",
        "conflicting_targets": "inputs occur with different targets",
    }
    notes = []
    for name, sentence in sentences.items():
        found = report.get(name) or {}
        if found.get("count"):
            first = f" (e.g. {' and '.join(found['examples'][0])})" if found.get("examples") else ""
            notes.append(f"{found['count']} {sentence}{first}")
    return notes


def split_note(made: Mapping[str, Any]) -> str:
    """How missing splits were made, in a few words; empty when all were given."""
    if not made:
        return ""
    return f"split {made['method']} with seed {made['seed']}"


def demo_folder(spec: TaskSpec) -> Path:
    """The folder of the task's built-in demo set.

    Raises:
        RequestError: the task ships none.
    """
    if spec.demo is None:
        raise RequestError(f"The task {spec.id!r} has no built-in demo set; pass --train FILE.")
    package, _, folder = spec.demo.partition(":")
    return Path(str(importlib.resources.files(package))) / folder


def _read(
    spec: TaskSpec, data: DataConfig, memory: Mapping[str, MemoryRows]
) -> tuple[dict[str, list[Row]], dict[str, dict[str, Any]]]:
    if memory:
        rows = {name: rows_from_memory(spec, values, name) for name, values in memory.items()}
        return rows, {
            name: {"source": "memory", "rows": len(values), "fields": [dict(row.fields) for row in values]}
            for name, values in rows.items()
        }
    if data.name and not any((data.train, data.validation, data.test)) and not Path(data.name).is_dir():
        hub = data.name.removeprefix("hub:") if data.name.startswith("hub:") else None
        if data.name == "demo":
            return _read_files(spec, data, {k: str(v) for k, v in find_splits(demo_folder(spec)).items()})
        known = {entry.name: entry for entry in registry.datasets()}
        if hub is None and data.name not in known:
            hint = (
                "--data takes a directory of train/validation/test files, hub:ID, or a name that `zoo datasets` lists."
            )
            raise UnknownNameError("data set", data.name, known, hint)
        entry = known.get(data.name)
        location = hub or data.name
        if entry is not None:
            location = str(entry.directory or entry.hub)
        columns = data.columns or (dict(entry.columns or {}) if entry else {})
        rows = load_hub_rows(
            location,
            columns,
            spec.columns,
            config=entry.config if entry else None,
            revision=entry.revision if entry else None,
        )
        return rows, {name: {"source": f"hub:{location}", "rows": len(values)} for name, values in rows.items()}
    files = {name: getattr(data, name) for name in SPLITS if getattr(data, name)}
    if data.name:
        files = {**{k: str(v) for k, v in find_splits(Path(data.name)).items()}, **files}
    if "train" not in files:
        raise RequestError(f"No training file: {data.name or 'the data'} has {', '.join(files) or 'no split'} only.")
    return _read_files(spec, data, files)


def _read_files(
    spec: TaskSpec, data: DataConfig, files: Mapping[str, str]
) -> tuple[dict[str, list[Row]], dict[str, dict[str, Any]]]:
    rows = {name: read_file(spec, path, data.columns, data.format) for name, path in files.items()}
    sources = {
        name: {"source": str(path), "sha256": sha256_of(path), "rows": len(rows[name])} for name, path in files.items()
    }
    return rows, sources


def read_file(
    spec: TaskSpec,
    path: str | Path,
    columns: Mapping[str, str],
    format: str | None,
    required: frozenset[str] = frozenset(),
) -> list[Row]:
    """The raw rows of one file as the task's roles."""
    return read_rows(
        Path(path), formats=spec.formats, columns=columns, roles=spec.columns, format=format, required=required
    )


def rows_from_memory(spec: TaskSpec, values: MemoryRows, source: str) -> list[Row]:
    """Rows from ``(inputs, targets)`` - the task's first two columns - or from mappings of roles.

    Raises:
        RequestError: lists of unequal length, or items that are not mappings.
    """
    if isinstance(values, tuple) and len(values) == 2:
        inputs, targets = values
        if len(inputs) != len(targets):
            raise RequestError(f"{source}: {len(inputs)} inputs but {len(targets)} targets.")
        first, second = list(spec.columns)[:2]
        return [Row({first: a, second: b}, source, i) for i, (a, b) in enumerate(zip(inputs, targets, strict=True), 1)]
    rows = []
    for number, value in enumerate(values, 1):
        if not isinstance(value, Mapping):
            raise RequestError(
                f"{source}: item {number} is a {type(value).__name__}; give (inputs, targets) or a list of mappings "
                f"with the keys {', '.join(spec.columns)}."
            )
        for key in value:
            if key not in spec.columns:
                raise UnknownNameError(f"column of {spec.id}", str(key), spec.columns)
        rows.append(Row(dict(value), source, number))
    return rows
