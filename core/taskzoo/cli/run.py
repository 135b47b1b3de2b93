"""``zoo run``: fine-tune a model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .completions import callback_names, method_names, run_paths
from .options import (
    PRECISION_HELP,
    Columns,
    Data,
    Engine,
    Format,
    GroupBy,
    Holdout,
    MinProcesses,
    Model,
    OptionalTask,
    Quiet,
    Settings,
    Shots,
    SkipBadRows,
    Test,
    TestColumns,
    Train,
    TrustRemoteCode,
    Validation,
)

if TYPE_CHECKING:
    from taskzoo.runs.load import Run


def run(
    task: OptionalTask = None,
    model: Model = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Train on from this finished run (or USER/NAME on the hub), with new rows and labels.",
            autocompletion=run_paths,
        ),
    ] = None,
    mix_old: Annotated[
        float | None,
        typer.Option(help="With --from: mix in this share (below 1) or number of the earlier run's training rows."),
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
    unlabelled: Annotated[
        str | None,
        typer.Option(
            help="Unlabelled texts for semi-supervised training: a file, or rest for the rows left out by --shots."
        ),
    ] = None,
    epochs: Annotated[float | None, typer.Option(help="Passes over the training rows.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples per optimizer step, over all processes.")] = None,
    batch_tokens: Annotated[
        int | None, typer.Option(help="Padded tokens per optimizer step, instead of a number of examples.")
    ] = None,
    precision: Annotated[str | None, typer.Option(help=PRECISION_HELP)] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="auto (default), full, lora, linear-probe, contrastive, none, or a plugin's.",
            autocompletion=method_names,
        ),
    ] = None,
    lora: Annotated[bool, typer.Option("--lora", help="Short for --method lora.")] = False,
    baseline: Annotated[
        bool | None,
        typer.Option(help="Also score a simple baseline, such as TF-IDF (default: where there is one, in seconds)."),
    ] = None,
    time: Annotated[
        str | None, typer.Option(help="Time that the whole run may take, e.g. 10m or 1.5h: fewer steps, if need be.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes (devices) to train on.")] = 1,
    fsdp: Annotated[
        bool, typer.Option("--fsdp", help="Divide weights, gradients and optimizer state over the processes.")
    ] = False,
    engine: Engine = "local",
    min_processes: MinProcesses = None,
    set_: Settings = None,
    trust_remote_code: TrustRemoteCode = False,
    config: Annotated[str | None, typer.Option(help="A config.yaml to start from, e.g. that of another run.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.")] = None,
    seeds: Annotated[
        int | None, typer.Option(min=2, help="Make this many runs with other seeds on the same rows; mean and spread.")
    ] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Cross-validation: test each of this many parts of the training rows.")
    ] = None,
    output: Annotated[str | None, typer.Option(help="Run directory (default: runs/TASK-MODEL-TIME).")] = None,
    track: Annotated[
        str | None,
        typer.Option(help="Trackers and callbacks by name: tensorboard,wandb,...", autocompletion=callback_names),
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="Also write RUN/report.html, as zoo report does.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Fine-tune a model for TASK and leave a run directory. Without data, the built-in demo set is used."""
    from taskzoo.config import parse_assignments, parse_columns, parse_minutes
    from taskzoo.errors import RequestError

    settings: dict[str, Any] = parse_assignments(set_ or [])
    if lora and (method or settings.get("method", "lora")) != "lora":
        raise RequestError("--lora is short for --method lora; leave it out to use another method.")
    direct = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "batch_tokens": batch_tokens,
        "precision": precision,
        "seed": seed,
        "time_limit": None if time is None else parse_minutes(time),
        "method": "lora" if lora else method,
        "baseline": baseline,
        "mix_old": mix_old,
        "fsdp": fsdp or None,
    }
    settings.update({name: value for name, value in direct.items() if value is not None})

    from taskzoo.runs.directory import new_run
    from taskzoo.runs.plan import make_plan
    from taskzoo.runs.request import DataRequest, RunRequest, resolve_request

    from .repeats import asked_repeats, run_and_show

    named, tested = parse_columns(columns or ""), parse_columns(test_columns or "")
    rows = DataRequest(
        data, train, validation, test, unlabelled, named, format, group_by, shots, holdout, tested, skip_bad_rows
    )
    callbacks = [name.strip() for name in track.split(",") if name.strip()] if track is not None else None
    if from_ is not None:
        from taskzoo.hub.download import local_run

        from_ = str(local_run(from_))
    request = RunRequest(task, model, rows, settings, config, callbacks, trust_remote_code, from_run=from_)
    resolved = resolve_request(request)
    single = {
        "--processes": processes > 1,
        "--engine": engine != "local",
        "--min-processes": min_processes is not None,
        "--report": report,
    }
    if (repeats := asked_repeats(seeds, folds, single)) is not None:
        run_and_show(resolved, repeats, output, as_json=as_json, quiet=quiet)
        return
    from taskzoo.engine.launched import from_outside, rank
    from taskzoo.engine.progress import Silent, Terminal

    from .on_ray import asked_group, train_on_ray
    from .process import set_up_process, stop_on_signal
    from .results import explain_interrupt, show_result

    group = asked_group(engine, processes, min_processes)
    outside = from_outside(processes if processes > 1 else None)
    reporter = Silent() if quiet or rank() else Terminal()
    with new_run(output, resolved.title, resolved.config.model, ours=rank() > 0) as path:
        finished: Path | Run = path
        if group is not None:
            train_on_ray(group, path, (request, resolved), reporter)
        elif processes > 1 and not outside:
            from .processes import relaunch

            make_plan(resolved, reporter=reporter, counted=False)
            relaunch(processes, sys.argv[1:], str(path), output=str(path))
        else:
            from taskzoo.runs.execute import start

            plan = make_plan(resolved, reporter=reporter)
            set_up_process()
            with explain_interrupt(path), stop_on_signal() as stop:
                finished = start(plan, path, reporter=reporter, stop=stop)
    if not rank():
        show_result(path, resolved.entry.spec, as_json=as_json)
        if report:
            from taskzoo.report.page import write_report

            page = write_report(finished)
            print(f"Report    {page}", file=sys.stderr if as_json else sys.stdout)
