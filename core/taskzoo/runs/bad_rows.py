"""``--skip-bad-rows``: rows that cannot be used are left out, counted and listed."""

from __future__ import annotations

import copy
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from taskzoo.errors import DataError, RequestError
from taskzoo.task import Task
from taskzoo.types import Row

LISTED = 100
"""Bad rows that the manifest lists."""
MOST = 0.5
"""With a larger share of bad rows, the data are not what they seem."""
LABELLED = ("train", "validation", "test")
"""Splits in the order in which they are prepared; rows of any other are prepared without labels."""
_Refused = dict[int, str]
"""Identity of a row -> why it cannot be used."""


def leave_out_bad(task: Task, rows: dict[str, list[Row]], sources: Mapping[str, dict[str, Any]]) -> None:
    """Take the rows that the task refuses out of ``rows``, and list them with those that reading left out.

    Args:
        task: is not changed.
        rows: split -> its rows; other splits than :data:`LABELLED` have no labels.
        sources: split -> what the manifest says of it; ``bad_rows`` is a list of messages there, and becomes
            ``{"count": ..., "first": [...]}``.

    Raises:
        RequestError: more than half of the rows of a split are bad.
    """
    probe = copy.deepcopy(task)  # what it learns from the training rows counts for the others
    for split in sorted(rows, key=(*LABELLED, *rows).index):
        bad = list(sources[split].pop("bad_rows", ()))
        rows[split] = usable_rows(probe, rows[split], split, bad)
        if rows[split]:
            probe.prepare(rows[split], _prepared_as(split))
        if bad:
            sources[split] |= {"rows": len(rows[split]), "bad_rows": {"count": len(bad), "first": bad[:LISTED]}}


def usable_rows(task: Task, rows: Sequence[Row], split: str, bad: list[str]) -> list[Row]:
    """The rows that the task can prepare together.

    Args:
        task: is not changed.
        rows: of one split, as reading left them.
        split: its name.
        bad: why reading left out others; gets why rows are left out here.

    Raises:
        RequestError: more than half of the rows are bad.
    """
    total = len(rows) + len(bad)
    kept = _usable(task, rows, _prepared_as(split), bad, MOST * total)
    if len(bad) > MOST * total:
        message = f"{len(bad)} of the {total} {split} rows cannot be used, too many to be left out; the first: "
        raise RequestError(message + bad[0])
    return kept


def bad_row_notes(sources: Mapping[str, Mapping[str, Any]], shown: int = 5) -> list[str]:
    """How many rows were left out of each split, and why the first of them were."""
    elsewhere = f"; manifest.json of a run lists {LISTED}"
    return [
        note
        for split, source in sources.items()
        if (found := source.get("bad_rows"))
        for note in listed_bad_rows(split, found["count"], found["first"], shown, elsewhere)
    ]


def listed_bad_rows(name: str, count: int, messages: Sequence[str], shown: int, elsewhere: str = "") -> list[str]:
    """That ``count`` rows of ``name`` were left out, and why the first of them were; ``elsewhere`` are more of them."""
    more = count - shown
    return [
        f"{name}: {count} rows that cannot be used left out:",
        *(f"  {message}" for message in messages[:shown]),
        *([f"  and {more} more{elsewhere}"] if more > 0 else []),
    ]


def _prepared_as(split: str) -> str:
    return split if split in LABELLED else "predict"


def _usable(task: Task, rows: Sequence[Row], split: str, bad: list[str], most: float) -> list[Row]:
    """The rows that can be prepared together; some that cannot may be left in where more than ``most`` are bad."""
    kept, alone = list(rows), False
    while kept and len(bad) <= most:
        try:
            copy.deepcopy(task).prepare(kept, split)
            break
        except DataError as error:
            if not error.line:
                raise
            refused: _Refused = {}
            if not alone:
                refused, alone = _refused_with(task, kept, [], split), True
            refused = refused or _refused_together(task, kept, split) or _blamed(kept, error)
            if not refused:
                raise
        bad += refused.values()
        kept = [row for row in kept if id(row) not in refused]
    return kept


def _refused_with(task: Task, rows: Sequence[Row], others: Sequence[Row], split: str) -> _Refused:
    """The rows that the task refuses behind a few others, each by itself."""
    known = set(map(id, others))
    found = ((row, _refusal(task, [*others, row], split)) for row in rows if id(row) not in known)
    return {id(row): error.place_free for row, error in found if error}


def _refused_together(task: Task, rows: Sequence[Row], split: str) -> _Refused:
    """Of the first two rows that are refused with each other, those refused with one or the other, whichever are fewer.

    Nothing where two rows are not enough to be refused.
    """
    end = _fewest(task, rows, [], split)
    if not 1 < end <= len(rows):
        return {}
    last = rows[end - 1]
    first = rows[_fewest(task, rows[: end - 1], [last], split) - 1]
    with_first = _refused_with(task, rows, [first], split)
    if id(last) not in with_first:
        return {}
    with_last = _refused_with(task, rows, [last], split)
    return min(filter(None, (with_first, with_last)), key=len)


def _fewest(task: Task, rows: Sequence[Row], more: Sequence[Row], split: str) -> int:
    """How many of the first rows it takes for them, and ``more`` behind them, to be refused."""
    counts = range(len(rows) + 1)
    return bisect_left(counts, True, key=lambda n: _refusal(task, [*rows[:n], *more], split) is not None)


def _blamed(rows: Sequence[Row], error: DataError) -> _Refused:
    """The row that holds the line of the error: a row may take several lines, and several may stand on one."""
    there = [row for row in rows if row.source == error.file and row.line <= error.line]
    return {id(max(there, key=lambda row: row.line)): error.place_free} if there else {}


def _refusal(task: Task, rows: Sequence[Row], split: str) -> DataError | None:
    """Why the task refuses one of these rows."""
    try:
        copy.deepcopy(task).prepare(rows, split) if rows else None
    except DataError as error:
        return error if error.line else None
    except RequestError:  # a few rows may be too few
        pass
    return None
