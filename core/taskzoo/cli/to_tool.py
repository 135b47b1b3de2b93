"""``--output`` and ``--to``: rows as a table, or as tasks of a labelling tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from taskzoo.labelling_tools import PreAnnotated

Output = Annotated[
    str | None,
    typer.Option(help="Write the listed ones to this file: .csv, .tsv or else JSON lines; or as --to says."),
]
To = Annotated[
    str | None,
    typer.Option(help="Write --output for a labelling tool: label-studio, doccano, prodigy, brat (a folder) or spacy."),
]


def check_target(output: str | None, tool: str | None) -> None:
    """Refuse what cannot be written, before anything is computed.

    Raises:
        RequestError: there is no file for the tool, or it cannot be written.
        UnknownNameError: no such tool.
    """
    from taskzoo.errors import RequestError, UnknownNameError
    from taskzoo.labelling_tools.write import FOLDERS, TOOLS, check_place
    from taskzoo.runs.directory import check_output

    if tool is not None and tool not in TOOLS:
        raise UnknownNameError("labelling tool", tool, TOOLS, f"There are {', '.join(TOOLS)}.")
    if tool is not None and output is None:
        raise RequestError(f"--to {tool} writes a file for that tool; say which (--output FILE).")
    if output is None:
        return
    path = Path(output)
    if tool not in FOLDERS or not path.is_dir():
        check_output(path)
    if tool is not None:
        check_place(path, tool)


def check_apart(output: str | None, tool: str | None, inputs: Sequence[Path], runs: Sequence[str]) -> None:
    """Refuse to overwrite what is read: a file, what lies in a folder of ``inputs``, or a file of a run.

    Raises:
        RequestError: it would be overwritten.
    """
    from taskzoo.errors import RequestError
    from taskzoo.labelling_tools.write import places
    from taskzoo.runs.directory import check_not_inside

    for place in places(Path(output), tool) if output is not None else ():
        check_not_inside(place, "--output", runs)
        for read in inputs if place.exists() else ():
            if read.exists() and (place.samefile(read) or read.resolve() in place.resolve().parents):
                raise RequestError(f"--output would overwrite {str(place)!r}, which is read; name another file.")


def write_target(
    output: str,
    tool: str | None,
    records: Sequence[Mapping[str, Any]],
    tasks: Sequence[PreAnnotated],
    labels: Sequence[str],
) -> None:
    """Write ``records`` to a table, or ``tasks`` for a tool in which people choose from ``labels``."""
    from taskzoo.labelling.listing import write_records
    from taskzoo.labelling_tools import write_tasks

    if tool is None:
        write_records(Path(output), records)
    else:
        write_tasks(Path(output), tool, tasks, labels)
