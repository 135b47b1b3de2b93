"""A folder of shards: each is written as a whole, and a job that was stopped goes on with the others.

The input is cut into shards of equally many rows, in order: which rows a shard holds depends neither on the number of
processes nor on what was done before. ``part-00000.jsonl``, ... have the predictions and ``bad-00000.jsonl``, ... the
rows that cannot be used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any

from taskzoo.data.streams.records import Answer, BadRecord, Item
from taskzoo.data.streams.source import Source
from taskzoo.errors import RequestError
from taskzoo.faults import machine_fault
from taskzoo.option_names import option_name
from taskzoo.runs.data import each_file
from taskzoo.runs.inputs import is_blank

from .atomic import atomic_file, remove_leftovers
from .bad_file import bad_rows
from .fingerprint import input_fingerprint, model_fingerprint
from .job import Inputs, Output, Summary, Writing, chunks, find_columns, open_input
from .manifest import Manifest, ShardEntry, bad_name
from .meter import Meter
from .output_columns import OutputColumns
from .output_format import TABLES
from .part import Part
from .predicting import CHUNK, Model, Policy, predict_items


@dataclass(frozen=True, slots=True)
class ShardJob:
    """Predictions for files, as a folder of shards.

    Args:
        inputs: the files.
        output: the folder.
        policy: how rows are predicted.
        precision: as the model was asked for.
    """

    inputs: Inputs
    output: Output
    policy: Policy = field(default_factory=Policy)
    precision: str = "auto"


def predict_to_folder(model: Model, job: ShardJob, part: Part, meter: Meter) -> Summary:
    """Write the shards of ``part`` that are not there yet.

    The bytes of a shard are the same whenever and by whichever process it is written.

    Raises:
        DataError: the input cannot be read; or a row cannot be used and must be.
        RequestError: the folder holds something else.
        RunError: the model is damaged.
    """
    output, policy = job.output, job.policy
    check_folder(output.path)
    output.format.check_task(model.spec)
    same = output.keep_columns and output.format.kind in TABLES
    with closing(open_input(model, job.inputs, tolerant=not policy.strict, same_columns=same)) as source:
        columns = _probe(model, job)
        described = _describe(model, job)
        output.path.mkdir(parents=True, exist_ok=True)
        manifest = Manifest(output.path, described, part)
        return _Shards(source, output, manifest, Writing(model, output.format, columns, policy, meter)).run(part)


def check_folder(path: Path) -> None:
    """Refuse, by a :class:`RequestError`, a folder that holds other things than shards, or that cannot be one."""
    if path.exists() and not path.is_dir():
        raise RequestError(f"{option_name('output')} {str(path)!r} is a file, and shards need a folder.")
    if path.is_dir() and any(path.iterdir()) and not any(path.glob("manifest*.jsonl")):
        raise RequestError(f"The folder {str(path)!r} holds other files; name a new one for the shards.")


class _Shards:
    """Passes over what is done or belongs to other processes, and writes the rest."""

    def __init__(self, source: Source, output: Output, manifest: Manifest, writing: Writing) -> None:
        self._source, self._output, self._manifest, self._writing = source, output, manifest, writing

    def run(self, part: Part) -> Summary:
        """Write the shards of ``part`` until the input ends."""
        total, rows, strict = Summary(), self._output.shard_rows, self._writing.policy.strict
        for shard in count():
            mine = part.has(shard)
            there = self._manifest.finished(shard, strict=strict) if mine else None
            if not mine or there:
                skipped = self._source.skip(rows)
                if there:
                    total += Summary(there.rows, there.bad, 1, 1)
                if skipped < rows:
                    break
            else:
                first = self._source.take(min(CHUNK, rows))
                if not first:
                    break
                total += self._write(shard, first)
        return total

    def _write(self, shard: int, first: list[Item]) -> Summary:
        """Write one shard, whose first rows were taken already."""
        path = self._output.path / f"part-{shard:05d}{self._output.format.ending}"
        bad_path = self._output.path / bad_name(shard)
        stream: Iterator[list[Item]] = chain([first], chunks(self._source, self._output.shard_rows - len(first)))
        try:
            with atomic_file(path) as (file, hashed), bad_rows(bad_path) as bad:
                done = self._writing.write(file, bad, stream, lambda: self._source.done)
        except Exception as error:
            reason = machine_fault(error) or str(error)
            self._manifest.add(ShardEntry(shard, "failed", path.name, reason=reason))
            raise
        remove_leftovers(path)
        remove_leftovers(bad_path)
        self._manifest.add(ShardEntry(shard, "done", path.name, done.rows, done.bad, hashed.sha256, bad.sha256))
        return done + Summary(shards=1)


def _probe(model: Model, job: ShardJob) -> OutputColumns:
    """The columns of all shards, from the first row that can be used and is not blank.

    Raises:
        DataError: none of the first rows can be used.
    """
    answers: list[Answer | BadRecord] = []
    with closing(open_input(model, job.inputs, tolerant=not job.policy.strict)) as source, _silent(model):
        for item in source.take(CHUNK):
            answers += predict_items(model, [item], job.policy)
            last = answers[-1]
            if isinstance(last, Answer) and not is_blank(model.spec, last.record.row):
                break
        return find_columns(model, source, answers, job.policy, keep=job.output.keep_columns)


@contextmanager
def _silent(model: Model) -> Iterator[None]:
    """What the model has to say of rows is said when they are predicted again."""
    before, model.say = model.say, lambda message: None
    try:
        yield
    finally:
        model.say = before


def _describe(model: Model, job: ShardJob) -> dict[str, Any]:
    """What determines the bytes of the shards, as JSON."""
    from taskzoo import __version__

    inputs, output, policy = job.inputs, job.output, job.policy
    return {
        "taskzoo": __version__,
        "model": model_fingerprint(model.path),
        "options": model.task.options,
        "precision": job.precision,
        "input": input_fingerprint(model, each_file(inputs.files)),
        "columns": dict(inputs.columns),
        "format": inputs.format,
        "output_format": output.format.ending,
        "keep_columns": output.keep_columns,
        "shard_rows": output.shard_rows,
        "min_confidence": policy.min_confidence,
        "coverage": policy.coverage,
    }
