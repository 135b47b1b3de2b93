"""``zoo export``: a finished run for another runtime."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import AnyRun, TrustRemoteCode


def export(
    run: AnyRun,
    to: Annotated[
        str | None,
        typer.Option(help="onnx (labels, numbers, tags) or ctranslate2 (generated text); default: what suits the run."),
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="Weights in 8 bits: smaller and often faster; refused if it costs too much.")
    ] = False,
    tolerance: Annotated[
        float, typer.Option(help="How much worse the export may score, as a share of the score's range.")
    ] = 0.01,
    output: Annotated[str | None, typer.Option(help="Directory (default: RUN/FORMAT or RUN/FORMAT-int8).")] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="Labelled files to measure on (default: the run's test rows, else its validation rows)."),
    ] = None,
    columns: Annotated[str | None, typer.Option(help="role=column pairs for --data, e.g. text=0,label=2.")] = None,
    rows: Annotated[int, typer.Option(help="Rows to measure on at most, drawn at random; 0: all.")] = 1000,
    trust_remote_code: TrustRemoteCode = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was measured as JSON.")] = False,
) -> None:
    """Export a finished run to ONNX or CTranslate2, check it against the run, and say what it costs and gains."""
    from taskzoo.errors import RequestError
    from taskzoo.export.export import ExportRequest, export_run
    from taskzoo.hub.download import local_run
    from taskzoo.hub.names import HubName

    from .output import print_json, print_table, remark
    from .process import set_up_process

    if not output and HubName.of_run(run) is not None:
        raise RequestError(f"{run!r} lies in the hub's cache, where an export has no place; name one by --output.")
    if columns is not None and not data:
        raise RequestError("--columns names columns of the file of --data; give that, or leave --columns out.")
    set_up_process()
    path = str(local_run(run))
    request = ExportRequest(path, output, int8, tolerance, data, columns or "", rows, trust_remote_code, to or "")
    made = export_run(request, remark)
    if as_json:
        print_json({"export": str(made.path), **made.measured})
        return
    print_table(made.table[0], made.table[1:])
    print(f'\nExport    {made.path}\nPredict   zoo predict {made.path} "some text"')
