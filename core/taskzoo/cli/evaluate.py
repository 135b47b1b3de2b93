"""``zoo eval``: score a finished run on labelled data."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import PRECISION_HELP, AnyRun, InferenceOptions, SkipBadRows, TrustRemoteCode


def evaluate(
    run: AnyRun,
    data: Annotated[
        list[str], typer.Option(help="A labelled file in any format of the task; several files, or a pattern.")
    ],
    columns: Annotated[str | None, typer.Option(help="role=column pairs, e.g. tokens=0,tags=3.")] = None,
    format: Annotated[str | None, typer.Option(help="Format of the file (default: detected from the content).")] = None,
    skip_bad_rows: SkipBadRows = None,
    set_: InferenceOptions = None,
    precision: Annotated[str, typer.Option(help=PRECISION_HELP)] = "auto",
    trust_remote_code: TrustRemoteCode = False,
    output: Annotated[
        str | None, typer.Option(help="A new folder to keep predictions and scores in, for `zoo compare`.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the scores as JSON.")] = False,
) -> None:
    """Score a finished run on labelled data, with 95% intervals."""
    from taskzoo.config import parse_assignments, parse_columns
    from taskzoo.hub.load import load
    from taskzoo.runs.directory import new_run_path
    from taskzoo.runs.saved_files import check_files
    from taskzoo.runs.scored_rows import write_scored_rows
    from taskzoo.runs.verdict import judging_score, verdict

    from .output import print_json, remark
    from .process import set_up_process
    from .results import print_scores

    folder_to_make = None if output is None else new_run_path(output, "eval", run)
    set_up_process(run)
    loaded = load(run, precision=precision, trust_remote_code=trust_remote_code, options=parse_assignments(set_ or []))
    folder = loaded.path / "model"
    check_files(folder if folder.is_dir() else loaded.path, fully=True)
    loaded.say = remark
    evaluation = loaded.evaluate(
        data, columns=parse_columns(columns or ""), format=format, skip_bad_rows=bool(skip_bad_rows)
    )
    scores = evaluation.to_dict()
    if folder_to_make is not None:
        write_scored_rows(folder_to_make, evaluation, folder if folder.is_dir() else loaded.path)
    if as_json:
        print_json(scores)
    else:
        metrics = {"data": scores}
        print_scores(metrics, verdict(metrics, judging_score(loaded.task)))
