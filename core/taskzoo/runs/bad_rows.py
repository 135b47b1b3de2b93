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


def leave_out_bad(task: Task, rows: dict[str, list[Row]], sources: Mapping[str, dict[str, Any]]) -> None:
    """Take the rows that the task refuses out of ``rows``, and list them with those that reading left out.

    Args:
        task: is not changed.
        rows: split -> its rows.
        sources: split -> what the manifest says of it; ``bad_rows`` is a list of messages there, and becomes
            ``{"count": ..., "first": [...]}``.

    Raises:
        RequestError: more than half of the rows of a split are bad.
    """
    probe = copy.deepcopy(task)
    for split in [split for split in ("train", "validation", "test") if rows.get(split)]:
        bad = list(sources[split].pop("bad_rows", ()))
        total = len(rows[split]) + len(bad)
        rows[split] = _usable(probe, rows[split], split, bad)
        if len(bad) > MOST * total:
            message = f"{len(bad)} of the {total} {split} rows cannot be used, too many to be left out; the first: "
            raise RequestError(message + bad[0])
        if bad:
            sources[split] |= {"rows": len(rows[split]), "bad_rows": {"count": len(bad), "first": bad[:LISTED]}}
        probe.prepare(rows[split], split)


def bad_row_notes(sources: Mapping[str, Mapping[str, Any]], shown: int = 5) -> list[str]:
    """How many rows were left out of each split, and why the first of them were."""
    notes = []
    for split, source in sources.items():
        if found := source.get("bad_rows"):
            notes.append(f"{split}: {found['count']} rows that cannot be used left out:")
            notes += [f"  {message}" for message in found["first"][:shown]]
            if (more := found["count"] - shown) > 0:
                notes.append(f"  and {more} more; manifest.json of a run lists {LISTED}")
    return notes


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
                left = [row for row in kept if (row.source, row.line) != (error.file, error.line)]
                bad.append(error.place_free)
            if len(left) == len(kept):
                raise
            kept = left
    return kept


def _refusal(task: Task, row: Row, split: str, bad: list[str]) -> bool:
    """Whether the task refuses this row by itself; why is added to ``bad``."""
    try:
        copy.deepcopy(task).prepare([row], split)
    except DataError as error:
        if (error.file, error.line) == (row.source, row.line):
            bad.append(error.place_free)
            return True
    except RequestError:  # one row may be too few
        pass
    return False
