"""``zoo suggest``: which texts to label next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import PRECISION_HELP, AnyRun, Quiet, TrustRemoteCode
from .to_tool import Output, To

if TYPE_CHECKING:
    from taskzoo.labelling.suggest import Suggestions
    from taskzoo.labelling_tools import PreAnnotated

WIDTH, SHOWN = 70, 50
"""Characters of a text, and rows, that are shown."""


def suggest(
    run: AnyRun,
    input: Annotated[
        list[str],
        typer.Option(help="The pool: a file in any format of the task without labels; several files, or a pattern."),
    ],
    count: Annotated[int, typer.Option(min=1, help="How many rows to choose.")] = 50,
    seed: Annotated[int, typer.Option(help="Seed of the choice.")] = 0,
    output: Output = None,
    to: To = None,
    columns: Annotated[str | None, typer.Option(help="role=column pairs for --input, e.g. text=0.")] = None,
    format: Annotated[str | None, typer.Option(help="Format of --input (default: detected from the content).")] = None,
    precision: Annotated[str, typer.Option(help=PRECISION_HELP)] = "auto",
    trust_remote_code: TrustRemoteCode = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the chosen rows as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Choose the rows of a pool whose labels would help a run most: it is unsure of them, and they differ."""
    from taskzoo.bulk.job import Inputs
    from taskzoo.bulk.loading import Loading
    from taskzoo.bulk.meter import Meter
    from taskzoo.config import parse_columns
    from taskzoo.data.readers import names_parallel
    from taskzoo.errors import DataError
    from taskzoo.runs.data import each_file, input_files

    from .output import print_json, remark
    from .process import set_up_process, stop_on_signal
    from .to_tool import check_apart, check_target, write_target

    check_target(output, to)
    for file in each_file(input):
        if not file.is_file() and not names_parallel(file):
            raise DataError("there is no such file.", file=str(file))
    pool = Inputs(tuple(input), parse_columns(columns or ""), format)
    set_up_process(run)
    with Loading(run, precision, {}, trust_remote_code).load() as model, stop_on_signal() as stop:
        from taskzoo.labelling.suggest import suggest as choose_rows

        check_apart(output, to, input_files(model.spec, model.task, input), [run])
        with Meter(shown=not quiet) as meter:
            found = choose_rows(model, pool, count, seed=seed, meter=meter, stop=stop)
    for note in (*found.notes, found.summary):
        remark(note)
    if output is not None:
        write_target(output, to, [one.to_dict() for one in found.chosen], _tasks(found), found.labels)
        remark(f"{len(found.chosen):,} rows written to {output}.")
    if as_json:
        print_json([one.to_dict() for one in found.chosen])
    elif output is None:
        _print(found)


def _tasks(found: Suggestions) -> list[PreAnnotated]:
    from taskzoo.labelling_tools import PreAnnotated

    return [
        PreAnnotated(one.record.row, one.prediction, one.doubt.reason, one.rank, one.columns) for one in found.chosen
    ]


def _print(found: Suggestions) -> None:
    from .output import print_table

    print_table(
        ["rank", "place", "reason", "text"],
        [
            [
                str(one.rank),
                f"{Path(one.record.row.source).name}:{one.record.row.line}",
                one.doubt.reason,
                _short(one.text),
            ]
            for one in found.chosen[:SHOWN]
        ],
    )


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."
