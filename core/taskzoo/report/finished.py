"""A finished run, read from its files: no model is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskzoo.errors import RequestError, TaskZooError
from taskzoo.runs.directory import TASK_FILE, RunDirectory, read_json
from taskzoo.runs.identity import find_task, restore_task
from taskzoo.runs.load import Run
from taskzoo.runs.task_file import read_task
from taskzoo.runs.verdict import judging_score, split_scores
from taskzoo.spec import TaskSpec
from taskzoo.task import Task
from taskzoo.types import Score


@dataclass(frozen=True, slots=True)
class Finished:
    """What a report is made from.

    Args:
        directory: of the run.
        manifest: the content of ``manifest.json``.
        metrics: the content of ``metrics.json``.
        history: the lines of ``history.jsonl``.
        task: the task as it was fitted, with its spec; ``None`` where its code is not there.
        missing: what the report has to do without, a sentence each.
    """

    directory: RunDirectory
    manifest: Mapping[str, Any]
    metrics: Mapping[str, Any]
    history: list[dict[str, Any]]
    task: tuple[Task, TaskSpec] | None
    missing: list[str]

    @property
    def split(self) -> str:
        """The split that is reported: the last one that has scores, ``""`` without any."""
        return next(reversed(split_scores(self.metrics)), "")

    @property
    def scores(self) -> Mapping[str, Any]:
        """The scores and further facts of that split."""
        found: Mapping[str, Any] = self.metrics.get(self.split, {})
        return found

    @property
    def predictions(self) -> Path | None:
        """The file of predictions, if there is one, which is of the test rows."""
        file = self.directory.predictions
        return file if file.is_file() and self.split == "test" else None

    def score(self, name: str) -> Score | None:
        """What the number ``name`` means, where the task's code is there to say it."""
        return self.task[0].score_of(name) if self.task else None

    @property
    def judging(self) -> str:
        """The name of the score by which the run is judged."""
        score = judging_score(self.task[0]) if self.task else None
        if score is not None and score.name in self.scores:
            return score.name
        return next((name for name, value in self.scores.items() if isinstance(value, float)), "")


def read_run(run: Run | str | Path) -> Finished:
    """The run at a path, or that of an object that was loaded or has just been trained.

    Raises:
        RequestError: there is none, it is not finished, or a file of it is missing or damaged.
    """
    path = run.path if isinstance(run, Run) else Path(run)
    directory, missing = RunDirectory(path), list[str]()
    if not path.is_dir():
        raise RequestError(f"There is no run at {str(path)!r}.")
    manifest = _object(directory.manifest, directory.read_manifest())
    if manifest.get("status") != "finished":
        hint = f"`zoo resume {path}` continues it" if directory.checkpoints.is_dir() else "train it again"
        raise RequestError(
            f"The run {str(path)!r} is not finished (it is {manifest.get('status', 'damaged')}); {hint}."
        )
    for file in (directory.metrics, directory.config):
        if not file.is_file():
            raise RequestError(f"The run {str(path)!r} has no {file.name}; copy the run again.")
    metrics = _object(directory.metrics, read_json(directory.metrics))
    for scores in split_scores(metrics).values():
        _object(directory.metrics, scores)
    task = (run.task, run.spec) if isinstance(run, Run) else _task(directory, missing)
    found = Finished(directory, manifest, metrics, _history(directory.history, missing), task, missing)
    if found.split == "test" and found.predictions is None:
        missing.append("predictions.jsonl is missing, so errors and everything else about single rows is left out.")
    elif found.predictions is None:
        missing.append("The run has no test rows, so nothing is said of single rows.")
    return found


def _object(file: Path, found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise RequestError(f"{str(file)!r} is damaged: it is not a JSON object. Copy the run again.")
    return found


def _task(directory: RunDirectory, missing: list[str]) -> tuple[Task, TaskSpec] | None:
    """The task as it was saved; without its code, the report has fewer parts."""
    file = directory.model / TASK_FILE
    try:
        if not file.is_file():
            raise RequestError(f"model/{TASK_FILE} is missing.")
        saved = read_task(file)
        entry = find_task(saved.task["name"], saved.task)
        task = restore_task(entry, saved.task, saved.options, saved.state)
        task.metrics()  # may need a model that is not here
        return task, entry.spec
    except TaskZooError as error:
        missing.append(f"The task cannot be loaded, so slices are left out: {error}")
        return None


def _history(file: Path, missing: list[str]) -> list[dict[str, Any]]:
    """The lines that are there, up to one that is damaged."""
    found: list[dict[str, Any]] = []
    if not file.is_file():
        missing.append("history.jsonl is missing, so there are no learning curves.")
        return found
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if not isinstance(value, dict) or not isinstance(value.get("step"), int):
            raise RequestError(f"Line {number} of {str(file)!r} is damaged: it is not a step. Copy the run again.")
        found.append(value)
    return found
