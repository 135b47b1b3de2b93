"""``zoo doctor``: look at data before training on them."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Columns, Data, Format, GroupBy, Holdout, Shots, Test, Train, Validation


def doctor(
    task: Annotated[str, typer.Argument(help="A task; `zoo tasks` lists them.")],
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
    set_: Annotated[list[str] | None, typer.Option("--set", help="Settings as name=value, as for `zoo run`.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Read data as a run would and report what was found: rows, lengths, truncation, overlap, conflicts."""
    from taskzoo.config import parse_assignments
    from taskzoo.runs.doctor import examine
    from taskzoo.runs.plan import make_config, make_plan

    from .output import print_json, print_table

    config, _, _ = make_config(
        task, model=model, data=data, train=train, validation=validation, test=test, columns=columns, format=format,
        group_by=group_by, holdout=holdout, shots=shots, settings=parse_assignments(set_ or []),
    )  # fmt: skip
    report = examine(make_plan(config))
    if as_json:
        print_json(report)
        return
    rows = [[name, *(str(value) for value in split.values())] for name, split in report["splits"].items()]
    print_table(["split", *(name.replace("_", " ") for name in next(iter(report["splits"].values())))], rows)
    print()
    for note in report["notes"] or ["Nothing to worry about was found."]:
        print(note)
