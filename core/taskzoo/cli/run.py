"""``zoo run``: fine-tune a model."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

from .options import PRECISION_HELP, Columns, Data, Format, GroupBy, Holdout, Shots, Test, Train, Validation


def run(
    task: Annotated[str | None, typer.Argument(help="A task; `zoo tasks` lists them.", show_default=False)] = None,
    model: Annotated[
        str | None, typer.Option(help="Registry name, hub id or local directory (default: the task's own).")
    ] = None,
    data: Data = None,
    train: Train = None,
    validation: Validation = None,
    test: Test = None,
    columns: Columns = None,
    format: Format = None,
    group_by: GroupBy = None,
    holdout: Holdout = None,
    shots: Shots = None,
    unlabelled: Annotated[
        str | None,
        typer.Option(help="A file of texts without labels that help few labels, or rest: what --shots leaves out."),
    ] = None,
    epochs: Annotated[float | None, typer.Option(help="Passes over the training rows.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples per optimizer step, over all processes.")] = None,
    batch_tokens: Annotated[
        int | None, typer.Option(help="Padded tokens per optimizer step, instead of a number of examples.")
    ] = None,
    precision: Annotated[str | None, typer.Option(help=PRECISION_HELP)] = None,
    method: Annotated[str | None, typer.Option(help="full, lora, linear-probe or contrastive.")] = None,
    lora: Annotated[bool | None, typer.Option(help="The same as --method lora.")] = None,
    baseline: Annotated[
        bool | None, typer.Option(help="Score a plain baseline beside it, such as TF-IDF, to see what the model adds.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes (devices) to train on.")] = 1,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any other setting as name=value; `zoo info TASK` lists them.")
    ] = None,
    config: Annotated[str | None, typer.Option(help="A config.yaml to start from, e.g. that of another run.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.")] = None,
    output: Annotated[str | None, typer.Option(help="Run directory (default: runs/TASK-MODEL-TIME).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False,
) -> None:
    """Fine-tune a model for TASK and leave a run directory. Without data, the built-in demo set is used."""
    from taskzoo.config import parse_assignments

    settings: dict[str, Any] = parse_assignments(set_ or [])
    direct = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "batch_tokens": batch_tokens,
        "precision": precision,
        "seed": seed,
        "method": method,
        "lora": lora,
        "baseline": baseline,
    }
    settings.update({name: value for name, value in direct.items() if value is not None})

    from taskzoo.runs.directory import new_run_path
    from taskzoo.runs.plan import make_config, make_plan

    run_config, recipe, sources = make_config(
        task, model=model, data=data, train=train, validation=validation, test=test, columns=columns,
        format=format, group_by=group_by, holdout=holdout, shots=shots, unlabelled=unlabelled, config=config,
        settings=settings,
    )  # fmt: skip
    rank = int(os.environ.get("RANK", 0))
    path = new_run_path(output, run_config.task, run_config.model, ours=rank > 0)
    plan = make_plan(run_config, recipe=recipe, recipe_sources=sources)
    if processes > 1 and "WORLD_SIZE" not in os.environ:
        from .processes import relaunch

        relaunch(processes, sys.argv[1:], output=str(path))

    from taskzoo.engine.progress import Silent, Terminal
    from taskzoo.runs.finetune import start

    from .results import explain_interrupt, show_result

    with explain_interrupt(path):
        finished = start(plan, path, reporter=Silent() if quiet or rank else Terminal())
    if not rank:
        show_result(finished, as_json=as_json)
