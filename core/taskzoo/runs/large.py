"""Splits of files that are too large for memory: rows on disk, examples made when asked for, 16 bytes a row to compare.

What :func:`taskzoo.runs.data.load_splits` gives for small data, this gives for large: the same rows in the same splits.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from taskzoo.config import RunConfig
from taskzoo.data.arrow_files import NotStorableError
from taskzoo.data.columns import Columns
from taskzoo.data.disk_cache import cached, size_of
from taskzoo.data.holdout import held_out
from taskzoo.data.hub import hub_content, hub_streams, streamed_rows
from taskzoo.data.keys import Keys, overlap_of, split_keys
from taskzoo.data.processes import in_processes
from taskzoo.data.readers import ReadRequest, file_sha256
from taskzoo.data.stored_rows import Line, Stored, line_of, remove_lines, write_lines
from taskzoo.data.streams.open_source import open_source
from taskzoo.data.streams.records import BadRecord
from taskzoo.engine.progress import Bar, Reporter
from taskzoo.errors import RequestError
from taskzoo.option_names import option_name, setting_name
from taskzoo.spec import TaskSpec
from taskzoo.task import Task
from taskzoo.types import Example, Row

from .data import (
    NONE,
    SPLITS,
    Splits,
    check_format,
    check_test_columns,
    each_file,
    make_request,
    of_split,
    source_facts,
)

LARGE = 2**25
"""Bytes of files from which on rows and features are kept on disk, if the settings do not say."""
HUB, BUFFER = "hub:", 10_000
"""What names of data sets of the hub begin with; rows of a stream among which the next one is drawn."""
CHUNK = 10_000
"""Rows that are prepared or compared at a time."""
_GIVEN, _TARGET, _NAMES, _NOTES = "given", "target", "targets.json", "notes.json"


def is_large(config: RunConfig) -> bool:
    """Whether rows and features are to be kept on disk.

    Raises:
        RequestError: a stream is asked for of what is no data set of the hub, or without a number of steps.
    """
    if config.training.streaming:
        if not (config.data.name or "").startswith(HUB):
            raise RequestError(f"streaming=true reads a data set of the hub: {option_name('data', 'hub:ID')}.")
        if not config.training.max_steps:
            words = setting_name("max_steps=1000")
            raise RequestError(f"streaming=true needs the number of steps, which says how many rows are read: {words}.")
        return True
    if config.training.on_disk is not None:
        return config.training.on_disk
    files = [path for paths in config.data.files.values() if paths != [NONE] for path in each_file(paths)]
    return sum(path.stat().st_size for path in files if path.is_file()) >= LARGE


def load_large_splits(spec: TaskSpec, task: Task, config: RunConfig, reporter: Reporter) -> Splits | None:
    """The splits, with rows on disk; ``None`` where all rows have to be held in memory, which is said.

    Raises:
        DataError, RequestError: anything that cannot be used.
        MachineError: the disk is full, or a process was killed.
    """
    try:
        if why := _obstacle(spec, task, config):
            raise NotStorableError(why)
        return _Large(spec, task, config, reporter).splits()
    except NotStorableError as reason:
        if config.training.streaming:
            raise RequestError(f"streaming=true needs rows that are read one by one: {reason}.") from reason
        reporter.say(f"memory    all rows are held in memory: {reason}")
        return None


def _obstacle(spec: TaskSpec, task: Task, config: RunConfig) -> str:
    """What needs all rows at once, in words; ``""``: nothing."""
    data = config.data
    if data.name and not config.training.streaming:
        return f"{option_name('data')} is read at once; give files ({option_name('train')})"
    for name in ("shots", "group_by", "folds", "unlabelled", "skip_bad_rows"):
        if getattr(data, "fold" if name == "folds" else name):
            return f"{option_name(name)} was asked for"
    if config.from_run:
        return f"{option_name('from')} was asked for"
    cls = type(task)
    if any(column.path for column in spec.columns.values()):
        return "a column names files"
    if task.incomplete_rows or cls.group is not Task.group or not _knows_all_chosen(cls):
        return "the task chooses among rows"
    return ""


def _knows_all_chosen(cls: type[Task]) -> bool:
    """Whether ``telling_rows`` was written in view of ``filter_train_rows``: by its class, or one derived of that."""
    filters, tells = (
        next(one for one in cls.__mro__ if name in vars(one)) for name in ("filter_train_rows", "telling_rows")
    )
    return filters is Task or issubclass(tells, filters)


@dataclass(frozen=True, slots=True)
class _Files:
    """Rows of files, of which ``facts`` say the SHA-256."""

    request: ReadRequest
    facts: dict[str, Any]
    paths: Sequence[Path]

    @property
    def names(self) -> list[str]:
        return list(map(str, self.paths))

    def read(self, bar: Bar) -> Iterator[Row]:
        """All rows, one by one; ``bar`` is of percents."""
        for number, path in enumerate(self.paths):
            source = open_source(path, self.request, tolerant=False)
            try:
                while items := source.take(CHUNK):
                    for item in items:
                        if isinstance(item, BadRecord):
                            raise item.error()
                        yield item.row
                    bar.update(int(100 * (number + source.done) / len(self.paths)))
            finally:
                source.close()


@dataclass(frozen=True, slots=True)
class _Stream:
    """The first rows of a stream of the hub: ``most`` at most."""

    request: ReadRequest
    facts: dict[str, Any]
    items: Any
    location: str
    most: int

    @property
    def names(self) -> list[str]:
        return [self.location]

    def read(self, bar: Bar) -> Iterator[Row]:
        """As :meth:`_Files.read`."""
        for number, row in enumerate(streamed_rows(self.items, Columns(self.request, self.location))):
            if number % CHUNK == 0:
                bar.update(100 * number // self.most)
            yield row


_Origin = _Files | _Stream


@dataclass(frozen=True, slots=True)
class _Large:
    spec: TaskSpec
    task: Task
    config: RunConfig
    reporter: Reporter

    def splits(self) -> Splits:
        data, seed = self.config.data, self.config.rows_seed
        request = make_request(self.spec, self.task, columns=data.columns, format=data.format)
        examples: dict[str, Stored[Example]] = {}
        sources, keys = {}, {}
        origins = self._origins(request)
        for split in [split for split in SPLITS if split in origins]:  # training rows say what labels mean
            before = [one.key for one in examples.values()]
            examples[split], sources[split] = self._examples(split, origins[split], before)
            keys[split] = self._keys(examples[split], seed)
        if self.task.augment(examples["train"][:1]):
            raise NotStorableError("the task adds rows to them")
        none = {split for split in ("validation", "test") if getattr(data, split) == NONE}
        missing = {split: split not in examples and split not in none for split in ("validation", "test")}
        fractions = held_out(data.holdout, len(examples["train"]), **missing, shots=False)
        made: dict[str, Any] = {}
        if any(fractions):
            stratify, rows, their_keys = not self.task.multi_reference, examples["train"], keys["train"]
            parts, made = split_keys(their_keys, seed=seed, fractions=fractions, stratify=stratify)
            made |= {"holdout": data.holdout} if data.holdout else {}
            for split, places in zip(SPLITS, parts, strict=True):
                if split == "train" or (missing[split] and len(places)):
                    examples[split], keys[split] = rows.part(places), their_keys.take(places)

        def place(split: str, number: int) -> str:
            example = examples[split][number]
            return f"{split} {example.source}:{example.line}"

        present = {split: keys[split] for split in SPLITS if split in keys}
        overlap = overlap_of(present, place, multi_reference=self.task.multi_reference)
        return Splits({split: examples.get(split, []) for split in SPLITS}, sources, made, overlap)

    def _origins(self, request: ReadRequest) -> dict[str, _Origin]:
        """Split -> where its rows come from."""
        data, found = self.config.data, dict[str, _Origin]()
        files = {split: patterns for split, patterns in data.files.items() if patterns != [NONE]}
        check_test_columns(data, files)
        for split, patterns in files.items():
            wanted = of_split(split, request, data.test_columns)
            paths = each_file(patterns)
            found[split] = _Files(wanted, source_facts(patterns, paths, wanted), paths)
        if data.name:
            training, location = self.config.training, data.name.removeprefix(HUB)
            check_format(location, request, files)
            seed = self.config.rows_seed
            content, rows = hub_content(location), training.max_steps * training.batch_size
            for split, stream in hub_streams(location).items():
                if split not in data.files:
                    facts = {"source": data.name, "revision": content, "streamed": rows, "buffer": BUFFER, "rows": 0}
                    if split == "train":
                        stream = stream.shuffle(seed=seed, buffer_size=BUFFER)
                        facts["seed"] = seed
                    wanted = of_split(split, request, None)
                    found[split] = _Stream(wanted, facts, stream.take(rows), location, rows)
        if "train" not in found:
            raise RequestError(f"The data set {data.name} has no training rows, only {', '.join(found) or 'no split'}.")
        return found

    def _examples(self, split: str, origin: _Origin, before: Sequence[str]) -> tuple[Stored[Example], dict[str, Any]]:
        """The examples of a split, and what the manifest says of them; ``before``: the keys of those before."""
        task, request, facts = self.task, origin.request, dict(origin.facts)
        wanted = [request.columns, request.format, request.languages, split, list(before), task.options, facts]
        about = [*origin.names, f"{request.spec.columns}", json.dumps(wanted, sort_keys=True, default=list)]
        key = digest(code_digest(type(task)), *about)

        def learn(telling: list[Row]) -> None:
            if telling:
                task.prepare(telling, split)

        def make(folder: Path) -> None:
            with self.reporter.bar(f"reading {split}", 100) as bar:
                if not write_lines(folder, "rows", map(line_of, origin.read(bar))):
                    raise RequestError(f"There are no {split} rows.")
            rows = Stored(folder, "rows", Row)
            if (telling := task.telling_rows(rows)) is None:
                raise NotStorableError("the task has to see all of them together")
            write_lines(folder, "telling", map(line_of, telling))
            learn(telling)

            def prepared(start: int) -> list[Line]:
                part = task.prepare([*telling, *rows[start : start + CHUNK]], split)
                return list(map(line_of, part[len(telling) :]))

            with self.reporter.bar(f"checking {split}", len(rows)) as bar:
                parts = in_processes(prepared, range(0, len(rows), CHUNK))
                write_lines(folder, "examples", _counted(parts, bar))
            remove_lines(folder, "rows")
            (folder / _NOTES).write_text(json.dumps(request.notes), encoding="utf-8")

        folder = cached(f"examples-{key}", make, say=self.reporter.say)
        learn(list(Stored(folder, "telling", Row)))
        examples = Stored(folder, "examples", Example, key)
        if notes := json.loads((folder / _NOTES).read_text(encoding="utf-8")):
            facts["left_out"] = notes
        self.reporter.say(f"rows      {split} {len(examples):,} on disk, {size_of(folder) / 1e6:,.0f} MB in {folder}")
        return examples, {**facts, "rows": len(examples)}

    def _keys(self, examples: Stored[Example], seed: int) -> Keys:
        task = self.task

        def part(start: int) -> Keys:
            return Keys.of(map(task.dedup_key, examples[start : start + CHUNK]), seed)

        def make(folder: Path) -> None:
            names: dict[int, str] = {}
            with (
                (folder / _GIVEN).open("wb") as given,
                (folder / _TARGET).open("wb") as target,
                self.reporter.bar("comparing", len(examples)) as bar,
            ):
                for done, found in enumerate(in_processes(part, range(0, len(examples), CHUNK)), 1):
                    given.write(found.given.tobytes())
                    target.write(found.target.tobytes())
                    names |= found.names
                    bar.update(min(done * CHUNK, len(examples)))
            (folder / _NAMES).write_text(json.dumps(list(names.items())), encoding="utf-8")

        folder = cached(f"keys-{digest(examples.key, str(seed))}", make, say=self.reporter.say)
        given, target = (np.memmap(folder / one, np.uint64, "r").view(np.ndarray) for one in (_GIVEN, _TARGET))
        return Keys(given, target, dict(json.loads((folder / _NAMES).read_text(encoding="utf-8"))))


def _counted(parts: Iterable[list[Line]], bar: Bar) -> Iterator[Line]:
    done = 0
    for part in parts:
        yield from part
        done += len(part)
        bar.update(done)


def content_key(examples: Sequence[Example]) -> str:
    """Says the content of examples, wherever they are."""
    if isinstance(examples, Stored):
        return examples.key
    found = hashlib.sha256()
    for example in examples:
        found.update(json.dumps([dict(example.fields), example.source, example.line], default=repr).encode() + b"\n")
    return found.hexdigest()


def code_digest(cls: type) -> str:
    """SHA-256 of the packages that a class and those it derives from are written in."""
    files = {str(getattr(sys.modules.get(one.__module__), "__file__", None) or "") for one in cls.__mro__}
    return digest(*(_package_digest(file) for file in sorted(files) if file))


@cache
def _package_digest(file: str) -> str:
    """Of the outermost package that the file of a module is in, or of the file alone."""
    folder = Path(file).parent
    if not (folder / "__init__.py").is_file():
        return digest(file_sha256(Path(file)).hex())
    while (folder.parent / "__init__.py").is_file():
        folder = folder.parent
    return digest(*(file_sha256(one).hex() for one in sorted(folder.rglob("*.py"))))


def digest(*parts: str) -> str:
    """A name for what the parts say."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
