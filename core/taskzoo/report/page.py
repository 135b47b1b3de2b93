"""``RUN/report.html``: the parts that a run has anything for, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from taskzoo.durable import write_text
from taskzoo.errors import RequestError
from taskzoo.runs.data import Files
from taskzoo.runs.directory import check_output
from taskzoo.runs.given_columns import GivenColumns, read_columns
from taskzoo.runs.load import Run

from .answers import read_answers, read_rows
from .counts import data_section
from .curves import learning_curves
from .facts import settings_section
from .finished import Finished, read_run
from .kind import Kind
from .kinds import kind_of
from .labels import label_scores
from .markup import render
from .reliability import reliability
from .scores import score_section, verdict_lines
from .section import Group, Section
from .slices import Slices

FILE = "report.html"


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """What is wanted of a report.

    Args:
        by: columns of the test file to split the scores by.
        data: that file; ``None``: as the run's configuration names it.
        output: where it goes; ``None``: ``RUN/report.html``.
    """

    by: Sequence[str] = ()
    data: Files | None = None
    output: str | Path | None = None

    def check(self) -> None:
        """Refuse, by a :class:`RequestError`, what cannot be."""
        if self.data is not None and not self.by:
            raise RequestError("--data is the file with the columns of --by; name them, or leave it out.")


DEFAULT = ReportRequest()


def write_report(run: Run | str | Path, request: ReportRequest = DEFAULT) -> Path:
    """Write the report of a finished run, which is not loaded unless it is already; where it is.

    Raises:
        RequestError: there is no finished run, a file of it is damaged, or a column is not there.
        DataError: the test file cannot be read.
    """
    request.check()
    found = read_run(run)
    path = Path(request.output) if request.output is not None else found.directory.path / FILE
    check_output(path)
    write_text(path, make_page(found, request))
    return path


def make_page(run: Finished, request: ReportRequest = DEFAULT) -> str:
    """The page as HTML."""
    slices = Slices(run, _columns(run, request))
    kind = _survey(run, slices)
    found = [score_section(run), learning_curves(run), label_scores(run)]
    if kind is not None:
        found += [*kind.sections(), reliability(run), slices.section(), *_errors(run, kind)]
    else:
        found.append(reliability(run))
    found += [data_section(run), settings_section(run)]
    wrong, notes = verdict_lines(run)
    return render(
        "page.html",
        run=run,
        title=run.directory.path.resolve().name,
        model=run.manifest.get("model", {}).get("name", ""),
        task=run.manifest.get("task", {}).get("name", "").rpartition("/")[2],
        version=run.manifest.get("environment", {}).get("packages", {}).get("taskzoo", ""),
        verdict=wrong,
        notes=notes,
        sections=[_rendered(section) for section in found if section is not None],
    )


def _columns(run: Finished, request: ReportRequest) -> GivenColumns | None:
    if not request.by:
        return None
    if run.predictions is None or run.task is None:
        raise RequestError(f"--by needs single rows and the task, and this run lacks them: {' '.join(run.missing)}")
    return read_columns(*run.task, run.directory.config, request.by, request.data)


def _survey(run: Finished, slices: Slices) -> Kind | None:
    """One pass over all predictions; ``None`` without any."""
    kind: Kind | None = None
    if run.predictions is None:
        return kind
    for answer in read_answers(run.predictions):
        if kind is None:
            kind = kind_of(answer, run)
        kind.add(answer)
        slices.add(answer)
    return kind


def _errors(run: Finished, kind: Kind) -> list[Section]:
    """The rows to show, fetched by a second pass."""
    worst = Group("worst", kind.worst_title, kind.worst.rows(), kind.errors)
    groups = [group for group in kind.groups() if group.rows]
    numbers = {row for group in (worst, *groups) for row in group.rows}
    assert run.predictions is not None
    known = read_rows(run.predictions, numbers)
    shown = {row: kind.show(answer) for row, answer in known.items()}
    content = {"kind": kind, "worst": worst, "groups": groups, "shown": shown}
    return [Section("errors", "Errors", "errors.html", content)]


def _rendered(section: Section) -> tuple[Section, Markup]:
    return section, render(section.template, content=section.content, anchor=section.anchor)
