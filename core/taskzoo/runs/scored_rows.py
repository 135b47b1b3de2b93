"""The predictions that a run kept, to be scored again: without its model, and without torch."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from taskzoo.errors import RequestError, TaskZooError
from taskzoo.heads.text_task import TextTask
from taskzoo.seq2seq.seq2seq_task import Seq2SeqTask
from taskzoo.spec import TaskSpec
from taskzoo.task import Task
from taskzoo.types import Metric, Prediction, Score, public

from .directory import TASK_FILE, RunDirectory, read_json, write_json, write_jsonl
from .exported import is_export
from .identity import find_task, restore_task
from .task_file import SavedTask, read_task

if TYPE_CHECKING:
    from taskzoo.engine.scoring import Evaluation

SCORED = "test"
"""The split whose predictions are kept."""
_NEED_MODELS = ("similarity",)
"""Options of tasks whose scores take a model to compute."""
_ROUNDING = 2e-3
"""Kept probabilities have four digits; scores of them may differ by so much, of 1 or of themselves."""

Statistics = list[tuple[Metric, Any]]
"""Metrics with their statistics of the same rows."""

Key = tuple[str, str, int]
"""What a row is known by in another run: its input, its reference, and which of the equal ones it is."""


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """Test rows of a finished run with its predictions.

    Args:
        path: the run directory.
        name: of the task, with its distribution if it has one that is not ``taskzoo``.
        task: as it was saved; it can score, and not predict.
        spec: of the task.
        labels: what it can predict; empty for a task without labels.
        rows: as they are in ``predictions.jsonl``.
        keys: of the rows.
        kept: the scores of the split in ``metrics.json``; empty if there are none.
    """

    path: Path
    name: str
    task: Task
    spec: TaskSpec
    labels: frozenset[str]
    rows: Sequence[Mapping[str, Any]]
    keys: Sequence[Key]
    kept: Mapping[str, Any]

    def take(self, indices: Sequence[int]) -> ScoredRows:
        """Some of the rows."""
        return replace(self, rows=[self.rows[i] for i in indices], keys=[self.keys[i] for i in indices])

    def sides(self, task: Task) -> tuple[list[Prediction], list[Prediction]]:
        """Predictions and references, with what the metrics of ``task`` read besides what is written.

        These are probabilities, as far as they are written, and sources of generated texts.
        """
        predictions = [{name: value for name, value in row.items() if name != "reference"} for row in self.rows]
        references = [dict(row["reference"]) for row in self.rows]
        if isinstance(task, TextTask) and (labels := task.text_head.labels):
            for prediction in predictions:
                if isinstance(scores := prediction.get("scores"), dict):
                    prediction["_probabilities"] = np.array([scores.get(label, 0.0) for label in labels])
        elif isinstance(task, Seq2SeqTask):
            for prediction, reference in zip(predictions, references, strict=True):
                reference["_source"] = prediction.get("source")
        return predictions, references

    def statistics(self, task: Task, metrics: Sequence[Metric]) -> Statistics:
        """Each of the ``metrics`` of ``task`` with its statistics of these rows.

        Raises:
            RequestError: a row lacks what the metric reads.
        """
        sides = self.sides(task)
        try:
            return [(metric, metric.statistics(*sides)) for metric in metrics]
        except (KeyError, TypeError, ValueError, AttributeError, TaskZooError) as error:
            said = str(error) if isinstance(error, TaskZooError) else f"{type(error).__name__}: {error}"
            file = RunDirectory(self.path).predictions
            raise RequestError(f"{str(file)!r} is damaged: {said} Copy the run again.") from None

    def told(self, measured: Statistics) -> list[str]:
        """Names of the scores that come out as the run itself has them, from statistics of all of its rows.

        Others depend on what the run did not write down, such as the probabilities of many labels, or on other
        settings of the metrics.
        """
        told = []
        for metric, statistics in measured:
            for name, value in metric.of_all(statistics).items():
                score = next((score for score in metric.scores if score.describes(name)), None)
                if not self.kept or _alike(value, self.kept.get(name), score):
                    told.append(name)
        return told


def read_scored_rows(path: str | Path) -> ScoredRows:
    """The test rows of the run at ``path``, a run directory or what ``zoo eval --output`` made.

    Raises:
        RequestError: there is no finished run, or it has no predictions, or they are damaged.
        PluginError: its task's plugin is missing or failed.
    """
    root = Path(path)
    folder = root if (root / TASK_FILE).is_file() else root / "model"
    _check_finished(root, folder)
    saved = read_task(folder / TASK_FILE)
    task, spec = _restored(saved)
    file, metrics = RunDirectory(root).predictions, RunDirectory(root).metrics
    if not file.is_file():
        raise RequestError(
            f"The run {str(root)!r} has no predictions.jsonl: it was trained without test rows. Score it on a labelled "
            f"file: zoo eval {root} --data FILE --output FOLDER, and compare such folders."
        )
    shown = _rows(file)
    kept = read_json(metrics) if metrics.is_file() else {}
    scores = kept.get(SCORED) if isinstance(kept, dict) else None
    if isinstance(scores, dict) and scores.get("rows", len(shown)) != len(shown):
        raise RequestError(
            f"{str(file)!r} is damaged: it has {len(shown)} rows, and metrics.json is of {scores['rows']}. Copy the "
            "run again."
        )
    name = str(saved.task["name"]).removeprefix("taskzoo/") if saved.task["distribution"] else spec.id
    known = scores if isinstance(scores, dict) else {}
    return ScoredRows(root, name, task, spec, _label_set(saved.state), shown, _keys(spec, shown), known)


def write_scored_rows(path: Path, evaluation: Evaluation, model: Path) -> None:
    """Make the folder ``path``, which :func:`read_scored_rows` reads, of an evaluation by the model in ``model``."""
    path.mkdir(parents=True, exist_ok=True)
    directory = RunDirectory(path)
    pairs = zip(evaluation.predictions, evaluation.references, strict=True)
    write_jsonl(directory.predictions, ({**public(p), "reference": public(r)} for p, r in pairs))
    write_json(directory.metrics, {SCORED: evaluation.to_dict()})
    write_json(path / TASK_FILE, read_json(model / TASK_FILE))  # last, so that the folder counts only when it is whole


def inputs(spec: TaskSpec, row: Mapping[str, Any]) -> dict[str, Any]:
    """What a kept row repeats of its input."""
    return {role: row[role] for role, column in spec.columns.items() if not column.target and role in row}


def _label_set(state: Mapping[str, Any]) -> frozenset[str]:
    """The labels in a task's state, where tasks with a head and ``ner`` have them."""
    head = state.get("head") or {}
    found = state.get("labels") or (head.get("state") or {}).get("labels") or []
    return frozenset(map(str, found))


def _restored(saved: SavedTask) -> tuple[Task, TaskSpec]:
    entry = find_task(saved.task["name"], saved.task)
    options = {name: value for name, value in saved.options.items() if name not in _NEED_MODELS}
    return restore_task(entry, saved.task, options, saved.state), entry.spec


def _check_finished(root: Path, folder: Path) -> None:
    """Refuse what has no saved task, and exports, which keep no predictions."""
    if not root.exists():
        raise RequestError(f"There is no run at {str(root)!r}.")
    if is_export(root):
        raise RequestError(
            f"{str(root)!r} is an export, which keeps no predictions. Score it on a labelled file: zoo eval {root} "
            "--data FILE --output FOLDER, and compare such folders."
        )
    if not (folder / TASK_FILE).is_file():
        manifest = RunDirectory(root).manifest
        status = read_json(manifest).get("status", "unknown") if manifest.is_file() else ""
        if status and status != "finished":
            raise RequestError(f"The run {str(root)!r} is not finished ({status}); `zoo resume {root}` continues it.")
        raise RequestError(f"{str(root)!r} is not a finished run: it has no model/{TASK_FILE}.")


def _rows(file: Path) -> list[dict[str, Any]]:
    """The lines of ``predictions.jsonl``; refused with the line if one is damaged."""
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
        if not line:
            continue
        try:
            row = json.loads(line)
        except ValueError:
            raise _damaged(file, number, "it is not JSON") from None
        if not isinstance(row, dict) or not isinstance(row.get("reference"), dict):
            raise _damaged(file, number, "it is not a prediction with its reference")
        rows.append(row)
    if not rows:
        raise RequestError(f"{str(file)!r} has no rows; there is nothing to compare.")
    return rows


def _damaged(file: Path, line: int, what: str) -> RequestError:
    return RequestError(f"{str(file)!r} is damaged in line {line}: {what}. Copy the run again.")


def _keys(spec: TaskSpec, shown: Sequence[Mapping[str, Any]]) -> list[Key]:
    """Rows whose predictions repeat no input are known by their place."""
    seen: Counter[tuple[str, str]] = Counter()
    keys = []
    for place, row in enumerate(shown):
        given = inputs(spec, row)
        pair = (_text(given) if given else f"row {place}"), _text(row["reference"])
        keys.append((*pair, seen[pair]))
        seen[pair] += 1
    return keys


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _alike(found: float, kept: Any, score: Score | None) -> bool:
    """Up to rounding; a number in the unit of the data can be of any size, so there it is relative to the score."""
    if kept is None:
        return math.isnan(found)
    of_any_size = score is not None and not score.unit and math.isinf(score.range[1] - score.range[0])
    size = abs(kept) if of_any_size else max(1.0, abs(kept))
    return isinstance(kept, int | float) and abs(found - kept) <= _ROUNDING * size
