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
FOLDERS = ("brat",)
"""Tools that read a folder."""


def check_target(output: str | None, tool: str | None) -> None:
    """Refuse what cannot be written, before anything is computed.

    Raises:
        RequestError: there is no file for the tool, or it cannot be written.
        UnknownNameError: no such tool.
    """
    from taskzoo.errors import RequestError, UnknownNameError
    from taskzoo.labelling_tools import TOOLS
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
    elif any(path.iterdir()):
        raise RequestError(f"--output {output!r} holds files, and {tool} needs a new folder; name another one.")


def write_target(
    output: str, tool: str | None, records: Sequence[Mapping[str, Any]], tasks: Sequence[PreAnnotated]
) -> None:
    """Write ``records`` to a table, or ``tasks`` for a tool."""
    from taskzoo.labelling.listing import write_records
    from taskzoo.labelling_tools import write_tasks

    if tool is None:
        write_records(Path(output), records)
    else:
        write_tasks(Path(output), tool, tasks)
