"""What several runs of one request say together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from taskzoo.metrics.intervals import bootstrap_replicates, replicate_intervals
from taskzoo.metrics.repeated import Parts, seeds_and_rows, t_interval
from taskzoo.task import Task

from .directory import RunDirectory, write_json, write_jsonl
from .load import save_task
from .measured import SAMPLES, Measured, measure
from .plan import Plan
from .scored_rows import SCORED, ScoredRows, Statistics, read_scored_rows
from .summary import Part
from .verdict import judging_score


def seed_facts(path: Path, parts: Sequence[Part], task: Task) -> dict[str, Any]:
    """Mean and spread of every score over seeds; on test rows also what seeds and rows make of it.

    Args:
        path: the directory of the runs.
        parts: the runs, finished.
        task: as it was before training.

    Returns:
        ``metric``, the score by which runs are judged; ``rows``; ``split``; ``scores``: name -> ``mean``, ``sd``,
        ``low``, ``high``, ``t_ci95`` (Student's, for other seeds on these rows) and, where predictions are kept,
        ``seed_sd``, ``rows_sd``, ``both_sd`` and ``ci95`` (for other seeds and other rows).
    """
    measured, kept = _measured(path, parts)
    task = _trained(path, parts) or task
    scores = {}
    for name in parts[0].metrics or {}:
        values = [(part.metrics or {}).get(name) for part in parts]
        known = [float(value) for value in values if value is not None]
        if len(known) < len(parts) or name == "rows" or name.endswith("_ci95"):
            continue
        found = _over_seeds(known, name, measured)
        scores[name] = {n: _within(task, name, v) if n.endswith("ci95") else v for n, v in found.items()}
    rows = (parts[0].metrics or {}).get("rows")
    split = "test" if kept else "validation"
    return {"metric": _judge(task, scores), "split": split, "rows": rows, "scores": scores}


def _trained(path: Path, parts: Sequence[Part]) -> Task | None:
    """The task as a run left it, with the metrics that training added; ``None`` where no predictions are kept."""
    directory = RunDirectory(path / parts[0].directory)
    return read_scored_rows(directory.path).task if directory.predictions.is_file() else None


def _measured(path: Path, parts: Sequence[Part]) -> tuple[list[Measured], bool]:
    """Each run on its test rows, which are the same; nothing without test rows."""
    if not RunDirectory(path / parts[0].directory).predictions.is_file():
        return [], False
    members = [read_scored_rows(path / part.directory) for part in parts]
    statistics = [member.statistics(member.task, member.task.metrics()) for member in members]
    names = _told_by_all(members, statistics)
    return [measure(one, names) for one in statistics], True


def _told_by_all(members: Sequence[ScoredRows], statistics: Sequence[Statistics]) -> set[str]:
    return set.intersection(*(set(member.told(one)) for member, one in zip(members, statistics, strict=True)))


def _over_seeds(values: list[float], name: str, measured: Sequence[Measured]) -> dict[str, Any]:
    spread = {
        "mean": float(np.mean(values)),
        "sd": float(np.std(values, ddof=1)),
        "low": min(values),
        "high": max(values),
        "t_ci95": list(t_interval(values) or ()),
    }
    if not measured or any(name not in one.replicates for one in measured):
        return spread
    replicates = np.stack([one.replicates[name] for one in measured])
    if np.isnan(replicates).all():
        return spread
    parts: Parts = seeds_and_rows(values, replicates, measured[0].units[name])
    deviations = {"seed_sd": parts.seed, "rows_sd": parts.rows, "both_sd": parts.both}
    return {**spread, **deviations, "ci95": list(parts.interval())}


def fold_facts(path: Path, parts: Sequence[Part], plan: Plan) -> dict[str, Any]:
    """The scores of all rows, each predicted by the run that did not see it.

    The rows are written to ``path`` as a run writes its test rows, so that they can be compared.

    Args:
        path: the directory of the runs.
        parts: the runs, finished.
        plan: of one of them, its task fitted on all rows.

    Returns:
        ``metric``; ``rows``; ``scores``: name -> ``value``, ``ci95``, and over folds ``mean``, ``sd``, ``low``,
        ``high``.
    """
    members = [read_scored_rows(path / part.directory) for part in parts]
    told = _told_by_all(members, [member.statistics(member.task, member.task.metrics()) for member in members])
    directory = RunDirectory(path)
    precision = str(RunDirectory(path / parts[0].directory).read_manifest()["precision"])
    shown = [{**row, "fold": fold} for fold, member in enumerate(members, 1) for row in member.rows]
    write_jsonl(directory.predictions, shown)
    save_task(path, plan, precision)
    write_json(directory.metrics, {})
    pooled = read_scored_rows(path)
    found = _all_rows(pooled, plan.task, told)
    metrics: dict[str, Any] = {}
    for name, (value, ends) in found.items():
        metrics |= {name: value, f"{name}_ci95": ends}
    write_json(directory.metrics, {SCORED: {**metrics, "rows": len(shown)}})
    scores = {
        name: {"value": value, "ci95": ends, **_over_folds([(part.metrics or {}).get(name) for part in parts])}
        for name, (value, ends) in found.items()
        if value is not None
    }
    return {"metric": _judge(plan.task, scores), "rows": len(shown), "scores": scores}


def _all_rows(rows: ScoredRows, task: Task, wanted: set[str]) -> dict[str, tuple[float | None, list[float] | None]]:
    """Name -> value and interval; ``None`` where it is undefined."""
    found: dict[str, tuple[float | None, list[float] | None]] = {}
    for metric, statistics in rows.statistics(task, task.metrics()):
        scorer, units = metric.scorer(statistics), len(statistics)
        replicates = bootstrap_replicates(units, scorer, samples=SAMPLES) if metric.resamples else {}
        intervals = replicate_intervals(units, scorer, replicates, described=metric.scores)
        for name, value in metric.of_all(statistics).items():
            if name in wanted:
                ends = intervals.get(name, (math.nan, math.nan))
                found[name] = _defined(value), list(ends) if all(map(math.isfinite, ends)) else None
    return found


def _within(task: Task, name: str, ends: Sequence[float]) -> list[float]:
    """An interval cut at the ends of the score's range, of which Student's t knows nothing."""
    low, high = task.score_of(name).range
    return [min(max(end, low), high) for end in ends]


def _over_folds(values: Sequence[float | None]) -> dict[str, float]:
    known = [float(value) for value in values if value is not None]
    if len(known) < 2:
        return {}
    return {"mean": float(np.mean(known)), "sd": float(np.std(known, ddof=1)), "low": min(known), "high": max(known)}


def _defined(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _judge(task: Task, scores: Mapping[str, Any]) -> str:
    judge = judging_score(task)
    return judge.name if judge is not None and judge.name in scores else next(iter(scores), "")
