"""``--skip-bad-rows``: rows that cannot be used are left out, counted and listed."""

from __future__ import annotations

import copy
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
    kept = _usable(task, rows, _prepared_as(split), bad)
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


def _usable(task: Task, rows: Sequence[Row], split: str, bad: list[str]) -> list[Row]:
    """The rows that can be prepared together."""
    kept, alone = list(rows), False
    while kept:
        try:
            copy.deepcopy(task).prepare(kept, split)
            break
        except DataError as error:
            if not error.line:
                raise
            left = kept
            if not alone:  # rows refused by themselves, all at once
                left, alone = [row for row in kept if not _refusal(task, row, split, bad)], True
            if len(left) == len(kept):
                at = _line_of(kept, error)
                left = [row for row in kept if (row.source, row.line) != (error.file, at)]
                bad += [error.place_free] * (len(kept) - len(left))
            if len(left) == len(kept):
                raise
            kept = left
    return kept


def _line_of(rows: Sequence[Row], error: DataError) -> int:
    """The line of the row that holds the line of the error: a row may take several (``0``: there is none)."""
    return max((row.line for row in rows if row.source == error.file and row.line <= error.line), default=0)


def _refusal(task: Task, row: Row, split: str, bad: list[str]) -> bool:
    """Whether the task refuses this row by itself; why is added to ``bad``."""
    try:
        copy.deepcopy(task).prepare([row], split)
    except DataError as error:
        if error.file == row.source and error.line:
            bad.append(error.place_free)
            return True
    except RequestError:  # one row may be too few
        pass
    return False
