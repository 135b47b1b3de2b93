"""``zoo inspect``: look at data before training on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from taskzoo.escapes import visible

from .completions import model_names
from .options import (
    Columns,
    Data,
    Format,
    GroupBy,
    Holdout,
    Settings,
    Shots,
    SkipBadRows,
    Task,
    Test,
    TestColumns,
    Train,
    TrustRemoteCode,
    Validation,
)

_WIDTH = 90
"""Characters of a value in an example row."""


def inspect(
    task: Task,
    model: Annotated[
        str | None,
        typer.Option(help="Whose tokenizer counts (default: the task's own model).", autocompletion=model_names),
    ] = None,
    data: Data = None,
    train: Train = None,
    validation: Validation = None,
    test: Test = None,
    columns: Columns = None,
    test_columns: TestColumns = None,
    skip_bad_rows: SkipBadRows = None,
    format: Format = None,
    group_by: GroupBy = None,
    holdout: Holdout = None,
    shots: Shots = None,
    set_: Settings = None,
    trust_remote_code: TrustRemoteCode = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Inspect a data set without training: rows, lengths, truncation, overlap, conflicts."""
    from taskzoo.config import parse_assignments, parse_columns
    from taskzoo.runs.plan import make_plan
    from taskzoo.runs.request import DataRequest, RunRequest, resolve_request

    from .output import print_json, print_table
    from .process import set_up_process

    named, tested = parse_columns(columns or ""), parse_columns(test_columns or "")
    rows = DataRequest(
        data, train, validation, test, None, named, format, group_by, shots, holdout, tested, skip_bad_rows
    )
    settings = parse_assignments(set_ or [])
    plan = make_plan(resolve_request(RunRequest(task, model, rows, settings, trust_remote_code=trust_remote_code)))
    set_up_process()
    from taskzoo.runs.inspect import examine

    report = examine(plan)
    if as_json:
        print_json(report)
        return
    columns_of = next(iter(report["splits"].values()))
    lines = [[name, *map(_cell, split.items())] for name, split in report["splits"].items()]
    print_table(["split", *(name.replace("_", " ") for name in columns_of)], lines)
    print("\nThe first training rows, as they were read:")
    for example in report["examples"]:
        fields = (f"{name}={_short(value)}" for name, value in example.items() if name != "place")
        print(visible(f"{Path(example['place']).name}  {'  '.join(fields)}"))
    print()
    if report["labels"]:
        splits = list(report["splits"])
        totals = {split: sum(counts[split] for counts in report["labels"].values()) for split in splits}
        print_table(
            ["label", *splits],
            [
                [name, *(f"{counts[split]} ({counts[split] / max(1, totals[split]):.1%})" for split in splits)]
                for name, counts in report["labels"].items()
            ],
        )
        print()
    for split, numbers in report["numbers"].items() if not report["labels"] else ():
        print(f"{split}: numbers from {numbers['least']:g} to {numbers['greatest']:g}, mean {numbers['mean']:.4g}")
    for note in report["notes"] or ["No problems found."]:
        print(visible(note))


def _cell(fact: tuple[str, Any]) -> str:
    name, value = fact
    if name == "unknown_tokens":
        return "-" if value is None else f"{value:.1%}"
    return str(value)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 4]}...{text[-1]}"
