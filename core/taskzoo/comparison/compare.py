"""``taskzoo.compare``: several runs on the rows that all of them have."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from taskzoo.errors import RequestError
from taskzoo.metrics.significance import LEVEL, holm, rows_needed
from taskzoo.runs.measured import SAMPLES, Measured, measure
from taskzoo.runs.scored_rows import Statistics
from taskzoo.runs.verdict import judging_score
from taskzoo.task import Task
from taskzoo.types import LOSS

from .changes import changed_rows, count_sides, right_rows, row_scores
from .contestants import Contestant, on_common_rows, read_contestants
from .differences import differences
from .result import UNCLEAR, Comparison, Difference, Pair
from .wording import FEWEST_ROWS, outcome_of, verdict

if TYPE_CHECKING:
    from taskzoo.runs.load import Run


FEWEST_SAMPLES = 10


def compare(*runs: str | Path | Run, samples: int = SAMPLES) -> Comparison:
    """Compare runs of one task on the test rows that all of them have.

    A run may be a directory of several seeds (``zoo run --seeds``), which are paired by seed.

    Args:
        runs: at least two run directories, loaded runs, or folders of ``zoo eval --output``.
        samples: bootstrap replicates, and samples of the randomization test; at least 10.

    Raises:
        RequestError: they cannot be compared; the message says why.
        PluginError: their task's plugin is missing or failed.
    """
    if samples < FEWEST_SAMPLES:
        raise RequestError(f"A comparison needs at least {FEWEST_SAMPLES} samples, and {samples} were asked for.")
    paths = [Path(run) if isinstance(run, str | Path) else run.path for run in runs]
    everybody = read_contestants(paths)
    task = everybody[0].members[0].task
    metrics = task.metrics()
    statistics = [[member.statistics(task, metrics) for member in one.members] for one in everybody]
    names, notes = _scores(everybody, statistics, task)
    contestants, differing = on_common_rows(everybody)
    notes = [*differing, *notes]
    measured = [
        [
            measure(found if after.keys == before.keys else after.statistics(task, metrics), names, samples)
            for before, after, found in zip(whole.members, part.members, side, strict=True)
        ]
        for whole, part, side in zip(everybody, contestants, statistics, strict=True)
    ]
    pairs = [
        _pair(
            (contestants[i], contestants[j]),
            (measured[i], measured[j]),
            differences(measured[i], measured[j], names, task, samples),
            task,
        )
        for i, j in combinations(range(len(contestants)), 2)
    ]
    rows, seeds = len(contestants[0].members[0].keys), contestants[0].seeds
    name = contestants[0].members[0].name
    return Comparison(
        tuple(one.name for one in contestants), name, rows, seeds, tuple(notes), _judged(pairs, rows, len(seeds))
    )


def _scores(
    contestants: Sequence[Contestant], statistics: Sequence[Sequence[Statistics]], task: Task
) -> tuple[list[str], list[str]]:
    """The scores that can be computed again for all runs, the one to judge by first; and what to say of others.

    Raises:
        RequestError: there is none.
    """
    told = [
        member.told(found)
        for one, side in zip(contestants, statistics, strict=True)
        for member, found in zip(one.members, side, strict=True)
    ]
    every = [score.name for metric in task.metrics() for score in metric.scores]
    common = [name for name in told[0] if all(name in names for names in told)]
    if not common:
        raise RequestError(
            f"The predictions of {contestants[0].name} and {contestants[-1].name} do not give the scores that are in "
            "their metrics.json: they were changed, or the runs score by different settings."
        )
    lost = _only_kept(contestants, common)
    said = "Not compared, as predictions.jsonl does not give what metrics.json has"
    left_out = [f"{said}: {', '.join(lost)}."] if lost else []
    judge = judging_score(task)
    first = judge.name if judge is not None else common[0]
    if first in common:
        return [first, *(name for name in common if name != first)], left_out
    first = min(common, key=lambda name: every.index(name) if name in every else len(every))
    note = (
        f"{judge.name if judge else 'The primary score'} cannot be computed again from predictions.jsonl of all runs, "
        f"or not by the same settings; {first} is compared instead."
    )
    return [first, *(name for name in common if name != first)], [note, *left_out]


def _only_kept(contestants: Sequence[Contestant], common: Sequence[str]) -> list[str]:
    """Scores in the metrics.json of all runs that their predictions do not give again; the loss takes the model."""
    kept = [
        {name for name, value in member.kept.items() if isinstance(value, float)} - {LOSS.name}
        for one in contestants
        for member in one.members
    ]
    return sorted(set.intersection(*kept) - set(common))


def _pair(
    two: tuple[Contestant, Contestant],
    measured: tuple[Sequence[Measured], Sequence[Measured]],
    found: Sequence[Difference],
    task: Task,
) -> Pair:
    """All but what depends on the other pairs."""
    sides = None
    scores = _each_row(two, right_rows)
    if scores is not None and not two[0].seeds:
        sides = count_sides(*scores)
    if scores is None:
        scores = _row_scores(two, measured, found[0].metric)
    changed = changed_rows(two[0].members, two[1].members, scores)
    return Pair(two[0].name, two[1].name, tuple(found), found[0].p, UNCLEAR, "", None, sides, changed)


def _each_row(
    two: tuple[Contestant, Contestant], of: Callable[..., np.ndarray | None]
) -> tuple[np.ndarray, np.ndarray] | None:
    """The mean over members of a number for each row, of both; ``None`` where a member has none."""
    means = []
    for one in two:
        values = [of(member) for member in one.members]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        means.append(np.mean(known, axis=0))
    return means[0], means[1]


def _row_scores(
    two: tuple[Contestant, Contestant], measured: tuple[Sequence[Measured], Sequence[Measured]], name: str
) -> tuple[np.ndarray, np.ndarray] | None:
    member = two[0].members[0]
    score, rows = member.task.score_of(name), len(member.rows)
    means = []
    for side in measured:
        values = []
        for one in side:
            metric, statistics = next(
                pair for pair in one.statistics if any(known.describes(name) for known in pair[0].scores)
            )
            values.append(row_scores(metric, statistics, score, rows))
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            return None
        means.append(np.mean(known, axis=0))
    return means[0], means[1]


def _judged(pairs: Sequence[Pair], rows: int, seeds: int) -> tuple[Pair, ...]:
    """The pairs with p-values adjusted for their number, and what follows."""
    adjusted = holm([math.nan if pair.primary.p is None else pair.primary.p for pair in pairs])
    judged = []
    for pair, p in zip(pairs, adjusted, strict=True):
        one = pair.primary
        known = None if math.isnan(p) else p
        outcome = outcome_of(one, known, len(pair.changed))
        needed = None
        if outcome == UNCLEAR and not seeds and rows >= FEWEST_ROWS:
            needed = rows_needed(rows, one.value, one.error, level=LEVEL / len(pairs))
            needed = needed and max(needed, rows + 1)
        pair = replace(pair, p_adjusted=known, outcome=outcome, rows_needed=needed)
        judged.append(replace(pair, verdict=verdict(pair, rows, seeds)))
    return tuple(judged)
