"""What an export says of itself: ``README.md`` for people, and the same in ``export.json``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from taskzoo.escapes import markdown, markdown_code

from .export_format import ExportFormat
from .measure import BATCHES, Change, Form


def form_rows(forms: Sequence[Form], changes: Sequence[Change], unit_name: str, output: str) -> list[list[str]]:
    """A table: a head, then a line for each form; the first is the run, which is compared with nothing.

    ``output`` is what was compared of the model itself.
    """
    times = [f"{size} text{'s' * (size > 1)}, ms" for size in BATCHES]
    compared = ["difference, 95% interval", "other answers", f"largest {output} difference"]
    rows = [["form", unit_name, *compared, "MB", *times]]
    for form, change in zip(forms, (None, *changes), strict=True):
        score = form.evaluation.scores.get(unit_name, float("nan"))
        compared = ["", "", ""] if change is None else _compared(change, len(form.evaluation.references))
        seconds = [f"{1000 * form.seconds[size]:.1f}" for size in BATCHES]
        rows.append([form.name, f"{score:.4f}", *compared, f"{form.size / 1e6:.1f}", *seconds])
    return rows


def _compared(change: Change, rows: int) -> list[str]:
    value = "-" if change.value is None else f"{change.value:+.4f}"
    if change.interval is not None:
        value += " [{:+.4f}, {:+.4f}]".format(*change.interval)
    return [value, "-" if change.rows is None else f"{change.rows} of {rows}", f"{change.output:.1e}"]


def facts(forms: Sequence[Form], changes: Sequence[Change], measured: dict[str, Any]) -> dict[str, Any]:
    """What was measured, for ``export.json``."""
    found: dict[str, Any] = {**measured, "forms": {}}
    for form, change in zip(forms, (None, *changes), strict=True):
        one: dict[str, Any] = {"bytes": form.size, "scores": form.evaluation.to_dict()}
        one["seconds"] = {str(size): round(value, 6) for size, value in form.seconds.items()}
        if change is not None:
            one["against_run"] = {
                "metric": change.metric,
                "difference": change.value,
                "ci95": None if change.interval is None else list(change.interval),
                "other_answers": change.rows,
                "largest_output_difference": change.output,
            }
        found["forms"][form.name] = one
    return found


def card(
    shown: str, source: str, format: ExportFormat, table: Sequence[Sequence[str]], measured: dict[str, Any]
) -> str:
    """The text of ``README.md``.

    Args:
        shown: the export's path, for people.
        source: the run's.
        format: of the export.
        table: of :func:`form_rows`.
        measured: on what: ``rows``, ``split``, ``processor``, ``threads``, ``precision``.
    """
    head, *body = ([markdown(cell) for cell in row] for row in table)
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body)]
    return (
        "\n\n".join(
            [
                f"# {markdown(shown)}",
                f"The run {markdown_code(source)} as {format.title} ({measured['precision']}), exported by Task Zoo. "
                f"It predicts with {format.runtime}; neither torch nor transformers is needed.",
                "## Checked against the run",
                "\n".join(lines),
                f"Measured on {measured['rows']} {measured['split']} rows, on the CPU ({measured['processor']}, "
                f"{measured['threads']} threads). The difference is the form's score less the run's on the same rows, "
                "with the interval of a paired bootstrap. Times are medians from text to prediction. "
                "How fast int8 is, and to the last digits what it answers, depends on the CPU: `zoo eval` measures the "
                "score anew.",
                "## Use",
                f'```bash\nzoo predict {shlex.quote(shown)} "some text"\n```',
                format.note,
            ]
        )
        + "\n"
    )
