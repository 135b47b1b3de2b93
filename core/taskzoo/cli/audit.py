"""``zoo audit``: where a run is worse than its score says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Quiet, Run

if TYPE_CHECKING:
    from taskzoo.audit.audit import Audit

LISTED = 25
"""Gaps that are listed on the terminal."""


def audit(
    run: Run,
    by: Annotated[
        str | None, typer.Option(help="Columns of the test file whose values are compared, separated by commas.")
    ] = None,
    data: Annotated[
        list[str] | None, typer.Option(help="The test file, for --by (default: as the run's configuration names it).")
    ] = None,
    only: Annotated[str | None, typer.Option(help="Some of slices, perturbations, pairs (default: all).")] = None,
    groups: Annotated[
        str | None, typer.Option(help="A YAML file with templates and groups for pairs, in place of the built-in ones.")
    ] = None,
    rows: Annotated[int, typer.Option(help="Test rows that are changed and predicted again.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed for which rows these are and where texts are changed.")] = 0,
    max_gap: Annotated[
        float | None,
        typer.Option(
            help="Exit with 1 if a gap that is more than chance has its whole 95% interval above this share of the "
            "range of what is compared (0.05: five points of accuracy)."
        ),
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="text, html or json (default: by the name of --output, else text).")
    ] = None,
    output: Annotated[str | None, typer.Option(help="The file to write (default: stdout).")] = None,
    quiet: Quiet = False,
) -> None:
    """Find slices, words and groups for which a run is worse, and changes of texts that it does not stand."""
    from taskzoo.audit.audit import AuditRequest
    from taskzoo.audit.audit import audit as audited
    from taskzoo.durable import write_text
    from taskzoo.engine.progress import Silent, Terminal
    from taskzoo.runs.directory import check_output

    from .output import remark, shape_of
    from .process import set_up_process

    shape = shape_of(format, output, "audits")
    _check_gap(max_gap)
    request = AuditRequest(_names(by), data, rows, seed, _names(only), groups)
    request.check()
    if output is not None:
        check_output(Path(output))
    if request.only != ["slices"]:
        set_up_process(run)
    reporter = Silent() if quiet else Terminal()
    found = audited(run, request, reporter.say)
    written = _written(found, shape, max_gap)
    if output is None:
        print(written, end="")
    else:
        write_text(Path(output), written)
        remark(f"The audit is in {output}.")
    if max_gap is not None and found.exceeding(max_gap):
        raise typer.Exit(1)


def _names(given: str | None) -> list[str]:
    return [name.strip() for name in (given or "").split(",") if name.strip()]


def _check_gap(most: float | None) -> None:
    from taskzoo.errors import RequestError

    if most is not None and not 0 <= most < 1:
        raise RequestError(f"--max-gap {most:g} must be 0 or more and below 1: a share such as 0.05.")


def _written(found: Audit, shape: str, max_gap: float | None) -> str:
    import json

    from taskzoo.audit.page import make_page, to_dict
    from taskzoo.escapes import visible, visible_json

    if shape == "html":
        return make_page(found, max_gap)
    if shape == "json":
        return visible_json(json.dumps(to_dict(found, max_gap), ensure_ascii=False, indent=2)) + "\n"
    return "".join(f"{visible(line)}\n" for line in _lines(found, max_gap))


def _lines(found: Audit, max_gap: float | None) -> list[str]:
    """The audit as text: what was found first, then what was looked at, then what cannot be seen."""
    from taskzoo.audit.wording import blind_spots, changed_line, gap_line, gate, looked_at, opening

    lines = [opening(found), *(f"  {gap_line(gap)}" for gap in found.found[:LISTED])]
    if (more := len(found.found) - LISTED) > 0:
        lines.append(f"  ... and {more:,} smaller ones (--format html or json has them)")
    lines += found.notes
    for section in found.sections:
        lines += ["", f"{section.title}: {looked_at(section)}"]
        lines += [f"  {changed_line(one)}" for one in section.changes]
        lines += [f"  {note}" for note in section.notes]
    lines += ["", *found.skipped] if found.skipped else []
    lines += ["", *blind_spots()]
    return [*lines, "", gate(found, max_gap)] if max_gap is not None else lines
