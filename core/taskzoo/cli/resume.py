"""``zoo resume``: continue an interrupted run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import Engine, MinProcesses, Quiet, Run, TrustRemoteCode


def resume(
    run: Run,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
    trust_remote_code: TrustRemoteCode = False,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes, one per device (default: as many as the run began with).")
    ] = None,
    engine: Engine = "local",
    min_processes: MinProcesses = None,
    force: Annotated[
        bool, typer.Option("--force", help="Go on although model, data or settings have changed.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Resume an interrupted run; the result is identical to an uninterrupted one."""
    from taskzoo.engine.launched import from_outside, rank
    from taskzoo.runs.directory import RunDirectory

    from .on_ray import asked_group, resume_on_ray

    manifest = RunDirectory(Path(run)).read_begun()
    outside = from_outside(processes)
    processes = processes or manifest.get("processes", 1)
    group = asked_group(engine, processes, min_processes)
    over = manifest["status"] == "finished"  # which is said in this process
    if processes > 1 and not outside and group is None and not over:
        from .processes import relaunch

        relaunch(processes, sys.argv[1:], run)
    from taskzoo.engine.progress import Silent, Terminal
    from taskzoo.runs.finetune import resume as resume_run
    from taskzoo.runs.identity import find_task

    from .process import set_up_process, stop_on_signal
    from .results import explain_interrupt, show_result

    reporter = Silent() if quiet or rank() else Terminal()
    if group is not None and not over:
        resume_on_ray(group, Path(run), trust_remote_code=trust_remote_code, force=force, reporter=reporter)
    else:
        set_up_process()
        with explain_interrupt(run), stop_on_signal() as stop:
            resume_run(run, trust_remote_code=trust_remote_code, force=force, reporter=reporter, stop=stop)
    if not rank():
        show_result(Path(run), find_task(manifest["task"]["name"], manifest["task"]).spec, as_json=as_json)
