"""``zoo resume``: continue an interrupted run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import Quiet, Run, TrustRemoteCode


def resume(
    run: Run,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
    trust_remote_code: TrustRemoteCode = False,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes, one per device (default: as many as the run began with).")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Go on although model, data or settings have changed.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Resume an interrupted run; the result is identical to an uninterrupted one."""
    from taskzoo.engine.launched import from_outside, rank
    from taskzoo.runs.directory import RunDirectory

    manifest = RunDirectory(Path(run)).read_manifest()
    outside = from_outside(processes)
    processes = processes or manifest.get("processes", 1)
    if processes > 1 and not outside and manifest["status"] != "finished":
        from .processes import relaunch

        relaunch(processes, sys.argv[1:], run)
    from taskzoo.engine.progress import Silent, Terminal
    from taskzoo.runs.finetune import resume as resume_run

    from .process import set_up_process, stop_on_signal
    from .results import explain_interrupt, show_result

    set_up_process()
    with explain_interrupt(run), stop_on_signal() as stop:
        reporter = Silent() if quiet or rank() else Terminal()
        finished = resume_run(run, trust_remote_code=trust_remote_code, force=force, reporter=reporter, stop=stop)
    if not rank():
        show_result(finished, as_json=as_json)
