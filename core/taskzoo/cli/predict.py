"""``zoo predict``: use a finished run."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from .options import PRECISION_HELP, InferenceOptions, Run, TrustRemoteCode


def predict(
    run: Run,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts (default: one per line of stdin).")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Inputs are JSON objects with a key per column, not plain texts.")
    ] = False,
    input: Annotated[
        list[str] | None,
        typer.Option(help="A file in any format of the task (labels are not needed); several files, or a pattern."),
    ] = None,
    output: Annotated[
        str | None, typer.Option(help="Write JSON lines here, or CoNLL to FILE.conll (default: stdout).")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="role=column pairs for --input, e.g. tokens=0.")] = None,
    format: Annotated[str | None, typer.Option(help="Format of --input (default: detected from the content).")] = None,
    min_confidence: Annotated[
        float | None, typer.Option(help="Give no label where the best one is less probable than this.")
    ] = None,
    set_: InferenceOptions = None,
    precision: Annotated[str, typer.Option(help=PRECISION_HELP)] = "auto",
    trust_remote_code: TrustRemoteCode = False,
) -> None:
    """Predict for texts, stdin or a file; one JSON object per line."""
    from pathlib import Path

    from taskzoo.config import parse_assignments, parse_columns
    from taskzoo.data.readers import names_parallel
    from taskzoo.errors import DataError, RequestError
    from taskzoo.runs.data import each_file
    from taskzoo.runs.directory import check_output
    from taskzoo.runs.load import check_confidence, load
    from taskzoo.runs.prediction_files import check_prediction_file, write_predictions

    from .output import print_json_line, remark
    from .process import set_up_process
    from .stdin import read_lines

    check_confidence(min_confidence)
    options = parse_assignments(set_ or [])
    if input and (texts or as_json):
        raise RequestError(f"Give {'texts' if texts else '--json'} or --input, not both.")
    if not input and not texts:
        if sys.stdin.isatty():
            what = "JSON objects" if as_json else "texts"
            print(f"Reading {what} from stdin, one per line; end with Ctrl-D.", file=sys.stderr)
        texts = read_lines(sys.stdin)
    inputs = _objects(texts or []) if as_json else texts or []
    for file in each_file(input or []):
        if not file.is_file() and not names_parallel(file):
            raise DataError("there is no such file.", file=str(file))
    if output:
        check_output(Path(output))
    set_up_process()
    loaded = load(run, precision=precision, trust_remote_code=trust_remote_code, options=options)
    loaded.say = remark
    if output:
        check_prediction_file(Path(output), loaded.spec)
    if input:
        predictions = loaded.predict_file(
            input, columns=parse_columns(columns or ""), format=format, min_confidence=min_confidence
        )
    else:
        predictions = loaded.predict(inputs, min_confidence=min_confidence)
    if output:
        write_predictions(Path(output), predictions)
        print(f"{len(predictions)} predictions written to {output}", file=sys.stderr)
        return
    for prediction in predictions:
        print_json_line(prediction)


def _objects(texts: Sequence[str]) -> list[Any]:
    """Each text as a mapping; a blank one stays, so that it has its answer.

    Raises:
        DataError: one is not a JSON object.
    """
    from taskzoo.errors import DataError

    found: list[Any] = []
    for number, text in enumerate(texts, 1):
        if not text.strip():
            found.append("")
            continue
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise DataError('this is not a JSON object such as {"text": "..."}.', file="input", line=number)
        found.append(value)
    return found
