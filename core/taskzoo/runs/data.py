"""From what the user named to prepared rows of three splits."""

from __future__ import annotations

import hashlib
import importlib.resources
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from taskzoo import registry
from taskzoo.config import DataConfig
from taskzoo.data.folds import assign_folds, parse_fold
from taskzoo.data.holdout import held_out
from taskzoo.data.hub import HubData, is_saved_data_set, load_hub_rows
from taskzoo.data.readers import (
    GROUP,
    ReadRequest,
    content_sha256,
    expand,
    find_splits,
    read_rows,
    source_files,
    unused_entries,
)
from taskzoo.data.readers.names import not_used
from taskzoo.data.shots import take_shots
from taskzoo.data.splits import overlap_report, split_examples
from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.languages import language_tag
from taskzoo.option_names import option_name
from taskzoo.spec import TaskSpec
from taskzoo.task import Task
from taskzoo.types import Example, Row

from .bad_rows import leave_out_bad
from .memory import MemoryRows, input_mappings, rows_from_memory, splits_in_memory

Files = str | Path | Sequence[str | Path]
"""A file or several; each may be a pattern."""
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
        groups: training rows, each with what it belongs to, for those that belong to something; rows are told apart
            by identity, for several may stand on one line.
    """

    examples: dict[str, Sequence[Example]]
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    overlap: dict[str, Any] = field(default_factory=dict)
    unlabelled: list[Example] = field(default_factory=list)
    groups: list[tuple[Example, str]] = field(default_factory=list)


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
    bad: list[str] | None = [] if data.skip_bad_rows else None
    request = replace(request, incomplete=bool(task.incomplete_rows), bad=bad)
    read = _read_memory(request, memory, data) if memory else _read(request, data)
    if data.unlabelled not in (None, REST):
        texts = replace(of_split(UNLABELLED, request, None), labelled=False)
        read.rows[UNLABELLED], read.sources[UNLABELLED] = _read_paths([str(data.unlabelled)], texts)
    raw = read.rows
    if data.skip_bad_rows:
        leave_out_bad(task, raw, read.sources)
    incomplete = _leave_out_incomplete(raw, spec) if request.incomplete else 0
    examples: dict[str, Sequence[Example]] = {
        name: task.prepare(raw[name], name) if raw.get(name) else [] for name in SPLITS
    }
    if not examples["train"]:
        raise RequestError("There are no training rows.")
    found = Splits(examples, read.sources)
    if raw.get(UNLABELLED):
        found.unlabelled = task.prepare(raw[UNLABELLED], "predict")
    none = {split for split in ("validation", "test") if getattr(data, split) == NONE}
    none |= {split for split in memory if not raw[split]}
    groups = _groups(task, examples["train"], raw["train"] if data.group_by else None)
    of_row = zip(examples["train"], groups or (), strict=False)
    found.groups = [(row, group) for row, group in of_row if group is not None]
    fold: dict[str, Any] = {}
    if data.fold:
        groups, fold = _test_fold(found, task, data.fold, seed=seed, groups=groups)
    _split_off(found, task, data, seed=seed, none=none, groups=groups)
    found.made |= fold
    unused = _unused_groups(groups, data, found.made)
    examples["train"], noticed = task.filter_train_rows(examples["train"])
    if incomplete:
        noticed = {**noticed, task.incomplete_rows: incomplete + noticed.get(task.incomplete_rows, 0)}
    if noticed := {**noticed, **unused}:
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


def file_rows(spec: TaskSpec, task: Task, files: Files, **wanted: Any) -> list[Row]:
    """The rows of files as the task's roles, file after file. ``wanted``: as for :func:`make_request`."""
    request = make_request(spec, task, **wanted)
    return [row for path in each_file(files) for row in read_rows(path, request)]


def each_file(files: Files) -> list[Path]:
    """The files that are named, in order, each once; those of a pattern (``part-*.csv``) are sorted.

    Raises:
        DataError: no file matches a pattern.
    """
    named = [files] if isinstance(files, str | Path) else files
    return list(dict.fromkeys(path for pattern in named for path in expand(pattern)))


def input_files(spec: TaskSpec, task: Task, files: Files) -> list[Path]:
    """All files that are read for the files that are named: of a pair of parallel files, both."""
    paired = paired_languages(spec, task_languages(spec, task))
    return [file for path in each_file(files) for file in source_files(path, paired, spec.columns)]


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
        raise RequestError(f"The task {spec.id!r} has no built-in demo set; pass {option_name('train', 'FILE')}.")
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
    return {role: language_tag(name) for role, name in given.items()}


def paired_languages(spec: TaskSpec, languages: Mapping[str, str]) -> Mapping[str, str]:
    """``languages`` for a task that reads parallel files, else nothing."""
    return languages if "parallel" in spec.formats else {}


# reading


def _read(request: ReadRequest, data: DataConfig) -> HubData:
    """The rows of the splits from a name, a folder or files; a split's own file, or none, replaces what a name has."""
    given = data.files
    files = {name: paths for name, paths in given.items() if paths != [NONE]}
    named, unused = HubData(), {}
    if data.name and is_saved_data_set(Path(data.name)):
        named = _hub_rows(data.name, request, files)
    elif data.name and data.name != "demo" and Path(data.name).is_dir():  # a folder that was named is absolute by now
        files = {name: path for name, path in _splits_of(Path(data.name), request).items() if name not in given} | files
        unused = _unused(Path(data.name), files, request)
    elif data.name:
        named = _read_named(data.name, request, files)
    if "train" not in {**named.rows, **files}:
        raise RequestError(f"No training file: {data.name or 'the data'} has {', '.join(files) or 'no split'} only.")
    check_test_columns(data, files)
    read = _read_files(files, request, data.test_columns)
    if unused:
        read.sources["train"]["left_out"] = read.sources["train"].get("left_out", {}) | unused
    for split in [split for split in named.rows if split not in given]:
        read.rows[split], read.sources[split] = named.rows[split], named.sources[split]
    return read


def check_test_columns(data: DataConfig, read: Collection[str]) -> None:
    """Refuse, by a :class:`RequestError`, columns of test rows where none are ``read`` by them; splits by name."""
    if data.test_columns and "test" not in read:
        says = "says where a test file has its columns, and there is none"
        raise RequestError(f"{option_name('test_columns')} {says}; use {option_name('columns')}.")


def check_format(location: str, request: ReadRequest, files: Collection[str]) -> None:
    """Refuse, by a :class:`RequestError`, a format for a data set of the library where no split has a file."""
    if request.format and not files:
        what = f"{option_name('format')} is for files, and {location} is a data set"
        raise RequestError(f"{what} of the hub or as save_to_disk wrote it; leave the option out.")


def _hub_rows(location: str, request: ReadRequest, files: Collection[str], **settings: Any) -> HubData:
    """The rows of a data set of the library ``datasets``, which has no format; ``files``: splits read from files."""
    check_format(location, request, files)
    return load_hub_rows(location, request, **settings)


def _read_named(name: str, request: ReadRequest, files: Collection[str]) -> HubData:
    """A demo set, a data set that ``zoo datasets`` lists, or ``hub:ID``; ``files``: splits read from files."""
    if name == "demo" or name.startswith("demo/"):
        folder = demo_folder(request.spec, name.removeprefix("demo").lstrip("/"))
        return _read_files(_splits_of(folder, request), request)
    if name.startswith("hub:"):
        return _hub_rows(name.removeprefix("hub:"), request, files)
    known = {entry.name: entry for entry in registry.datasets()}
    if name not in known:
        takes = "takes a directory of train/validation/test files, hub:ID, or a name that `zoo datasets` lists"
        hint = f"{option_name('data')} {takes}."
        raise UnknownNameError("data set", name, known, hint)
    entry = known[name]
    request = replace(request, columns=request.columns or dict(entry.columns or {}))
    if entry.directory is not None and (entry.directory.is_dir() or not entry.hub):
        return _read_files(_splits_of(entry.directory, request), request)
    return _hub_rows(str(entry.hub), request, files, config=entry.config, revision=entry.revision)


def _splits_of(folder: Path, request: ReadRequest) -> dict[str, list[str]]:
    found = find_splits(folder, request.spec.columns, paired_languages(request.spec, request.languages))
    return {split: [str(path)] for split, path in found.items()}


def _unused(folder: Path, files: Mapping[str, Sequence[str]], request: ReadRequest) -> dict[str, int]:
    """What of a folder was not used, as something that was left out."""
    paired = paired_languages(request.spec, request.languages)
    paths = [path for patterns in files.values() for pattern in patterns for path in expand(pattern)]
    names = unused_entries(
        folder, {file for path in paths for file in (path, *source_files(path, paired, request.spec.columns))}
    )
    return {not_used(folder, names): len(names)} if names else {}


def _read_files(
    files: Mapping[str, Sequence[str]], request: ReadRequest, test_columns: Mapping[str, str] | None = None
) -> HubData:
    read = HubData()
    for name, patterns in files.items():
        wanted = of_split(name, request, test_columns)
        read.rows[name], read.sources[name] = _read_paths(patterns, wanted)
    return read


def of_split(name: str, request: ReadRequest, test_columns: Mapping[str, str] | None) -> ReadRequest:
    """What is wanted of the rows of one split."""
    return replace(
        request,
        columns=test_columns if name == "test" and test_columns else request.columns,
        group=request.group if name == "train" else None,
        incomplete=request.incomplete and name == "train",
        notes=Counter(),
        bad=None if request.bad is None else [],
    )


def _read_paths(patterns: Sequence[str], request: ReadRequest) -> tuple[list[Row], dict[str, Any]]:
    """The rows of all files that are named, and what the manifest says of them."""
    paths = each_file(patterns)
    rows = [row for path in paths for row in read_rows(path, request)]
    source = source_facts(patterns, paths, request) | {"rows": len(rows)}
    if request.notes:
        source["left_out"] = dict(request.notes)
    if request.bad:
        source["bad_rows"] = request.bad
    return rows, source


def source_facts(patterns: Sequence[str], paths: Sequence[Path], request: ReadRequest) -> dict[str, Any]:
    """What the manifest says of files, which ``patterns`` name, before their rows are read: name and SHA-256."""
    paired, roles = paired_languages(request.spec, request.languages), request.spec.columns
    hashes = [content_sha256(path, paired, roles) for path in paths]
    sha256 = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    source: dict[str, Any] = {"source": ", ".join(patterns), "sha256": sha256, "rows": 0}
    if len(files := [file for path in paths for file in source_files(path, paired, roles)]) > 1:
        source["files"] = {str(file): content_sha256(file) for file in files}
    return source


def _read_memory(request: ReadRequest, memory: Mapping[str, MemoryRows], data: DataConfig) -> HubData:
    read = HubData()
    check_test_columns(data, memory)
    for name, values in memory.items():
        wanted = replace(of_split(name, request, data.test_columns), labelled=name != UNLABELLED)
        given = values if wanted.labelled else input_mappings(request.spec, values)
        read.rows[name] = rows = rows_from_memory(given, wanted, name)
        read.sources[name] = {"source": "memory", "rows": len(rows), "fields": [dict(row.fields) for row in rows]}
        if wanted.bad:
            read.sources[name]["bad_rows"] = wanted.bad
    return read


def _leave_out_incomplete(rows: dict[str, list[Row]], spec: TaskSpec) -> int:
    """Take the training rows without a required value out of ``rows``; how many there were."""
    required = [role for role, column in spec.columns.items() if column.required]
    before = rows.get("train", [])
    rows["train"] = [row for row in before if all(_has_content(row.get(role)) for role in required)]
    return len(before) - len(rows["train"])


def _has_content(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_content, value))
    return value is not None and bool(str(value).strip())


# splitting


def _groups(task: Task, examples: Sequence[Example], raw: Sequence[Row] | None) -> list[str | None] | None:
    """The group of each example: as its reader found it, else as the task says; ``None`` if there are no groups."""
    if raw is None:
        groups = [task.group(example) for example in examples]
        return groups if any(group is not None for group in groups) else None
    if len(raw) != len(examples):
        needs = "needs a task that keeps every row; this one makes other rows of them"
        raise RequestError(f"{option_name('group_by')} {needs}.")
    return [str(row[GROUP]) for row in raw]


def _unused_groups(groups: list[str | None] | None, data: DataConfig, made: Mapping[str, Any]) -> dict[str, int]:
    """How many groups were asked for in vain, as something that was noticed: no rows were split off."""
    if not data.group_by or not groups or data.fold or "method" in made:
        return {}
    return {f"groups of {option_name('group_by')} without effect, as no rows are split off": len(set(groups))}


def _test_fold(
    found: Splits, task: Task, fold: str, *, seed: int, groups: list[str | None] | None
) -> tuple[list[str | None] | None, dict[str, Any]]:
    """Make one fold of the training rows the test rows, in place of any that were given.

    Returns:
        The groups of the training rows that are left, and what the manifest says of the fold.
    """
    rows, (chosen, folds) = found.examples["train"], parse_fold(fold)
    assigned, stratified = assign_folds(
        rows, folds, dedup_key=task.dedup_key, seed=seed, groups=groups, stratify=not task.multi_reference
    )
    found.sources.pop("test", None)
    unused = len(found.examples["test"])
    found.examples["test"] = [row for row, number in zip(rows, assigned, strict=True) if number == chosen]
    kept = [i for i, number in enumerate(assigned) if number != chosen]
    found.examples["train"] = [rows[i] for i in kept]
    info = {"fold": chosen, "folds": folds, "stratified": stratified, "grouped": groups is not None, "seed": seed}
    info |= {"unused_test_rows": unused} if unused else {}
    return None if groups is None else [groups[i] for i in kept], {"fold": info}


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
