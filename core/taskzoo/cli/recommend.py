"""``zoo recommend``: which model and method to take for these rows."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import (
    Columns,
    Data,
    Format,
    GroupBy,
    Holdout,
    Settings,
    SkipBadRows,
    Task,
    Test,
    Train,
    Validation,
)

if TYPE_CHECKING:
    from taskzoo.recommending.result import Choice, Recommendation


def recommend(
    task: Task,
    train: Train = None,
    validation: Validation = None,
    test: Test = None,
    data: Data = None,
    columns: Columns = None,
    format: Format = None,
    group_by: GroupBy = None,
    holdout: Holdout = None,
    skip_bad_rows: SkipBadRows = None,
    models: Annotated[
        list[str] | None,
        typer.Option(help="Only this model, by registry name, hub id or directory (repeatable; default: all)."),
    ] = None,
    language: Annotated[str | None, typer.Option(help="Language of the texts, e.g. sw (default: guessed).")] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda (default: what a run would take).")] = None,
    max_minutes: Annotated[float | None, typer.Option(help="How many minutes a training may take.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many choices are shown.")] = 5,
    check: Annotated[
        bool, typer.Option("--check", help="Run the best two and compare scores and times with their forecasts.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(help="Directory for recommend.json and the runs of --check (default with it: runs/TASK-...)."),
    ] = None,
    set_: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all as JSON.")] = False,
) -> None:
    """Recommend a model and a method for these rows, with forecasts of score, time and memory."""
    if device == "cpu":
        import os

        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before torch looks for devices

    from taskzoo.config import parse_assignments, parse_columns
    from taskzoo.engine.progress import Terminal
    from taskzoo.recommending.recommend import recommended
    from taskzoo.recommending.request import RecommendRequest
    from taskzoo.runs.directory import new_run
    from taskzoo.runs.request import DataRequest

    from .output import print_json
    from .process import set_up_process, stop_on_signal

    rows = DataRequest(
        data,
        train,
        validation,
        test,
        columns=parse_columns(columns or "") or None,
        format=format,
        group_by=group_by,
        holdout=holdout,
        skip_bad_rows=skip_bad_rows,
    )
    settings = parse_assignments(set_ or [])
    request = RecommendRequest(task, rows, tuple(models or ()), language, device, max_minutes, top, settings)
    request.check()
    writes = check or output is not None
    set_up_process()
    with (
        new_run(output, Path(task).name, "recommend") if writes else nullcontext() as path,
        stop_on_signal() as stop,
    ):
        found = recommended(request, Terminal(), output=path, check=check, stop=stop)
    if as_json:
        print_json(found.to_dict())
        return
    _print(found, path)


def _print(found: Recommendation, path: Path | None) -> None:
    from taskzoo.escapes import visible

    from .output import print_facts, print_table

    print_table(
        ["model", "method", f"{found.metric} [95%]", "minutes", "memory", "reads", "licence", "why"],
        [_cells(choice) for choice in found.choices],
    )
    if found.left_out:
        print(f"{found.left_out:,} more choices are left out (--top).")
    print()
    for note in found.notes:
        print(visible(note))
    if any(choice.check for choice in found.choices):
        print()
        _print_checks(found)
    print()
    print(visible(found.sentence))
    if path is not None:
        print_facts(("Result", f"{path}/recommend.json"))


def _cells(choice: Choice) -> list[str]:
    from taskzoo.recommending.wording import minutes_text, score_text

    clauses = [*(f"but {clause}" for clause in choice.obstacles), *choice.why]
    if not choice.here:
        clauses.insert(0, "to be downloaded")
    return [
        choice.model,
        choice.method,
        score_text(choice.score) if choice.score else "no measured score",
        minutes_text(choice.minutes) if choice.minutes else "-",
        f"{choice.memory / 2**30:.1f} GiB" if choice.memory else "-",
        choice.reads.word,
        choice.license or "unknown",
        "; ".join(clauses),
    ]


def _print_checks(found: Recommendation) -> None:
    from taskzoo.recommending.wording import minutes_text, score_text

    from .output import print_table

    words = {True: "inside", False: "outside", None: "-"}
    print_table(
        ["checked", "forecast", "measured", "", "minutes forecast", "measured", ""],
        [
            [
                f"{choice.model} {choice.method}" + (" (cut short)" if done.shortened else ""),
                score_text(choice.score) if choice.score else "-",
                "undefined" if done.score is None else f"{done.score:.3f}",
                words[done.score_inside],
                minutes_text(choice.minutes) if choice.minutes else "-",
                f"{done.minutes:.2f}",
                words[done.minutes_inside],
            ]
            for choice in found.choices
            if (done := choice.check)
        ],
    )
