"""``zoo labels``: which of the given labels look wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .completions import run_or_task
from .options import Columns, Data, Format, GroupBy, Model, Settings, SkipBadRows, Train, TrustRemoteCode
from .to_tool import Output, To

if TYPE_CHECKING:
    from taskzoo.labelling.label_report import LabelReport, Suspect
    from taskzoo.labelling_tools import PreAnnotated

WIDTH, ALIKE = 60, 10
"""Characters of a text that are shown, and groups of near-duplicates."""


def labels(
    target: Annotated[
        str,
        typer.Argument(metavar="RUN|TASK", help="A run directory, or a task with --train.", autocompletion=run_or_task),
    ],
    train: Train = None,
    data: Data = None,
    model: Model = None,
    columns: Columns = None,
    format: Format = None,
    group_by: GroupBy = None,
    skip_bad_rows: SkipBadRows = None,
    folds: Annotated[int, typer.Option(min=2, help="Probes, each fitted without one part of the rows.")] = 5,
    count: Annotated[int, typer.Option(min=1, help="How many of the labels are listed and written.")] = 20,
    output: Output = None,
    to: To = None,
    set_: Settings = None,
    trust_remote_code: TrustRemoteCode = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Find labels that look wrong, by probes that were fitted without them. No file is changed."""
    from taskzoo.config import parse_assignments, parse_columns
    from taskzoo.labelling.label_plan import LabelRequest, files_of, is_run, make_label_plan
    from taskzoo.runs.request import DataRequest

    from .output import print_json, remark
    from .process import set_up_process, stop_on_signal
    from .to_tool import check_apart, check_target, write_target

    check_target(output, to)
    named = parse_columns(columns or "")
    rows = DataRequest(
        data, train, columns=named or None, format=format, group_by=group_by, skip_bad_rows=skip_bad_rows
    )
    settings = parse_assignments(set_ or [])
    plan = make_label_plan(LabelRequest(target, rows, model, settings, trust_remote_code))
    check_apart(output, to, files_of(plan), [target] if is_run(target) else [])
    set_up_process()
    from taskzoo.engine.progress import Terminal
    from taskzoo.labelling.check_labels import check_labels

    with stop_on_signal() as stop:
        report = check_labels(plan, folds=folds, count=count, reporter=Terminal(), stop=stop)
    if output is not None:
        write_target(output, to, [suspect.to_dict() for suspect in report.suspects], _tasks(report), report.names)
        remark(f"{len(report.suspects):,} labels written to {output}.")
    if as_json:
        print_json(report.to_dict())
    else:
        _print(report)


def _tasks(report: LabelReport) -> list[PreAnnotated]:
    """One for each row, with what is likely and why it is shown."""
    from taskzoo.labelling_tools import PreAnnotated

    of_row: dict[int, list[Suspect]] = {}
    for suspect in report.suspects:
        of_row.setdefault(suspect.number, []).append(suspect)
    return [
        PreAnnotated(row[0].row, row[0].prediction, "; ".join(suspect.note for suspect in row), rank)
        for rank, row in enumerate(of_row.values(), 1)
    ]


def _print(report: LabelReport) -> None:
    from taskzoo.escapes import visible, visible_cell
    from taskzoo.labelling.wording import basis, opening, precision_text

    from .output import print_table

    print(opening(report))
    print(basis(report))
    for note in report.notes:
        print(visible(note))
    if report.precisions:
        print()
        print_table(
            ["first", "wrong, as estimated [95%]"],
            [[f"{size:,}", precision_text(value)] for size, value in report.precisions.items()],
        )
    print()
    problems = any(suspect.problem for suspect in report.suspects)
    print_table(
        ["wrong", "place", "given", "likely", *(["problem"] if problems else []), "text"],
        [
            [
                f"{suspect.chance:.0%}",
                f"{Path(suspect.row.source).name}:{suspect.row.line}",
                _short(suspect.given),
                _short(suspect.likely),
                *([suspect.problem] if problems else []),
                _short(suspect.text),
            ]
            for suspect in report.suspects
        ],
    )
    if report.alike:
        print(f"\n{len(report.alike):,} groups of texts that are nearly the same have different labels:")
    for one in report.alike[:ALIKE]:
        print()
        for file, line, text, label in one.texts:
            print(visible_cell(f"{Path(file).name}:{line}  {_short(label)}  {_short(text)}"))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."
