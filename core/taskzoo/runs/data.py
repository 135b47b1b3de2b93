"""From what the user named to prepared rows of three splits."""

from __future__ import annotations

import importlib.resources
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from taskzoo import registry
from taskzoo.config import DataConfig
from taskzoo.data.holdout import held_out
from taskzoo.data.hub import HubData, load_hub_rows
from taskzoo.data.readers import GROUP, ReadRequest, content_sha256, file_sha256, find_splits, read_rows, source_files
from taskzoo.data.shots import take_shots
from taskzoo.data.splits import overlap_report, split_examples
from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.languages import as_language
from taskzoo.spec import TaskSpec
from taskzoo.task import Task
from taskzoo.types import Example, Row

from .memory import MemoryRows, input_mappings, rows_from_memory, splits_in_memory

SPLITS = ("train", "validation", "test")
NONE = "none"
"""Instead of a file: there shall be no such split."""
REST = "rest"
"""Instead of a file of unlabelled texts: the training rows that ``shots`` leaves out."""
UNLABELLED = "unlabelled"


@dataclass
class Splits:
    """Prepared rows of each split and what the manifest says of them. ``validation`` and ``test`` may be empty.

    Args:
        examples: split -> its rows.
        sources: split -> where its rows come from, with a SHA-256, and what was left out.
        made: how missing splits were made.
        overlap: what splits have in common.
        unlabelled: further rows for training; a label that one may have is not to be looked at.
    """

    examples: dict[str, list[Example]]
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    overlap: dict[str, Any] = field(default_factory=dict)
    unlabelled: list[Example] = field(default_factory=list)


def load_splits(
    spec: TaskSpec, task: Task, data: DataConfig, *, seed: int, memory: Mapping[str, MemoryRows] | None = None
) -> Splits:
    """Read, validate and, where splits are missing, split.

    With ``train`` alone, 10% each become validation and test; with ``train`` and ``test``, 10% become validation.
    Given test rows are never used for validation. Few ``shots`` mean that labels are scarce, so no validation rows
    are split off then: they would be more labels than the training has. ``holdout`` says other sizes than 10%.

    Raises:
        DataError, RequestError: anything that cannot be used, before anything is written.
    """
    memory = splits_in_memory(memory or {})
    request = make_request(spec, task, columns=data.columns, format=data.format, group=data.group_by)
    read = _read_memory(request, memory) if memory else _read(request, data)
    if data.unlabelled not in (None, REST):
        texts = replace(request, group=None, labelled=False, notes=Counter())
        read.rows[UNLABELLED], read.sources[UNLABELLED] = _read_file(str(data.unlabelled), texts)
    raw = read.rows
    examples = {name: task.prepare(raw[name], name) if raw.get(name) else [] for name in SPLITS}
    if not examples["train"]:
        raise RequestError("There are no training rows.")
    found = Splits(examples, read.sources)
    if raw.get(UNLABELLED):
        found.unlabelled = task.prepare(raw[UNLABELLED], "predict")
    none = {split for split in ("validation", "test") if getattr(data, split) == NONE}
    none |= {split for split in memory if not raw[split]}
    groups = _groups(task, examples["train"], raw["train"] if data.group_by else None)
    _split_off(found, task, data, seed=seed, none=none, groups=groups)
    examples["train"], noticed = task.filter_train_rows(examples["train"])
    if noticed:
        found.sources["train"]["noticed"] = noticed
    if not examples["train"]:
        raise RequestError("No training row is left: the task's options drop them all.")
    if data.shots:
        before, key = examples["train"], task.dedup_key
        examples["train"], found.made["shots"] = take_shots(before, task.classes, data.shots, seed, dedup_key=key)
        if data.unlabelled == REST:
            chosen = set(map(id, examples["train"]))
            found.unlabelled = [example for example in before if id(example) not in chosen]
    if data.unlabelled or UNLABELLED in raw:
        found.unlabelled, found.made[UNLABELLED] = _new_inputs(found, task)
    if added := task.augment(examples["train"]):
        examples["train"] = [*examples["train"], *added]
        found.made["added_rows"] = len(added)
    present = {name: values for name, values in examples.items() if values}
    found.overlap = overlap_report(present, task.dedup_key, multi_reference=task.multi_reference)
    return found


def file_rows(spec: TaskSpec, task: Task, path: str | Path, **wanted: Any) -> list[Row]:
    """The rows of one file as the task's roles. ``wanted``: as for :func:`make_request`."""
    return read_rows(path, make_request(spec, task, **wanted))


def input_rows(spec: TaskSpec, task: Task, inputs: str | Mapping[str, Any] | Iterable[Any]) -> list[Row]:
    """Rows to predict from a text, a mapping of the task's inputs, or any number of these.

    Raises:
        RequestError: anything else, or an input that is required is missing.
    """
    given, role = input_mappings(spec, inputs), spec.input_role
    required = any(column.required and not column.target for column in spec.columns.values())
    if not required and all(isinstance(item, Mapping) and list(item) == [role] for item in given):
        return [Row(item, "input", number) for number, item in enumerate(given, 1)]  # the task says what may be empty
    return rows_from_memory(given, make_request(spec, task, labelled=False), "input")


def memory_rows(spec: TaskSpec, task: Task, values: MemoryRows, **wanted: Any) -> list[Row]:
    """Rows given from Python: see :func:`~taskzoo.runs.memory.rows_from_memory`."""
    return rows_from_memory(values, make_request(spec, task, **wanted), "data")


def demo_rows(spec: TaskSpec, task: Task, variant: str = "") -> dict[str, list[Row]]:
    """The rows of each split of the demo set, or of a variant of it."""
    request = make_request(spec, task)
    return _read_files(_splits_of(demo_folder(spec, variant), request), request).rows


def demo_folder(spec: TaskSpec, variant: str = "") -> Path:
    """The folder of the task's built-in demo set, or of a ``variant`` of it (``zh``): a folder inside.

    Raises:
        RequestError: the task ships none.
        UnknownNameError: no such variant.
    """
    if spec.demo is None:
        raise RequestError(f"The task {spec.id!r} has no built-in demo set; pass --train FILE.")
    package, _, folder = spec.demo.partition(":")
    path = Path(str(importlib.resources.files(package))) / folder
    if not variant:
        return path
    variants = sorted(p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith("_"))
    if variant not in variants:
        known = [f"demo/{name}" for name in variants]
        hint = f"There are demo, {', '.join(known)}." if known else f"{spec.id} has only the demo set demo."
        raise UnknownNameError(f"demo set of {spec.id}", f"demo/{variant}", known, hint)
    return path / variant


def make_request(spec: TaskSpec, task: Task, **wanted: Any) -> ReadRequest:
    """What the task wants of a file, with the languages that it knows; ``wanted``: other values of the request."""
    return ReadRequest(spec, languages=task_languages(spec, task), **wanted)


def task_languages(spec: TaskSpec, task: Task) -> dict[str, str]:
    """Role -> code of the language of its texts, ``""`` if unknown: as the task knows it, else as its options say."""
    options = {**{name: option.default for name, option in spec.options.items()}, **task.options}
    given = {role: str(task.languages.get(role) or options.get(name) or "") for role, name in spec.languages.items()}
    return {role: as_language(name) or name for role, name in given.items()}


def paired_languages(spec: TaskSpec, languages: Mapping[str, str]) -> Mapping[str, str]:
    """``languages`` for a task that reads parallel files, else nothing."""
    return languages if "parallel" in spec.formats else {}


# reading


def _read(request: ReadRequest, data: DataConfig) -> HubData:
    """The rows of the splits from a name, a folder or files; a split's own file, or none, replaces what a name has."""
    given = {name: getattr(data, name) for name in SPLITS if getattr(data, name) is not None}
    files = {name: path for name, path in given.items() if path != NONE}
    named = HubData()
    if data.name and data.name != "demo" and Path(data.name).is_dir():  # a folder that was named is absolute by now
        files = {name: path for name, path in _splits_of(Path(data.name), request).items() if name not in given} | files
    elif data.name:
        named = _read_named(data.name, request)
    if "train" not in {**named.rows, **files}:
        raise RequestError(f"No training file: {data.name or 'the data'} has {', '.join(files) or 'no split'} only.")
    read = _read_files(files, request)
    for split in [split for split in named.rows if split not in given]:
        read.rows[split], read.sources[split] = named.rows[split], named.sources[split]
    return read


def _read_named(name: str, request: ReadRequest) -> HubData:
    """A demo set, a data set that ``zoo datasets`` lists, or ``hub:ID``."""
    if name == "demo" or name.startswith("demo/"):
        folder = demo_folder(request.spec, name.removeprefix("demo").lstrip("/"))
        return _read_files(_splits_of(folder, request), request)
    if name.startswith("hub:"):
        return load_hub_rows(name.removeprefix("hub:"), request)
    known = {entry.name: entry for entry in registry.datasets()}
    if name not in known:
        hint = "--data takes a directory of train/validation/test files, hub:ID, or a name that `zoo datasets` lists."
        raise UnknownNameError("data set", name, known, hint)
    entry = known[name]
    request = replace(request, columns=request.columns or dict(entry.columns or {}))
    if entry.directory is not None and (entry.directory.is_dir() or not entry.hub):
        return _read_files(_splits_of(entry.directory, request), request)
    return load_hub_rows(str(entry.hub), request, config=entry.config, revision=entry.revision)


def _splits_of(folder: Path, request: ReadRequest) -> dict[str, str]:
    found = find_splits(folder, request.spec.columns, paired_languages(request.spec, request.languages))
    return {split: str(path) for split, path in found.items()}


def _read_files(files: Mapping[str, str], request: ReadRequest) -> HubData:
    read = HubData()
    for name, path in files.items():
        group = request.group if name == "train" else None
        read.rows[name], read.sources[name] = _read_file(path, replace(request, group=group, notes=Counter()))
    return read


def _read_file(path: str, request: ReadRequest) -> tuple[list[Row], dict[str, Any]]:
    """The rows of a file, and what the manifest says of it."""
    rows = read_rows(path, request)
    paired = paired_languages(request.spec, request.languages)
    source: dict[str, Any] = {"source": path, "sha256": content_sha256(path, paired), "rows": len(rows)}
    if len(both := source_files(Path(path), paired)) > 1:
        source["files"] = {str(file): file_sha256(file).hex() for file in both}
    if request.notes:
        source["left_out"] = dict(request.notes)
    return rows, source


def _read_memory(request: ReadRequest, memory: Mapping[str, MemoryRows]) -> HubData:
    read = HubData()
    for name, values in memory.items():
        wanted = replace(request, group=request.group if name == "train" else None, labelled=name != UNLABELLED)
        given = values if wanted.labelled else input_mappings(request.spec, values)
        read.rows[name] = rows = rows_from_memory(given, wanted, name)
        read.sources[name] = {"source": "memory", "rows": len(rows), "fields": [dict(row.fields) for row in rows]}
    return read


# splitting


def _groups(task: Task, examples: Sequence[Example], raw: Sequence[Row] | None) -> list[str | None] | None:
    """The group of each example: as its reader found it, else as the task says; ``None`` if there are no groups."""
    if raw is None:
        groups = [task.group(example) for example in examples]
        return groups if any(group is not None for group in groups) else None
    if len(raw) != len(examples):
        raise RequestError("--group-by needs a task that keeps every row; this one makes other rows of them.")
    return [str(row[GROUP]) for row in raw]


def _split_off(
    found: Splits, task: Task, data: DataConfig, *, seed: int, none: set[str], groups: list[str | None] | None
) -> None:
    """Make validation and test rows of training rows, where they are missing and wanted."""
    examples, rows = found.examples, found.examples["train"]
    missing = {split: not examples[split] and split not in none for split in ("validation", "test")}
    fractions = held_out(data.holdout, len(rows), **missing, shots=bool(data.shots))
    if not any(fractions):
        return
    examples["train"], *parts, found.made = split_examples(
        rows, dedup_key=task.dedup_key, seed=seed, fractions=fractions, groups=groups, stratify=not task.multi_reference
    )
    examples |= {split: examples[split] or part for split, part in zip(missing, parts, strict=True)}
    found.made |= {"holdout": data.holdout} if data.holdout else {}


def _new_inputs(found: Splits, task: Task) -> tuple[list[Example], dict[str, int]]:
    """The unlabelled rows, each input once, without those that any split has: test rows are not to be learnt from."""
    given_in = {task.dedup_key(example)[0]: split for split in reversed(SPLITS) for example in found.examples[split]}
    kept = {task.dedup_key(example)[0]: example for example in reversed(found.unlabelled)}
    shared = Counter(given_in[given] for given in kept if given in given_in)
    new = [example for given, example in reversed(kept.items()) if given not in given_in]
    if not new:
        raise RequestError(f"None of the {len(found.unlabelled)} unlabelled rows has an input that no split has.")
    return new, {"rows": len(new), **{f"left_out_as_in_{split}": shared[split] for split in SPLITS if shared[split]}}
