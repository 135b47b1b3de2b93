"""From what the user named to prepared rows of three splits."""

from __future__ import annotations

import importlib.resources
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taskzoo import registry
from taskzoo.config import DataConfig
from taskzoo.data.holdout import held_out
from taskzoo.data.hub import load_hub_rows
from taskzoo.data.languages import as_language
from taskzoo.data.readers import (
    GROUP,
    content_sha256,
    file_sha256,
    find_splits,
    read_rows,
    source_files,
)
from taskzoo.data.shots import take_shots
from taskzoo.data.splits import overlap_report, split_rows
from taskzoo.errors import DataError, RequestError, UnknownNameError
from taskzoo.task import Row, Task, TaskSpec

from .memory import MemoryRows, rows_from_memory

SPLITS = ("train", "validation", "test")
NONE = "none"
"""Instead of a file: there shall be no such split."""
REST = "rest"
"""Instead of a file of unlabelled texts: the training rows that ``shots`` leaves out."""
UNLABELLED = "unlabelled"


@dataclass
class Splits:
    """Prepared rows of each split and what the manifest says of them. ``validation`` and ``test`` may be empty.

    ``unlabelled`` are further rows for training; a label that one may have is not to be looked at.
    """

    rows: dict[str, list[Row]]
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    overlap: dict[str, Any] = field(default_factory=dict)
    unlabelled: list[Row] = field(default_factory=list)


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
    languages = task_languages(spec, task)
    raw, sources = _read(spec, data, memory or {}, languages)
    if data.unlabelled not in (None, REST):
        raw[UNLABELLED], sources[UNLABELLED] = _read_unlabelled(spec, data, languages)
    raw_train = raw.get("train", [])
    if not raw.get("train"):
        raise RequestError("There are no training rows.")
    rows = {name: task.prepare(raw[name], name) if raw.get(name) else [] for name in SPLITS}
    unlabelled = task.prepare(raw[UNLABELLED], "predict") if raw.get(UNLABELLED) else []
    made: dict[str, Any] = {}
    if not rows["train"]:
        raise RequestError("There are no training rows.")
    none = _left_out(data, memory or {})
    many_targets = bool(getattr(task, "many_targets", False))
    fractions = held_out(
        data.holdout,
        len(rows["train"]),
        validation=not rows["validation"] and "validation" not in none,
        test=not rows["test"] and "test" not in none,
        shots=bool(data.shots),
    )
    if any(fractions):
        groups = _groups(raw_train, rows["train"]) if data.group_by else None
        train, validation, test, made = split_rows(
            rows["train"], signature=task.signature, seed=seed, fractions=fractions, groups=groups,
            stratify=not many_targets,
        )  # fmt: skip
        rows = {
            "train": train,
            "validation": rows["validation"] or validation,
            "test": rows["test"] or test,
        }
        made |= {"holdout": data.holdout} if data.holdout else {}
    if hasattr(task, "sift"):
        rows["train"], noticed = task.sift(rows["train"])
        if noticed:
            sources["train"]["noticed"] = noticed
        if not rows["train"]:
            raise RequestError("No training row is left: the task's options drop them all.")
    if data.shots:
        if not hasattr(task, "classes"):
            raise RequestError(f"The task {spec.id!r} has no classes to take {data.shots} rows of; leave --shots out.")
        before = rows["train"]
        rows["train"], made["shots"] = take_shots(before, task.classes, data.shots, seed, signature=task.signature)
        if data.unlabelled == REST:
            chosen = set(map(id, rows["train"]))
            unlabelled = [row for row in before if id(row) not in chosen]
    if data.unlabelled or UNLABELLED in raw:
        unlabelled, made[UNLABELLED] = _new_inputs(unlabelled, rows, task)
    if hasattr(task, "added_rows") and (added := task.added_rows(rows["train"])):
        rows["train"] = [*rows["train"], *added]
        made["added_rows"] = len(added)
    present = {name: values for name, values in rows.items() if values}
    overlap = overlap_report(present, task.signature, many_targets=many_targets)
    return Splits(rows, sources, made, overlap, unlabelled)


def _new_inputs(
    unlabelled: Sequence[Row], rows: Mapping[str, Sequence[Row]], task: Task
) -> tuple[list[Row], dict[str, int]]:
    """The unlabelled rows, each input once, without those that any split has: test rows are not to be learnt from.

    Raises:
        RequestError: none is left.
    """
    split_of = {task.signature(row)[0]: split for split in reversed(SPLITS) for row in rows[split]}
    kept = {task.signature(row)[0]: row for row in reversed(unlabelled)}
    found = Counter(split_of[given] for given in kept if given in split_of)
    new = [row for given, row in reversed(kept.items()) if given not in split_of]
    if not new:
        raise RequestError(f"None of the {len(unlabelled)} unlabelled rows has an input that no split has.")
    return new, {"rows": len(new), **{f"left_out_as_in_{split}": found[split] for split in SPLITS if found[split]}}


def task_languages(spec: TaskSpec, task: Task) -> dict[str, str]:
    """role -> code of the language of its texts, ``""`` if unknown: as the task knows it, else as its options say."""
    known = getattr(task, "languages", {})
    options = getattr(task, "options", {})
    given = {role: str(known.get(role) or options.get(name) or "") for role, name in spec.languages.items()}
    return {role: as_language(name) or name for role, name in given.items()}


def _left_out(data: DataConfig, memory: Mapping[str, MemoryRows]) -> set[str]:
    """The splits that shall have no rows: ``none`` instead of a file, or an empty list."""
    named = {split for split in ("validation", "test") if getattr(data, split) == NONE}
    return named | {split for split, rows in memory.items() if not len(rows)}


def _groups(raw: Sequence[Row], rows: Sequence[Row]) -> list[str]:
    """The group of each prepared row, as its reader found it."""
    if len(raw) != len(rows):
        raise RequestError("--group-by needs a task that keeps every row; this one makes other rows of them.")
    return [str(row[GROUP]) for row in raw]


def overlap_notes(report: Mapping[str, Any]) -> list[str]:
    """What a person should know of rows that the splits share: one line per finding, with the first example."""
    sentences = {
        "train_test": "test rows have an input that is in train as well; the test score is too good by that",
        "train_validation": "validation rows have an input that is in train as well",
        "validation_test": "test rows have an input that is in validation as well",
        "inside_train": "training rows repeat an earlier input",
        "conflicting_targets": "inputs occur with different targets",
        "repeated_pairs": "training rows repeat an earlier pair of input and target",
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
    notes = []
    if "method" in made:
        grouped = " by groups" if made["grouped"] else ""
        notes.append(f"split {made['method']}{grouped} with seed {made['seed']}")
    if made.get("holdout"):
        sizes = (f"{made['sizes'][split]} {split}" for split in ("validation", "test") if made["sizes"][split])
        notes.append(f"held out: {', '.join(sizes)}")
    if "added_rows" in made:
        notes.append(f"{made['added_rows']} training rows made from the names of labels")
    if "shots" in made:
        notes.append(f"{made['shots']['shots']} training rows per class, no validation rows split off")
    if UNLABELLED in made:
        notes.append(f"{made[UNLABELLED]['rows']} unlabelled texts beside them")
    return "; ".join(notes)


def left_out_notes(sources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What reading left out of each split and what the task noticed in it, one line per finding."""
    return [
        f"{split}: {count} {what}"
        for split, source in sources.items()
        for what, count in {**(source.get("left_out") or {}), **(source.get("noticed") or {})}.items()
        if count
    ]


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
        raise UnknownNameError(
            f"demo set of {spec.id}", f"demo/{variant}", known, f"There are demo, {', '.join(known)}."
        )
    return path / variant


def _read(
    spec: TaskSpec, data: DataConfig, memory: Mapping[str, MemoryRows], languages: Mapping[str, str]
) -> tuple[dict[str, list[Row]], dict[str, dict[str, Any]]]:
    if memory:
        rows = {
            name: rows_from_memory(spec, values, name, data.group_by if name == "train" else None, languages)
            for name, values in memory.items()
        }
        return rows, {
            name: {"source": "memory", "rows": len(values), "fields": [dict(row.fields) for row in values]}
            for name, values in rows.items()
        }
    files = {name: getattr(data, name) for name in SPLITS if getattr(data, name) not in (None, NONE)}
    if data.name and not files and not Path(data.name).is_dir():
        hub = data.name.removeprefix("hub:") if data.name.startswith("hub:") else None
        if data.name == "demo" or data.name.startswith("demo/"):
            folder = demo_folder(spec, data.name.removeprefix("demo").lstrip("/"))
            return _read_files(spec, data, _splits_of(folder, spec, languages), languages)
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
            group=data.group_by,
            languages=languages,
        )
        return rows, {name: {"source": f"hub:{location}", "rows": len(values)} for name, values in rows.items()}
    if data.name:
        found = _splits_of(Path(data.name), spec, languages)
        files = {**{k: v for k, v in found.items() if getattr(data, k) != NONE}, **files}
    if "train" not in files:
        raise RequestError(f"No training file: {data.name or 'the data'} has {', '.join(files) or 'no split'} only.")
    return _read_files(spec, data, files, languages)


def _splits_of(folder: Path, spec: TaskSpec, languages: Mapping[str, str]) -> dict[str, str]:
    found = find_splits(folder, spec.columns, paired_languages(spec, languages))
    return {split: str(path) for split, path in found.items()}


def _read_files(
    spec: TaskSpec, data: DataConfig, files: Mapping[str, str], languages: Mapping[str, str]
) -> tuple[dict[str, list[Row]], dict[str, dict[str, Any]]]:
    rows: dict[str, list[Row]] = {}
    sources: dict[str, dict[str, Any]] = {}
    paired = paired_languages(spec, languages)
    for name, path in files.items():
        left_out: Counter[str] = Counter()
        group = data.group_by if name == "train" else None
        rows[name] = read_file(spec, path, data.columns, data.format, group=group, languages=languages, notes=left_out)
        sources[name] = {"source": path, "sha256": content_sha256(path, paired), "rows": len(rows[name])}
        both = source_files(Path(path), paired)
        if len(both) > 1:
            sources[name]["files"] = {str(file): file_sha256(file).hex() for file in both}
        if left_out:
            sources[name]["left_out"] = dict(left_out)
    return rows, sources


def _read_unlabelled(
    spec: TaskSpec, data: DataConfig, languages: Mapping[str, str]
) -> tuple[list[Row], dict[str, Any]]:
    """The raw rows of the file of unlabelled texts, and what the manifest says of it."""
    path = str(data.unlabelled)
    target = list(spec.columns)[1]  # a file of texts need not have that column
    columns = {role: column for role, column in data.columns.items() if role != target}
    rows = read_inputs(spec, path, columns, data.format, languages)
    return rows, {"source": path, "sha256": content_sha256(path, paired_languages(spec, languages)), "rows": len(rows)}


def paired_languages(spec: TaskSpec, languages: Mapping[str, str]) -> Mapping[str, str]:
    """``languages`` for a task that reads parallel files, else nothing."""
    return languages if "parallel" in spec.formats else {}


def read_file(
    spec: TaskSpec,
    path: str | Path,
    columns: Mapping[str, str],
    format: str | None,
    required: frozenset[str] = frozenset(),
    group: str | None = None,
    languages: Mapping[str, str] | None = None,
    notes: Counter[str] | None = None,
) -> list[Row]:
    """The raw rows of one file as the task's roles, with their ``group`` where it is asked for.

    ``languages`` (:func:`task_languages`) and ``notes`` are those of :func:`~taskzoo.data.read_rows`.
    """
    return read_rows(
        Path(path), formats=spec.formats, columns=columns, roles=spec.columns, format=format, required=required,
        group=group, languages=languages if languages is not None else dict.fromkeys(spec.languages, ""), notes=notes,
    )  # fmt: skip


def read_inputs(
    spec: TaskSpec,
    path: str | Path,
    columns: Mapping[str, str],
    format: str | None,
    languages: Mapping[str, str],
) -> list[Row]:
    """The raw rows of a file whose labels are not needed.

    Raises:
        DataError: the file cannot be read.
    """
    first = next(iter(spec.columns))
    try:
        return read_file(spec, path, columns, format, frozenset([first]), languages=languages)
    except DataError:  # the input may be in another role, such as text instead of words
        rows = read_file(spec, path, columns, format, languages=languages)
        if any(first in row.fields for row in rows):
            raise
        return rows
