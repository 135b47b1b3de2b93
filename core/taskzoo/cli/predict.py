"""``zoo predict``: use a finished run."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from .options import PRECISION_HELP, Later


def predict(
    run: Annotated[str, typer.Argument(help="The run directory.")],
    texts: Annotated[list[str] | None, typer.Argument(help="Texts (default: one per line of stdin).")] = None,
    input: Annotated[str | None, typer.Option(help="A file in any format of the task; labels are not needed.")] = None,
    output: Annotated[str | None, typer.Option(help="Write JSON lines here (default: stdout).")] = None,
    columns: Annotated[str | None, typer.Option(help="role=column pairs for --input, e.g. tokens=0.")] = None,
    format: Annotated[str | None, typer.Option(help="Format of --input, where content does not tell.")] = None,
    min_confidence: Annotated[
        float | None, typer.Option(help="Give no label where the best one is less probable than this.")
    ] = None,
    set_: Later = None,
    precision: Annotated[str, typer.Option(help=PRECISION_HELP)] = "auto",
) -> None:
    """Predict for texts, stdin or a file; one JSON object a line."""
    from pathlib import Path

    from taskzoo.config import parse_assignments, parse_columns
    from taskzoo.data.readers import names_parallel
    from taskzoo.errors import DataError, RequestError
    from taskzoo.runs.directory import write_jsonl
    from taskzoo.runs.load import load

    options = parse_assignments(set_ or [])
    if input and texts:
        raise RequestError("Give texts or --input, not both.")
    if not input and not texts:
        if sys.stdin.isatty():
            print("Reading texts from stdin, one per line; end with Ctrl-D.", file=sys.stderr)
        texts = [line.rstrip("\r\n") for line in sys.stdin]
    if input and not Path(input).is_file() and not names_parallel(input):
        raise DataError("there is no such file.", file=input)
    if output and not Path(output).resolve().parent.is_dir():
        raise RequestError(f"The folder of --output {output!r} does not exist.")
    loaded = load(run, precision=precision, options=options)
    if input:
        predictions = loaded.predict_file(
            input, columns=parse_columns(columns or ""), format=format, min_confidence=min_confidence
        )
    else:
        predictions = loaded.predict(texts or [], min_confidence=min_confidence)
    if output:
        write_jsonl(Path(output), predictions)
        print(f"{len(predictions)} predictions written to {output}", file=sys.stderr)
        return
    for prediction in predictions:
        print(json.dumps(prediction, ensure_ascii=False))
