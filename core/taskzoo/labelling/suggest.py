"""Rows of a pool to label next, with a finished run: doubtful ones, each unlike the others."""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from taskzoo.bulk.job import Inputs, open_input
from taskzoo.bulk.meter import Meter
from taskzoo.bulk.predicting import CHUNK
from taskzoo.bulk.values import to_json
from taskzoo.data.streams.records import BadRecord, Item, Record
from taskzoo.errors import Interrupted, RequestError
from taskzoo.runs.exported import is_export
from taskzoo.runs.inputs import is_blank
from taskzoo.runs.load import Run
from taskzoo.types import Example, Prediction, public

from .choose import CANDIDATES, choose
from .doubt import Doubt, doubt_of
from .known_rows import plan_of_run
from .label_choices import choices_of
from .text_key import text_key
from .unlike import Unlikeness
from .vectors import RowVectors

LEAST_CANDIDATES = 1000


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A row to label.

    Args:
        rank: from 1, the most doubtful first.
        record: the row, with the columns of its file.
        text: its inputs, for people.
        doubt: how unsure the model is, and why.
        prediction: what it says.
    """

    rank: int
    record: Record
    text: str
    doubt: Doubt
    prediction: Prediction

    def to_dict(self) -> dict[str, Any]:
        """The row's own columns, then ``rank`` and ``reason``, with ``suggestion_`` before a name that it has."""
        values = dict(self.record.values or self.record.row.fields)
        for name, value in (("rank", self.rank), ("reason", self.doubt.reason)):
            values[f"suggestion_{name}" if name in values else name] = value
        return values

    @property
    def columns(self) -> dict[str, Any]:
        """Its columns that are no input, as plain values."""
        inputs = list(self.record.row.fields.values())
        further = {name: value for name, value in self.record.values.items() if value not in inputs}
        plain: dict[str, Any] = json.loads(to_json(further))
        return plain


@dataclass(slots=True)
class Suggestions:
    """What was chosen of a pool.

    Args:
        rows: how many rows the pool has.
        known: of these, how many have a text that the run's rows have.
        repeated: how many have a text that occurred earlier in the pool.
        blank: how many have no text.
        chosen: the rows to label.
        notes: what a person should know.
        labels: those that the run knows.
    """

    rows: int = 0
    known: int = 0
    repeated: int = 0
    blank: int = 0
    chosen: list[Suggestion] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """How many rows were chosen, and what was left out."""
        left_out = {"known to the run": self.known, "repeated": self.repeated, "blank": self.blank}
        said = ", ".join(f"{number:,} {why}" for why, number in left_out.items() if number)
        return f"{len(self.chosen):,} of {self.rows:,} rows of the pool" + (f" (left out: {said})" if said else "")


@dataclass(order=True, frozen=True, slots=True)
class _Candidate:
    """Ordered by doubt; of equal ones, the earlier one counts more."""

    value: float
    place: int
    doubt: Doubt = field(compare=False)
    record: Record = field(compare=False)
    example: Example = field(compare=False)
    prediction: Prediction = field(compare=False)


def suggest(
    run: Run,
    inputs: Inputs,
    count: int,
    *,
    seed: int = 0,
    meter: Meter | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Suggestions:
    """Choose ``count`` rows of the pool, whose rows pass by once; the most doubtful ones are kept.

    Args:
        run: whose model is to become better.
        inputs: the pool; labels are not needed, and not looked at.
        count: how many rows, 1 or more.
        seed: of the choice among equally good rows.
        meter: is told how far it is.
        stop: asked whether to stop.

    Raises:
        RequestError: an export, which has no vectors; or no row is left.
        DataError: a row cannot be used.
        Interrupted: stopped on request.
    """
    if is_export(run.path):
        raise RequestError(f"{str(run.path)!r} is an export, which gives no vectors; name the run it was made of.")
    found, kept = Suggestions(labels=_labels(run)), list[_Candidate]()
    pool = _Pool(run, found)
    with closing(open_input(run, inputs, tolerant=False)) as source:
        while items := source.take(CHUNK):
            for candidate in pool.candidates(items):
                if len(kept) < max(LEAST_CANDIDATES, CANDIDATES * count):
                    heapq.heappush(kept, candidate)
                else:
                    heapq.heappushpop(kept, candidate)
            if meter is not None:
                meter.update(len(items), 0, source.done)
            if stop():
                raise Interrupted(f"Stopped after {found.rows:,} rows of the pool; nothing was written.")
    if not kept:
        raise RequestError(
            f"None of the {found.rows:,} rows of the pool is left to label: {found.known:,} have a text that the run "
            f"has already, {found.repeated:,} one that the pool has twice, and {found.blank:,} have none."
        )
    kept.sort(reverse=True)
    if len(kept) < count:
        found.notes.append(f"only {len(kept):,} rows are left to label, and {count:,} were asked for")
    doubts = np.array([candidate.value for candidate in kept])
    vectors = pool.vectors([candidate.example for candidate in kept]) if len(kept) > count else np.zeros((len(kept), 1))
    for rank, place in enumerate(choose(doubts, vectors, min(count, len(kept)), seed).tolist(), 1):
        one = kept[place]
        text = run.task.dedup_key(one.example)[0]
        found.chosen.append(Suggestion(rank, one.record, text, one.doubt, public(one.prediction)))
    return found


def _labels(run: Run) -> list[str]:
    names = getattr(getattr(run.model, "config", None), "id2label", None) or {}
    return choices_of(map(str, names.values()))


class _Pool:
    """Rows of a pool on their way to candidates; what is left out is counted."""

    def __init__(self, run: Run, found: Suggestions) -> None:
        self._run, self._found = run, found
        self.vectors = RowVectors(run.task, run.model, run.processor)
        plan, why = plan_of_run(run)
        if plan is None:
            found.notes.append(f"rows that the run has already are not left out, for they cannot be read: {why}")
        splits = {} if plan is None else plan.splits.examples
        self._known = {self._key(example) for examples in splits.values() for example in examples}
        self._seen: set[bytes] = set()
        self._train = splits.get("train", [])
        self._unlike: Unlikeness | None = None

    def _key(self, example: Example) -> bytes:
        text = text_key(self._run.task.dedup_key(example)[0])
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

    def candidates(self, items: Sequence[Item]) -> list[_Candidate]:
        """The rows that may be chosen."""
        given: list[tuple[int, Record]] = []
        for item in items:
            if isinstance(item, BadRecord):
                raise item.error()
            self._found.rows += 1
            if is_blank(self._run.spec, item.row):
                self._found.blank += 1
            else:
                given.append((self._found.rows, item))
        examples = self._run.task.prepare([record.row for _, record in given], "predict") if given else []
        fresh: list[tuple[int, Record, Example]] = []
        for (place, record), example in zip(given, examples, strict=True):
            key = self._key(example)
            if key in self._known:
                self._found.known += 1
            elif key in self._seen:
                self._found.repeated += 1
            else:
                self._seen.add(key)
                fresh.append((place, record, example))
        if not fresh:
            return []
        rows = [example for _, _, example in fresh]
        predictions = self._run.predictor.predict(rows).rows
        doubts = self._doubts(rows, predictions)
        return [
            _Candidate(doubt.value, -place, doubt, record, example, prediction)
            for (place, record, example), prediction, doubt in zip(fresh, predictions, doubts, strict=True)
        ]

    def _doubts(self, examples: Sequence[Example], predictions: Sequence[Prediction]) -> list[Doubt]:
        """By the predictions, if they say how sure they are; else by how unlike the training rows are."""
        found = [doubt_of(prediction) for prediction in predictions]
        if all(doubt is None for doubt in found):
            if self._unlike is None:
                self._unlike = Unlikeness(self.vectors(self._train) if self._train else None)
            return self._unlike(self.vectors(examples))
        return [Doubt(0.0, "") if doubt is None else doubt for doubt in found]
