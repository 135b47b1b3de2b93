"""The rows of a run that is continued: some are mixed into the training rows, its test rows are kept out of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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

MIXED, LEFT_OUT, UNREAD = "mixed", "left_out_as_old_test", "old_rows_not_read"
"""What the manifest says under ``splits``: old rows mixed in; training rows left out; why old rows are not known."""
SEEN = "old_train_test"
"""What it says under ``overlap``: test rows that the earlier run was trained on."""


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
    """Mix old rows into ``splits``, keep old test rows out of the training rows, and find test rows that are not new.

    Args:
        splits: those of the new run, changed in place.
        task: restored from the earlier run.
        earlier: that run.
        training: the settings.
        old: its rows, or why they cannot be read.

    Raises:
        RequestError: old rows are to be mixed in and cannot be read; or no training row is left.
    """
    share = training.mix_old
    if isinstance(old, str):
        if share:
            raise RequestError(
                f"{option_name('mix_old', f'{share:g}')} needs the training rows of {str(earlier.path)!r}, and they "
                f"cannot be read again: {old.rstrip('.')}. Leave it out, or give rows of the old kinds yourself."
            )
        splits.made[UNREAD] = old
    elif share:
        _mix(splits, task, old, share, training.seed)
    tested = _test_inputs(earlier, task)
    train = splits.examples["train"]
    kept = [example for example in train if task.dedup_key(example)[0] not in tested]
    if not kept:
        raise RequestError("All training rows are test rows of the earlier run, which are not trained on.")
    if len(kept) < len(train):
        splits.examples["train"], splits.made[LEFT_OUT] = kept, len(train) - len(kept)
    if not isinstance(old, str):
        learnt = {task.dedup_key(example)[0] for example in old.examples["train"]}
        seen = sum(task.dedup_key(example)[0] in learnt for example in splits.examples["test"])
        splits.overlap |= {SEEN: {"count": seen, "examples": []}} if seen else {}


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
