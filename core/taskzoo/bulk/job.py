"""A request for predictions, and how its rows are read, predicted and written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from taskzoo.data.streams.open_source import open_source
from taskzoo.data.streams.records import Answer, BadRecord, Item
from taskzoo.data.streams.source import Source
from taskzoo.errors import DataError
from taskzoo.runs.data import each_file, make_request
from taskzoo.runs.inputs import input_rows, is_blank
from taskzoo.types import Prediction

from .atomic import atomic_file
from .bad_file import BadRows, bad_rows
from .chain import ChainSource
from .meter import Meter
from .output_columns import OutputColumns
from .output_format import OutputFormat
from .predicting import CHUNK, Model, Policy, predict_items
from .writers import Writer, make_writer

SHARD_ROWS = 10_000
"""Rows of a shard, unless another number is asked for."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files to predict for.

    Args:
        files: in order; each may be a pattern.
        columns: role -> column name or position.
        format: of the files, where their content does not tell.
    """

    files: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """Where predictions go and in which form.

    Args:
        path: a file, or the folder of shards.
        format: of the file or the shards.
        keep_columns: whether the input's columns are written, too.
        shard_rows: rows of a shard.
    """

    path: Path
    format: OutputFormat = field(default_factory=lambda: OutputFormat("jsonl"))
    keep_columns: bool = True
    shard_rows: int = SHARD_ROWS


@dataclass(frozen=True, slots=True)
class Summary:
    """What was done: ``rows`` predictions, ``bad`` rows set apart, ``shards``, of which some were ``there_before``."""

    rows: int = 0
    bad: int = 0
    shards: int = 0
    there_before: int = 0

    def __add__(self, other: Summary) -> Summary:
        rows, shards = self.rows + other.rows, self.shards + other.shards
        return Summary(rows, self.bad + other.bad, shards, self.there_before + other.there_before)


def open_input(model: Model, inputs: Inputs, *, tolerant: bool, same_columns: bool = False) -> Source:
    """The rows of all files.

    Args:
        model: whose task reads them.
        inputs: the files.
        tolerant: see :func:`open_source`.
        same_columns: whether all files must have the same columns.

    Raises:
        DataError: a file cannot be read.
    """
    request = make_request(
        model.spec, model.task, columns=inputs.columns, format=inputs.format, labelled=False, incomplete=True
    )
    paths = each_file(inputs.files)
    return ChainSource(paths, lambda path: open_source(path, request, tolerant=tolerant), same_columns=same_columns)


def chunks(source: Source, limit: int | None = None) -> Iterator[list[Item]]:
    """The rows of a source in lists of :data:`CHUNK` rows at most, ``limit`` of them in all."""
    left = limit
    while items := source.take(CHUNK if left is None else min(CHUNK, left)):
        yield items
        left = left if left is None else left - len(items)


def predictions(model: Model, source: Source, policy: Policy) -> Iterator[list[Prediction]]:
    """Predictions, chunk by chunk, for rows that must all be usable.

    Raises:
        DataError: one is not.
    """
    for items in chunks(source):
        answers = predict_items(model, items, replace(policy, strict=True))
        yield [answer.prediction for answer in answers if isinstance(answer, Answer)]


def predict_to_file(model: Model, source: Source, output: Output, policy: Policy, meter: Meter) -> Summary:
    """Write the predictions for the rows of ``source`` to one file, and bad rows to a file beside it.

    Raises:
        DataError: a row cannot be used and must be, or none of the first chunk can.
        RunError: the model is damaged.
    """
    stream = chunks(source)
    first = next(stream, [])
    answers = predict_items(model, first, policy)
    columns = find_columns(model, source, answers, policy, keep=output.keep_columns)
    writing = Writing(model, output.format, columns, policy, meter)
    with atomic_file(output.path) as (file, _), bad_rows(bad_path(output.path)) as bad:
        return writing.write(file, bad, stream, lambda: source.done, answers)


def bad_path(path: Path) -> Path:
    """Where the bad rows of an output file go."""
    return path.with_name(path.name + ".bad.jsonl")


def find_columns(
    model: Model, source: Source, answers: Sequence[Answer | BadRecord], policy: Policy, *, keep: bool
) -> OutputColumns:
    """The columns of the output, from the answers to the first rows.

    Raises:
        DataError: none of the rows can be used.
    """
    good = [answer for answer in answers if isinstance(answer, Answer)]
    if not good and answers:
        bad = [answer for answer in answers if isinstance(answer, BadRecord)]
        message = f"none of the first {len(bad)} rows can be used; this one: {bad[0].reason}"
        raise DataError(message, file=bad[0].source, line=bad[0].line)
    full = next((answer for answer in good if not is_blank(model.spec, answer.record.row)), None)
    prediction = full.prediction if full else _of_any_text(model, policy) if good else {}
    return OutputColumns.find(model.spec, source, prediction, keep=keep)


def _of_any_text(model: Model, policy: Policy) -> Prediction:
    """A prediction, for its keys: those for blank rows have not all of them."""
    roles = [role for role, column in model.spec.columns.items() if column.required and not column.target]
    (row,) = input_rows(model.spec, model.task, [dict.fromkeys(roles, "text")])
    return model.predict_rows([row], min_confidence=policy.min_confidence, coverage=policy.coverage)[0]


@dataclass(frozen=True, slots=True)
class Writing:
    """Predicts rows and writes them to one file after the other.

    Args:
        model: predicts.
        format: of the files.
        columns: of the files.
        policy: how rows are predicted.
        meter: is told how far it is.
    """

    model: Model
    format: OutputFormat
    columns: OutputColumns
    policy: Policy
    meter: Meter

    def write(
        self,
        file: IO[bytes],
        bad: BadRows,
        stream: Iterator[list[Item]],
        done: Callable[[], float],
        answers: Sequence[Answer | BadRecord] = (),
    ) -> Summary:
        """Write a file.

        Args:
            file: to be written.
            bad: gets the rows that cannot be used.
            stream: the rows.
            done: the share of the input that was read.
            answers: to rows before those.

        Raises:
            DataError: a row cannot be used and must be.
        """
        writer, total = make_writer(self.format, file, self.columns), Summary()
        try:
            if answers:
                total += self._add(answers, writer, bad, done())
            for items in stream:
                total += self._add(predict_items(self.model, items, self.policy), writer, bad, done())
            writer.finish()
        except BaseException:
            writer.abandon()
            raise
        return total

    def _add(self, answers: Sequence[Answer | BadRecord], writer: Writer, bad: BadRows, done: float) -> Summary:
        items = writer.fitting(answers)
        apart = [item for item in items if isinstance(item, BadRecord)]
        if apart and self.policy.strict:
            raise apart[0].error()
        writer.write(items)
        bad.add(apart)
        rows = len(items) - len(apart)
        self.meter.update(rows, len(apart), done)
        return Summary(rows, len(apart))
