"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

from .completions import dataset_names, format_names, model_names, run_paths, setting_names, task_names

PRECISION_HELP = "auto, fp32, bf16 or fp16."

Run = Annotated[str, typer.Argument(help="The run directory.", autocompletion=run_paths)]
AnyRun = Annotated[
    str, typer.Argument(help="The run directory, or USER/NAME of a run on the hub.", autocompletion=run_paths)
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
Engine = Annotated[str, typer.Option(help="Where the processes run: local, ray, or a Ray cluster (ray://HOST:10001).")]
MinProcesses = Annotated[
    int | None,
    typer.Option(min=1, help="With --engine ray: go on in as few where the cluster shrinks (default: wait for room)."),
]
Task = Annotated[
    str,
    typer.Argument(help="A task (`zoo tasks` lists them), or path/to/task.py:Class.", autocompletion=task_names),
]
OptionalTask = Annotated[
    str | None,
    typer.Argument(
        help="A task (`zoo tasks` lists them), or path/to/task.py:Class.",
        show_default=False,
        autocompletion=task_names,
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="Registry name, hub id or local directory (default: the task's own).", autocompletion=model_names
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        help="A data set by name, a directory with split files, demo/VARIANT, or hub:ID.", autocompletion=dataset_names
    ),
]
Train = Annotated[
    list[str] | None,
    typer.Option(
        help="Training file, one of two parallel files, or a folder of classes. Several files, or a pattern such as "
        "'part-*.csv', are one split."
    ),
]
Validation = Annotated[
    list[str] | None, typer.Option(help="Validation file or files, or none (default: 10% of the training rows).")
]
Test = Annotated[
    list[str] | None, typer.Option(help="Test file or files, or none (default: 10% of the training rows).")
]
Columns = Annotated[str | None, typer.Option(help="role=column pairs by name or position, e.g. text=0,label=2.")]
TestColumns = Annotated[str | None, typer.Option(help="The same for test files whose columns differ.")]
SkipBadRows = Annotated[
    bool | None, typer.Option("--skip-bad-rows", help="Leave out rows that cannot be used, and list them.")
]
Format = Annotated[
    str | None,
    typer.Option(help="Format of the files (default: detected from the content).", autocompletion=format_names),
]
GroupBy = Annotated[
    str | None,
    typer.Option(help="Column whose rows stay together when splits are made; COLUMN:SEPARATOR takes the part before."),
]
Holdout = Annotated[
    str | None,
    typer.Option(help="Rows or share split off as validation and test, e.g. 1000, 0.05 or 500,1000 (default: 10%)."),
]
Shots = Annotated[int | None, typer.Option(help="Keep this many training rows per class.")]
TrustRemoteCode = Annotated[
    bool,
    typer.Option("--trust-remote-code", help="Run Python code that comes with the checkpoint; read that code first."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Any other setting as name=value; `zoo info TASK` lists them.", autocompletion=setting_names
    ),
]
InferenceOptions = Annotated[
    list[str] | None, typer.Option("--set", help="A task option that can be changed after training, e.g. num_beams=4.")
]
