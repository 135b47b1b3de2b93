"""Where ``zoo predict`` writes to: stdout, a file, or a folder of shards."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskzoo.bulk.job import Output
    from taskzoo.bulk.part import Part


@dataclass(frozen=True, slots=True)
class Wishes:
    """The options of ``zoo predict`` that say where predictions go, as they were typed."""

    output: str | None = None
    output_format: str | None = None
    keep_columns: bool | None = None
    strict: bool | None = None
    shard: str | None = None
    shard_rows: int | None = None
    engine: str = "local"
    workers: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where predictions go.

    Args:
        output: the file or folder; ``None``: stdout.
        folder: whether it is a folder of shards.
        strict: whether a row that cannot be used is an error.
        part: of the shards that is done here.
        address: of the Ray cluster that does them, ``""`` for one on this machine; ``None``: they are done here.
        workers: processes there; ``None``: as many as it has processors.
    """

    output: Output | None
    folder: bool
    strict: bool
    part: Part
    address: str | None = None
    workers: int | None = None


def find_target(wishes: Wishes, *, from_files: bool) -> Target:
    """What the options mean together; checked, with nothing written.

    Args:
        wishes: the options.
        from_files: whether files are named by ``--input``, which can be read again.

    Raises:
        RequestError: two options do not go together, or the output cannot be written to.
    """
    from taskzoo.bulk.atomic import followed
    from taskzoo.bulk.job import SHARD_ROWS, Output
    from taskzoo.bulk.output_format import OutputFormat
    from taskzoo.bulk.part import Part
    from taskzoo.bulk.shards import check_folder
    from taskzoo.errors import RequestError
    from taskzoo.runs.directory import check_output

    named = wishes.output
    ends_as_folder = named is not None and named.endswith(("/", os.sep))
    folder = named is not None and from_files and (ends_as_folder or Path(named).is_dir())
    address = ray_address(wishes.engine)
    _check_together(wishes, folder=folder, from_files=from_files)
    part = Part.parse(wishes.shard) if wishes.shard else Part()
    if named is None:
        return Target(None, False, True, part)
    if ends_as_folder and not folder:
        raise RequestError(f"--output {named!r} is a folder of shards, which need files to read; name them by --input.")
    path = Path(named)
    place, as_it_is = followed(path)
    check_folder(path) if folder else check_output(path)
    if not folder and not as_it_is:
        check_output(place)
    format = OutputFormat("jsonl") if folder else OutputFormat.of_file(path)
    if wishes.output_format:
        format = OutputFormat.named(wishes.output_format)
    bare = not folder and not format.packed and format.kind in ("jsonl", "conll")
    keep = not bare if wishes.keep_columns is None else wishes.keep_columns
    strict = bare and not keep if wishes.strict is None else wishes.strict
    output = Output(path, format, keep, SHARD_ROWS if wishes.shard_rows is None else wishes.shard_rows)
    return Target(output, folder, strict, part, address, wishes.workers)


def check_apart(output: Output, inputs: Sequence[Path], run: str) -> None:
    """Refuse an output, or a file of bad rows beside it, that is an input, and one inside the run.

    Raises:
        RequestError: it is.
    """
    from taskzoo.bulk.job import bad_path
    from taskzoo.errors import RequestError
    from taskzoo.runs.directory import check_not_inside

    check_not_inside(output.path, "--output", [run])
    for written in (output.path, bad_path(output.path)):
        if same := [file for file in inputs if written.exists() and file.exists() and written.samefile(file)]:
            what = "is" if written == output.path else f"would have its bad rows in {str(written)!r},"
            raise RequestError(
                f"--output {str(output.path)!r} {what} the file of --input {str(same[0])!r}, which stays as it is; "
                "name another file."
            )


def ray_address(engine: str) -> str | None:
    """Of the Ray cluster that ``--engine`` names: see :class:`Target`."""
    from taskzoo.errors import UnknownNameError

    if engine == "local":
        return None
    if engine == "ray" or engine.startswith("ray://"):
        return engine.removeprefix("ray") if engine == "ray" else engine
    raise UnknownNameError("engine", engine, ("local", "ray"), "There are local, ray and ray://HOST:10001.")


def _check_together(wishes: Wishes, *, folder: bool, from_files: bool) -> None:
    from taskzoo.errors import RequestError

    of_shards = {
        "--shard": wishes.shard,
        "--shard-rows": wishes.shard_rows,
        "--engine": wishes.engine if wishes.engine != "local" else None,
    }
    for option, value in of_shards.items():
        if value is not None and not folder:
            raise RequestError(f"{option} is for a folder of shards: name files by --input, and --output FOLDER/.")
    if wishes.workers is not None and wishes.engine == "local":
        raise RequestError("--workers is for --engine ray; on several machines without it, see --shard.")
    if wishes.shard is not None and wishes.engine != "local":
        raise RequestError("--shard is for processes that you start yourself; with --engine ray, leave it out.")
    for option, number in (("--shard-rows", wishes.shard_rows), ("--workers", wishes.workers)):
        if number is not None and number < 1:
            raise RequestError(f"{option} is {number} and must be at least 1.")
    if wishes.output is None:
        given = {
            "--output-format": wishes.output_format,
            "--keep-columns": wishes.keep_columns,
            "--no-strict": wishes.strict is False or None,
        }
        if unused := [option for option, value in given.items() if value is not None]:
            raise RequestError(f"{unused[0]} is for what is written to a file; add --output FILE.")
    if wishes.keep_columns and "conll" in (wishes.output_format or Path(wishes.output or "").suffix):
        raise RequestError("CoNLL has words and tags only; leave out --keep-columns, or write JSON lines.")
