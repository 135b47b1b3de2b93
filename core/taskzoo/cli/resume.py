"""``zoo resume``: continue an interrupted run."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Quiet, Run, TrustRemoteCode


def resume(
    run: Run,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
    trust_remote_code: TrustRemoteCode = False,
    quiet: Quiet = False,
) -> None:
    """Resume an interrupted run; the result is identical to an uninterrupted one."""
    from taskzoo.engine.progress import Silent, Terminal
    from taskzoo.runs.finetune import resume as resume_run

    from .process import set_up_process, stop_on_signal
    from .results import explain_interrupt, show_result

    set_up_process()
    with explain_interrupt(run), stop_on_signal() as stop:
        finished = resume_run(
            run, trust_remote_code=trust_remote_code, reporter=Silent() if quiet else Terminal(), stop=stop
        )
    show_result(finished, as_json=as_json)
