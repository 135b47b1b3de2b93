"""The rows of earlier runs from which a run learns: one that it continues, one that is its teacher.

Of the former some are mixed into the training rows, and its test rows are kept out of them. Of both it is counted
which rows held out here they have learnt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from taskzoo.config import Training
from taskzoo.data.nested import nested_order
from taskzoo.errors import RequestError, TaskZooError
from taskzoo.option_names import option_name
from taskzoo.spec import TaskSpec
from taskzoo.task import Task
from taskzoo.types import Example

from .data import Splits
from .earlier_run import EarlierRun
from .inputs import input_rows
from .scored_rows import ScoredRows, inputs, read_scored_rows

MIXED, LEFT_OUT = "mixed", "left_out_as_old_test"
"""What the manifest says under ``splits``: old rows mixed in; training rows left out."""
FROM, TEACHER = "old", "teacher"
"""Which earlier run; in the manifest ``old_rows_not_read`` under ``splits`` says why the rows of one are not known, and
``old_train_test`` under ``overlap`` how many test rows it was trained on, in the form of the splits of one run."""
SHARED = (("train", "test"), ("train", "validation"), ("validation", "test"))
"""A split of an earlier run, and one of this run that should have nothing in common with it."""


def examples_of(scored: ScoredRows, spec: TaskSpec, task: Task) -> list[Example]:
    """The inputs of kept test rows as ``task`` prepares them, to be predicted again.

    Raises:
        RequestError: the predictions do not repeat them.
        DataError: one cannot be used.
    """
    given = [inputs(spec, row) for row in scored.rows]
    if not all(given):
        raise RequestError("the predictions that were kept do not repeat the inputs")
    return task.prepare(input_rows(spec, task, given), "predict")


def join_rows(splits: Splits, task: Task, earlier: EarlierRun, training: Training, old: Splits | str) -> None:
    """Mix old rows into ``splits``, and keep old test rows out of the training rows.

    Args:
        splits: those of the new run, changed in place.
        task: restored from the earlier run.
        earlier: that run.
        training: the settings.
        old: its rows, or why they cannot be read; not looked at where none are to be mixed in.

    Raises:
        RequestError: old rows are to be mixed in and cannot be read; or no training row is left.
    """
    if share := training.mix_old:
        if isinstance(old, str):
            raise RequestError(
                f"{option_name('mix_old', f'{share:g}')} needs the training rows of {str(earlier.path)!r}, and they "
                f"cannot be read again: {old.rstrip('.')}. Leave it out, or give rows of the old kinds yourself."
            )
        _mix(splits, task, old, share, training.seed)
    tested = _test_inputs(earlier, task)
    train = splits.examples["train"]
    kept = [example for example in train if task.dedup_key(example)[0] not in tested]
    if not kept:
        raise RequestError("All training rows are test rows of the earlier run, which are not trained on.")
    if len(kept) < len(train):
        splits.examples["train"], splits.made[LEFT_OUT] = kept, len(train) - len(kept)


def unread(which: str) -> str:
    """Under which key of ``splits`` the manifest says why rows of an earlier run are not known."""
    return f"{which}_rows_not_read"


def count_seen(splits: Splits, task: Task, which: str, learnt: Iterable[Splits | str]) -> None:
    """Count the rows held out here that an earlier run has learnt, or say why that is not known.

    Args:
        splits: those of the new run, of which ``overlap`` and ``made`` are added to.
        task: of the new run.
        which: which earlier run.
        learnt: the rows of it and of the runs from which it has learnt itself, or why they cannot be read; looked at
            one after the other.
    """
    held_out = {ours for _, ours in SHARED}
    held = {ours: Counter(task.dedup_key(example)[0] for example in splits.examples[ours]) for ours in held_out}
    seen: dict[str, set[str]] = {theirs: set() for theirs, _ in SHARED}
    for rows in learnt:
        if isinstance(rows, str):
            splits.made.setdefault(unread(which), rows)
            continue
        for theirs, found in seen.items():  # which may be far more rows than are held out
            keys = (task.dedup_key(example)[0] for example in rows.examples[theirs])
            found.update(given for given in keys if any(given in counts for counts in held.values()))
    for theirs, ours in SHARED:
        if count := sum(held[ours][given] for given in seen[theirs]):
            splits.overlap[f"{which}_{theirs}_{ours}"] = {"count": count, "examples": []}


def old_test_rows(manifest: Mapping[str, Any]) -> int | None:
    """How many test rows of a run the one that it continues was trained on; ``None``: not known."""
    if unread(FROM) in manifest["splits"]:
        return None
    return int(manifest["overlap"].get(f"{FROM}_train_test", {"count": 0})["count"])


def _mix(splits: Splits, task: Task, old: Splits, share: float, seed: int) -> None:
    """Add a stratified part of the old training rows, and of validation rows the same part, where there are any."""
    rows = old.examples["train"]
    if share >= 1 and share != int(share):
        raise RequestError(f"mix_old={share:g} is neither a share below 1 nor a whole number of rows.")
    count = min(len(rows), round(share * len(rows)) if share < 1 else int(share))
    if not count:
        raise RequestError(f"mix_old={share:g} of {len(rows)} old training rows is none; mix in more.")
    splits.examples["train"] = [*splits.examples["train"], *_part(rows, task, count, seed)]
    splits.made[MIXED] = {"train": count, "of": len(rows), "seed": seed}
    held = old.examples["validation"]
    if splits.examples["validation"] and held:
        count = max(1, round(count / len(rows) * len(held)))
        splits.examples["validation"] = [*splits.examples["validation"], *_part(held, task, count, seed)]
        splits.made[MIXED]["validation"] = count


def _part(rows: Sequence[Example], task: Task, count: int, seed: int) -> list[Example]:
    return [rows[i] for i in sorted(nested_order(rows, task.classes, task.dedup_key, seed)[:count])]


def _test_inputs(earlier: EarlierRun, task: Task) -> set[str]:
    """The inputs of the test rows of the run and of those before it, as far as they are kept."""
    found: set[str] = set()
    for run in earlier.chain():
        found.update(task.dedup_key(example)[0] for example in _kept(run, task))
    return found


def _kept(run: EarlierRun, task: Task) -> Iterable[Example]:
    try:
        scored = read_scored_rows(run.path)
        return examples_of(scored, scored.spec, task)
    except TaskZooError:  # forgetting is not measured either, and that is said
        return ()
