"""``zoo runs``: the runs in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .completions import task_names

if TYPE_CHECKING:
    from taskzoo.runs.listing import ListedRun

COLUMNS = ("name", "task", "model", "method", "data", "score", "rows", "date", "status")
SORTS = ("score", "name", "task", "model", "rows", "date")


def runs(
    folder: Annotated[str, typer.Argument(help="Where to look, folders inside included.")] = "runs",
    task: Annotated[str | None, typer.Option(help="Only runs of this task.", autocompletion=task_names)] = None,
    sort: Annotated[
        str, typer.Option(help="score (within the same task and rows), name, task, model, rows or date.")
    ] = "score",
    as_json: Annotated[bool, typer.Option("--json", help="Print the runs as JSON.")] = False,
) -> None:
    """List the runs in a folder with model, data, score and status."""
    from taskzoo.errors import UnknownNameError
    from taskzoo.runs.listing import by_score, list_runs

    from .output import print_json, print_table, remark

    if sort not in SORTS:
        raise UnknownNameError("order", sort, SORTS, f"--sort takes {', '.join(SORTS)}.")
    found, unreadable = list_runs(Path(folder))
    for line in unreadable:
        remark(f"warning   {line}")
    if task is not None:
        known = sorted({run.task for run in found if run.task})
        found = [run for run in found if task in (run.task, run.task.rpartition("/")[2])]
        if not found and known:
            raise UnknownNameError("task among these runs", task, known, f"There are runs of {', '.join(known)}.")
    orders: dict[str, Callable[[ListedRun], Any]] = {
        "score": by_score,
        "rows": lambda run: (-(run.rows or 0), run.name),
        "date": lambda run: (run.started, run.name),
        "name": lambda run: run.name,
        "task": lambda run: (run.task, run.name),
        "model": lambda run: (run.model, run.name),
    }
    found.sort(key=orders[sort], reverse=sort == "date")
    if as_json:
        print_json([run.to_dict() for run in found])
    elif found:
        print_table(COLUMNS, [_cells(run) for run in found])
    else:
        remark(f"There are no runs in {folder!r}.")


def _cells(run: ListedRun) -> list[str]:
    return [
        run.name,
        run.task,
        _short(run.model),
        run.method,
        _short(run.data),
        _score(run),
        "" if run.rows is None else f"{run.rows:,}",
        run.started[:16].replace("T", " "),
        f"{run.status}: {run.note}" if run.note else run.status,
    ]


def _short(name: str) -> str:
    """The last part of a long path."""
    return name if len(name) <= 30 else f"...{name[-27:]}"


def _score(run: ListedRun) -> str:
    if not run.metric:
        return ""
    from taskzoo.score_text import score_text

    return f"{run.metric} {score_text(run.score, run.ci95)}"
