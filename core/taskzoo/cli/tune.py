"""``zoo tune``: search settings by validation score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .completions import callback_names, method_names, setting_names
from .options import (
    Columns,
    Data,
    Format,
    GroupBy,
    Holdout,
    Model,
    Quiet,
    Settings,
    Shots,
    SkipBadRows,
    Task,
    Test,
    Train,
    TrustRemoteCode,
    Validation,
)

if TYPE_CHECKING:
    from taskzoo.tuning.result import Tuned


def tune(
    task: Task,
    model: Model = None,
    data: Data = None,
    train: Train = None,
    validation: Validation = None,
    test: Test = None,
    columns: Columns = None,
    skip_bad_rows: SkipBadRows = None,
    format: Format = None,
    group_by: GroupBy = None,
    holdout: Holdout = None,
    shots: Shots = None,
    method: Annotated[
        str | None,
        typer.Option(help="Training method, as for zoo run (default: auto).", autocompletion=method_names),
    ] = None,
    space: Annotated[
        list[str] | None,
        typer.Option(
            help="What is searched: name=LOW:HIGH, name=LOW:HIGH:log or name=A,B,C, of any setting or option of the "
            "task (repeatable; default: what suits the method).",
            autocompletion=setting_names,
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="How many trials (default: 20, or as many as --time allows).")
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="Time that all may take, the runs with other seeds included, e.g. 30m or 2h.")
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=2, help="With how many other seeds the best and the default settings are run again.")
    ] = 3,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that make trials.")] = 1,
    storage: Annotated[
        str | None,
        typer.Option(help="Database of the trials, e.g. postgresql://USER@HOST/NAME (default: a SQLite file)."),
    ] = None,
    set_: Settings = None,
    trust_remote_code: TrustRemoteCode = False,
    config: Annotated[str | None, typer.Option(help="A config.yaml to start from, e.g. that of a run.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the trials and of what they try.")] = None,
    output: Annotated[
        str | None,
        typer.Option(help="Directory (default: runs/TASK-tune-MODEL-TIME); that of a search is joined or continued."),
    ] = None,
    track: Annotated[
        str | None,
        typer.Option(help="Trackers of the runs with other seeds, separated by commas.", autocompletion=callback_names),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Search settings by validation score, and run the best again with other seeds, next to the default settings."""
    from taskzoo.config import parse_assignments, parse_columns, parse_minutes
    from taskzoo.tuning.space import parse_words

    settings: dict[str, object] = dict(parse_assignments(set_ or []))
    settings |= {name: value for name, value in (("method", method), ("seed", seed)) if value is not None}
    searched = parse_words(space or [])
    minutes = None if time is None else parse_minutes(time)

    from taskzoo.runs.request import DataRequest, RunRequest
    from taskzoo.tuning.trial import Watching
    from taskzoo.tuning.tune import TuneRequest, tuned

    rows = DataRequest(
        data,
        train,
        validation,
        test,
        columns=parse_columns(columns or "") or None,
        format=format,
        group_by=group_by,
        shots=shots,
        holdout=holdout,
        skip_bad_rows=skip_bad_rows,
    )
    callbacks = [name.strip() for name in track.split(",") if name.strip()] if track is not None else None
    run = RunRequest(task, model, rows, settings, config, callbacks, trust_remote_code)
    request = TuneRequest(run, searched, trials, minutes, seeds, jobs, storage)
    request.check()

    from taskzoo.engine.progress import Silent, Terminal

    from .output import print_json
    from .process import set_up_process, stop_on_signal

    set_up_process()
    with stop_on_signal() as stop:
        found = tuned(request, Watching(Silent() if quiet else Terminal(), stop), output)
    if as_json:
        print_json({"directory": str(found.path), **found.to_dict()})
    else:
        _print(found)


def _print(found: Tuned) -> None:
    """The best trials, sentences, and where all of it is."""
    from taskzoo.escapes import visible
    from taskzoo.tuning.wording import best_rows

    from .output import print_facts, print_table

    print()
    print_table(["trial", f"validation {found.score.name}", "seconds", "settings"], best_rows(found))
    print()
    for sentence in found.sentences:
        print(visible(sentence))
    print()
    print_facts(
        ("Recipe", f"zoo run --config {found.recipe}"),
        ("Trials", f"{found.path}/trials.csv"),
        ("Compare", f"zoo compare {found.path}/best {found.path}/default" if len(found.reruns) > 1 else None),
    )
