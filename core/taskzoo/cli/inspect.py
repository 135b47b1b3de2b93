"""``zoo inspect``: look at data before training on them."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Columns, Data, Format, GroupBy, Holdout, Settings, Shots, Task, Test, Train, Validation


def inspect(
    task: Task,
    model: Annotated[str | None, typer.Option(help="Whose tokenizer counts (default: the task's own model).")] = None,
    data: Data = None,
    train: Train = None,
    validation: Validation = None,
    test: Test = None,
    columns: Columns = None,
    format: Format = None,
    group_by: GroupBy = None,
    holdout: Holdout = None,
    shots: Shots = None,
    set_: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Inspect a data set without training: rows, lengths, truncation, overlap, conflicts."""
    from taskzoo.config import parse_assignments, parse_columns
    from taskzoo.runs.plan import make_plan
    from taskzoo.runs.request import DataRequest, RunRequest, resolve_request

    from .output import print_json, print_table
    from .process import set_up_process

    named = parse_columns(columns or "")
    rows = DataRequest(data, train, validation, test, None, named, format, group_by, shots, holdout)
    plan = make_plan(resolve_request(RunRequest(task, model, rows, parse_assignments(set_ or []))))
    set_up_process()
    from taskzoo.runs.inspect import examine

    report = examine(plan)
    if as_json:
        print_json(report)
        return
    lines = [[name, *(str(value) for value in split.values())] for name, split in report["splits"].items()]
    print_table(["split", *(name.replace("_", " ") for name in next(iter(report["splits"].values())))], lines)
    print()
    for note in report["notes"] or ["No problems found."]:
        print(note)
