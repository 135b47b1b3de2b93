"""The runs in a folder, from what they wrote of themselves: no task is needed to list them."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from taskzoo.errors import RequestError, TaskZooError

from .curve import CURVE_FILE
from .directory import TASK_FILE, RunDirectory, read_json
from .identity import find_task, restore_task
from .summary import FOLDS, SUMMARY_FILE, read_summary
from .task_file import read_task
from .verdict import judging_score, split_scores

FINISHED, UNFINISHED, DAMAGED = "finished", "unfinished", "damaged"
DEEPEST = 4
"""Folders in folders that are looked into."""
_METHOD = re.compile(r"^  method: (\S+)$", re.MULTILINE)
"""In a ``config.yaml`` that a run wrote; reading all of its YAML would take a hundred times as long."""


@dataclass(frozen=True, slots=True)
class ListedRun:
    """One run, or several of one request, as a line.

    Args:
        name: its path below the folder.
        status: ``finished``, ``unfinished`` or ``damaged``.
        note: more about the status.
        task: the name of its task, ``taskzoo``'s own without distribution.
        model: the model it began with.
        method: of training.
        data: the name of the rows it was scored on.
        data_id: equal for runs that were scored on the same rows.
        metric: the score by which runs of its task are judged.
        score: its value; ``None``: there is none.
        ci95: its interval.
        higher_is_better: its direction.
        rows: how many rows it was scored on.
        started: when, ISO 8601, UTC.
    """

    name: str
    status: str
    note: str = ""
    task: str = ""
    model: str = ""
    method: str = ""
    data: str = ""
    data_id: str = ""
    metric: str = ""
    score: float | None = None
    ci95: tuple[float, float] | None = None
    higher_is_better: bool = True
    rows: int | None = None
    started: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def list_runs(folder: Path) -> tuple[list[ListedRun], list[str]]:
    """The runs in ``folder`` and in folders inside, best first among those of the same task and rows.

    Returns:
        The runs, and the folders that could not be read.

    Raises:
        RequestError: there is no such folder.
    """
    if not folder.is_dir():
        raise RequestError(f"There is no folder {str(folder)!r}; `zoo runs DIR` lists the runs in DIR.")
    unreadable: list[str] = []
    judges: dict[Any, tuple[str, bool]] = {}
    found = [_listed(path, folder, judges) for path in _run_paths(folder, unreadable)]
    return sorted(found, key=by_score), unreadable


def by_score(run: ListedRun) -> tuple[Any, ...]:
    """Runs of one task and the same rows together, the best first; those without a score last."""
    if run.score is None:
        return 1, run.task, run.data, run.name
    best = -run.score if run.higher_is_better else run.score
    return 0, run.task, run.data, run.data_id, run.metric, best, run.name


def _run_paths(folder: Path, unreadable: list[str], depth: int = 0) -> Iterator[Path]:
    """Folders that are runs, or several of one request; learning curves keep no runs."""
    try:
        names = {entry.name: entry.is_dir(follow_symlinks=False) for entry in os.scandir(folder)}
    except OSError as error:
        unreadable.append(f"{str(folder)!r} cannot be read ({error.strerror or error})")
        return
    if "manifest.json" in names or SUMMARY_FILE in names:
        yield folder
    elif CURVE_FILE not in names and depth <= DEEPEST:
        for name in sorted(name for name, is_folder in names.items() if is_folder and not name.startswith(".")):
            yield from _run_paths(folder / name, unreadable, depth + 1)


def _listed(path: Path, folder: Path, judges: dict[Any, tuple[str, bool]]) -> ListedRun:
    name = str(path.relative_to(folder)) if path != folder else path.name or str(path)
    try:
        if (path / SUMMARY_FILE).is_file():
            return _several(path, name, judges)
        return _one(path, name, judges)
    except (TaskZooError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        said = str(error) if isinstance(error, TaskZooError) else f"{type(error).__name__}: {error}"
        return ListedRun(name, DAMAGED, said)


def _one(path: Path, name: str, judges: dict[Any, tuple[str, bool]]) -> ListedRun:
    directory = RunDirectory(path)
    manifest = directory.read_manifest()
    known = {**_facts(manifest), "method": _method(directory.config)}
    if manifest["status"] != FINISHED:
        return ListedRun(name, UNFINISHED, str(manifest["status"]), **known)
    if not (directory.model / TASK_FILE).is_file():
        return ListedRun(name, DAMAGED, f"there is no model/{TASK_FILE}", **known)
    if not directory.metrics.is_file():
        return ListedRun(name, DAMAGED, "there is no metrics.json", **known)
    splits = split_scores(read_json(directory.metrics))
    if not splits:
        return ListedRun(name, FINISHED, "without rows to score", **known)
    split, scores = list(splits.items())[-1]
    metric, higher = _judge(directory.model, manifest["task"]["name"], scores, judges)
    source, identity = _scored_on(manifest, split)
    return ListedRun(
        name,
        FINISHED,
        "" if split == "test" else f"scored on {split} rows",
        data=source,
        data_id=identity,
        metric=metric,
        score=scores.get(metric),
        ci95=_ends(scores.get(f"{metric}_ci95")),
        higher_is_better=higher,
        rows=scores["rows"],
        **known,
    )


def _several(path: Path, name: str, judges: dict[Any, tuple[str, bool]]) -> ListedRun:
    """Several runs of one request, as the first of them with their mean, or the score of all folds."""
    summary = read_summary(path)
    done = sum(part.metrics is not None for part in summary.parts)
    note = f"{done} of {len(summary.parts)} {summary.kind}"
    begun = [path / part.directory for part in summary.parts if RunDirectory(path / part.directory).manifest.is_file()]
    if not begun:
        return ListedRun(name, UNFINISHED, note)
    first = _one(begun[0], name, judges)
    if done < len(summary.parts) or not summary.facts:
        return ListedRun(**{**first.to_dict(), "status": UNFINISHED, "note": note, "score": None, "ci95": None})
    scores, metric = summary.facts["scores"], first.metric
    found = scores.get(metric) or {}
    value = found.get("value" if summary.kind == FOLDS else "mean")
    changed = {"note": f"{len(summary.parts)} {summary.kind}", "score": value, "ci95": _ends(found.get("ci95"))}
    if summary.kind == FOLDS:
        changed |= {"rows": summary.facts["rows"], "data": "all folds", "data_id": f"folds of {first.data_id}"}
    return ListedRun(**{**first.to_dict(), **changed})


def _facts(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "task": str(manifest["task"]["name"]).removeprefix("taskzoo/"),
        "model": str(manifest["model"]["name"]),
        "started": str(manifest["started"]),
    }


def _method(config: Path) -> str:
    found = _METHOD.search(config.read_text(encoding="utf-8")) if config.is_file() else None
    return found[1] if found else ""


def _scored_on(manifest: Mapping[str, Any], split: str) -> tuple[str, str]:
    """What the rows of the split are called, and what tells them from others."""
    data, made = manifest["data"], manifest.get("splits") or {}
    if split in data:
        source = data[split]
        return str(source["source"]), _digest([source.get("sha256"), source.get("rows")])
    indices = (made.get("indices_sha256") or {}).get(split)
    source = data["train"]
    return f"{source['source']} (part)", _digest([source.get("sha256"), indices, made.get("fold")])


def _digest(values: list[Any]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def _judge(model: Path, task: str, scores: Mapping[str, Any], judges: dict[Any, tuple[str, bool]]) -> tuple[str, bool]:
    """The score to list, and whether higher is better: one task is restored for all runs with the same scores.

    Without the task's plugin it is the first score, and higher counts as better.
    """
    names = tuple(name for name, value in scores.items() if isinstance(value, float) or value is None)
    if (task, names) not in judges:
        try:
            saved = read_task(model / TASK_FILE)
            restored = restore_task(find_task(task, saved.task), saved.task, saved.options, saved.state)
            score = judging_score(restored)
            found = None if score is None else (score.name, score.higher_is_better)
        except TaskZooError:
            found = None
        judges[task, names] = found or (next(iter(names), ""), True)
    return judges[task, names]


def _ends(interval: Any) -> tuple[float, float] | None:
    if not interval or not all(isinstance(end, int | float) and math.isfinite(end) for end in interval):
        return None
    return float(interval[0]), float(interval[1])
