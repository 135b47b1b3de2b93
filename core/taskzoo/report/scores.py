"""The scores of the splits with their intervals, and what they mean together."""

from __future__ import annotations

from taskzoo.runs.verdict import VERDICT
from taskzoo.runs.wording import format_score, method_notes, result_notes, score_columns, score_names

from .finished import Finished
from .section import Section


def score_section(run: Finished) -> Section | None:
    """A line for each score, that by which the run is judged first; ``None`` for a run without scores."""
    columns = score_columns(run.metrics)
    if not columns:
        return None
    names = score_names(columns)
    names = [name for name in names if name == run.judging] + [name for name in names if name != run.judging]
    better = {name: score.higher_is_better for name in names if (score := run.score(name)) is not None}
    content = {
        "columns": {title: scores.get("rows") for title, scores in columns.items()},
        "lines": [(name, better.get(name), [format_score(one, name) for one in columns.values()]) for name in names],
        "judging": run.judging,
    }
    return Section("scores", "Scores", "scores.html", content)


def verdict_lines(run: Finished) -> tuple[list[str], list[str]]:
    """What is wrong with the model, and what else a person should know of the scores."""
    notes = result_notes(run.metrics) if run.split else []
    return list(run.metrics.get(VERDICT, [])), [*notes, *method_notes(run.manifest)]
