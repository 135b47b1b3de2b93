"""``zoo resume``: go on with an interrupted run."""

from __future__ import annotations

from typing import Annotated

import typer


def resume(
    run: Annotated[str, typer.Argument(help="The run directory.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False,
) -> None:
    """Go on with an interrupted run; it ends as if it had never stopped."""
    from taskzoo.engine.progress import Silent, Terminal
    from taskzoo.runs.finetune import resume as resume_run

    from .results import explain_interrupt, show_result

    with explain_interrupt(run):
        finished = resume_run(run, reporter=Silent() if quiet else Terminal())
    show_result(finished, as_json=as_json)
