"""``zoo export``: a finished run for another runtime."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Run, TrustRemoteCode

TARGETS = ("onnx",)


def export(
    run: Run,
    to: Annotated[str, typer.Option(help="The format: onnx.")] = "onnx",
    int8: Annotated[
        bool, typer.Option("--int8", help="Weights in 8 bits: smaller and often faster; refused if it costs too much.")
    ] = False,
    tolerance: Annotated[
        float, typer.Option(help="How much worse int8 may score, as a share of the score's range.")
    ] = 0.01,
    output: Annotated[str | None, typer.Option(help="Directory (default: RUN/onnx or RUN/onnx-int8).")] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="Labelled files to measure on (default: the run's test rows, else its validation rows)."),
    ] = None,
    columns: Annotated[str | None, typer.Option(help="role=column pairs for --data, e.g. text=0,label=2.")] = None,
    rows: Annotated[int, typer.Option(help="Rows to measure on at most, drawn at random; 0: all.")] = 1000,
    trust_remote_code: TrustRemoteCode = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was measured as JSON.")] = False,
) -> None:
    """Export a finished run to ONNX, check it against the run, and say what it costs and gains."""
    from taskzoo.errors import UnknownNameError
    from taskzoo.export.export import ExportRequest, export_run

    from .output import print_json, print_table, remark
    from .process import set_up_process

    if to not in TARGETS:
        raise UnknownNameError("format to export to", to, TARGETS, f"There is {', '.join(TARGETS)}.")
    set_up_process()
    request = ExportRequest(run, output, int8, tolerance, data, columns or "", rows, trust_remote_code)
    made = export_run(request, remark)
    if as_json:
        print_json({"export": str(made.path), **made.measured})
        return
    print_table(made.table[0], made.table[1:])
    print(f'\nExport    {made.path}\nPredict   zoo predict {made.path} "some text"')
