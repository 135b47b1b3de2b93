"""``zoo predict``: use a finished run."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import PRECISION_HELP, AnyRun, InferenceOptions, Quiet, TrustRemoteCode

if TYPE_CHECKING:
    from taskzoo.bulk.job import Output, Summary
    from taskzoo.bulk.loading import Loading
    from taskzoo.bulk.predicting import Model, Policy
    from taskzoo.bulk.shards import ShardJob
    from taskzoo.data.streams.source import Source

    from .target import Target


def predict(
    run: AnyRun,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts (default: one per line of stdin).")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Inputs are JSON objects with a key per column, not plain texts.")
    ] = False,
    input: Annotated[
        list[str] | None,
        typer.Option(help="A file in any format of the task (labels are not needed); several files, or a pattern."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            help="A file: .csv, .tsv, .parquet, .conll or else JSON lines, also .gz; or FOLDER/, for shards that can "
            "be resumed (default: JSON lines to stdout)."
        ),
    ] = None,
    output_format: Annotated[
        str | None,
        typer.Option(
            help="jsonl, csv, tsv, parquet, text or conll, or e.g. csv.gz (default: by the name of --output)."
        ),
    ] = None,
    columns: Annotated[str | None, typer.Option(help="role=column pairs for --input, e.g. tokens=0.")] = None,
    format: Annotated[str | None, typer.Option(help="Format of --input (default: detected from the content).")] = None,
    keep_columns: Annotated[
        bool | None,
        typer.Option(help="Write the input's columns, too (default: in tables, .gz files and folders)."),
    ] = None,
    strict: Annotated[
        bool | None,
        typer.Option(
            help="Stop at a row that cannot be used, or list such rows in a file (default: as --keep-columns)."
        ),
    ] = None,
    min_confidence: Annotated[
        float | None, typer.Option(help="Give no label, and no entity, that is less probable than this.")
    ] = None,
    coverage: Annotated[
        float | None, typer.Option(help="Add a set of labels that holds the right one this often, e.g. 0.9.")
    ] = None,
    shard: Annotated[
        str | None, typer.Option(help="Part of the shards to do here: 3/16 is the third of sixteen parts.")
    ] = None,
    shard_rows: Annotated[int | None, typer.Option(help="Rows of a shard (default: 10,000).")] = None,
    engine: Annotated[
        str, typer.Option(help="Where shards are done: local, ray, or a Ray cluster (ray://HOST:10001).")
    ] = "local",
    workers: Annotated[
        int | None, typer.Option(help="Processes with --engine ray (default: one per CPU or GPU).")
    ] = None,
    set_: InferenceOptions = None,
    precision: Annotated[str, typer.Option(help=PRECISION_HELP)] = "auto",
    trust_remote_code: TrustRemoteCode = False,
    quiet: Quiet = False,
) -> None:
    """Predict for texts, stdin or files of any size; one JSON object per line."""
    from taskzoo.bulk.given_source import GivenSource
    from taskzoo.bulk.job import Inputs, open_input
    from taskzoo.bulk.loading import Loading
    from taskzoo.bulk.predicting import Policy
    from taskzoo.bulk.shards import ShardJob
    from taskzoo.config import parse_assignments, parse_columns
    from taskzoo.data.readers import names_parallel
    from taskzoo.errors import DataError, RequestError
    from taskzoo.runs.data import each_file, input_files
    from taskzoo.runs.load import check_confidence, check_coverage

    from .process import set_up_process
    from .stdin import read_items
    from .target import Wishes, check_apart, find_target

    check_confidence(min_confidence)
    check_coverage(coverage)
    options = parse_assignments(set_ or [])
    if input and (texts or as_json):
        raise RequestError(f"Give {'texts' if texts else '--json'} or --input, not both.")
    of_files = {"--columns": columns, "--format": format}
    if not input and (unused := [name for name, value in of_files.items() if value is not None]):
        raise RequestError(f"{unused[0]} is for the file of --input; give that, or leave {unused[0]} out.")
    files = each_file(input or [])
    for file in files:
        if file.exists() and not file.is_file() and not file.is_dir():
            what = "this is a pipe or a device, and a file is read from its beginning more than once"
            raise DataError(f"{what}; save it as a file, or leave out --input for lines of texts.", file=str(file))
        if not file.is_file() and not names_parallel(file):
            raise DataError("there is no such file.", file=str(file))
    wishes = Wishes(output, output_format, keep_columns, strict, shard, shard_rows, engine, workers)
    target = find_target(wishes, from_files=bool(input))
    if target.output:
        check_apart(target.output, files, run)
    inputs = Inputs(tuple(input or ()), parse_columns(columns or ""), format)
    policy = Policy(min_confidence, coverage, target.strict)
    loading = Loading(run, precision, options, trust_remote_code)
    set_up_process(run)
    if target.output and target.folder:
        _to_folder(loading, ShardJob(inputs, target.output, policy, precision), target, quiet=quiet)
        return
    if not input and not texts and sys.stdin.isatty():
        what = "JSON objects" if as_json else "texts"
        print(f"Reading {what} from stdin, one per line; end with Ctrl-D.", file=sys.stderr)
    with loading.load() as model:
        given: Iterable[Any] = texts or read_items(sys.stdin)
        source: Source
        if input:
            source = open_input(model, inputs, tolerant=not policy.strict)
        else:
            source = GivenSource(model.spec, model.task, _objects(given) if as_json else given)
        if target.output:
            check_apart(target.output, input_files(model.spec, model.task, input or []), run)  # of pairs, both
            typed = not input and not texts and sys.stdin.isatty()
            _to_file(model, source, target.output, policy, quiet=quiet or typed)
        else:
            _to_stdout(model, source, policy)


def _to_stdout(model: Model, source: Source, policy: Policy) -> None:
    from taskzoo.bulk.job import predictions

    from .output import print_json_line

    for chunk in predictions(model, source, policy):
        for prediction in chunk:
            print_json_line(prediction)
        sys.stdout.flush()  # who waits for the answers gets them chunk by chunk


def _to_file(model: Model, source: Source, output: Output, policy: Policy, *, quiet: bool) -> None:
    from taskzoo.bulk.job import bad_path, predict_to_file
    from taskzoo.bulk.meter import Meter
    from taskzoo.runs.prediction_files import check_prediction_file

    check_prediction_file(output.path, model.spec)
    output.format.check_task(model.spec)
    with Meter(shown=not quiet) as meter:
        done = predict_to_file(model, source, output, policy, meter)
    _report(f"{done.rows} predictions written to {output.path}", done, str(bad_path(output.path)))


def _to_folder(loading: Loading, job: ShardJob, target: Target, *, quiet: bool) -> None:
    from taskzoo.bulk.meter import Meter
    from taskzoo.bulk.ray_engine import Cluster, predict_with_ray
    from taskzoo.bulk.shards import predict_to_folder

    from .output import remark

    if target.address is not None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to others
        say = remark if not quiet else lambda message: None
        done = predict_with_ray(loading, job, Cluster(target.address, target.workers), say)
    else:
        with loading.load() as model, Meter(shown=not quiet) as meter:
            done = predict_to_folder(model, job, target.part, meter)
    shards = f"{done.shards} shards" + (f", {done.there_before} of which were there" if done.there_before else "")
    message = f"{done.rows} predictions written to {shards} in {job.output.path}"
    _report(message, done, str(job.output.path / "bad-*.jsonl"))


def _report(message: str, done: Summary, bad: str) -> None:
    from .output import remark

    remark(message)
    if done.bad:
        remark(f"{done.bad} rows could not be used; see {bad}")


def _objects(texts: Iterable[Any]) -> Iterator[Any]:
    """Each text as a mapping; a blank one stays, so that it has its answer. What is no JSON object is a bad record."""
    from taskzoo.data.streams.records import BadRecord

    for number, text in enumerate(texts, 1):
        if not isinstance(text, str) or not text.strip():
            yield text if not isinstance(text, str) else ""
            continue
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        wrong = BadRecord("input", number, 'this is not a JSON object such as {"text": "..."}.', text)
        yield value if isinstance(value, dict) else wrong
