"""``zoo report``: what a run has learnt, as a page."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Run


def report(
    run: Run,
    by: Annotated[
        str | None, typer.Option(help="Columns of the test file to split the scores by, separated by commas.")
    ] = None,
    data: Annotated[
        list[str] | None, typer.Option(help="The test file, for --by (default: as the run's configuration names it).")
    ] = None,
    output: Annotated[str | None, typer.Option(help="The file to write (default: RUN/report.html).")] = None,
) -> None:
    """Write a page about a finished run: scores, curves, errors, settings. It holds texts of the test rows."""
    from taskzoo.report.page import ReportRequest, write_report

    columns = [name.strip() for name in (by or "").split(",") if name.strip()]
    print(write_report(run, ReportRequest(columns, data, output)))
