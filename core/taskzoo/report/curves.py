"""Learning curves, from ``history.jsonl``: loss, validation score and learning rate by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .charts import Axis, Chart, Series
from .finished import Finished
from .kind import is_number
from .markup import number
from .section import Section

VALIDATION = "validation_"
MOST_ROWS = 60
"""Lines of the table beside a chart, in which more steps are thinned out."""
SMALL = 1e-3
"""Numbers below it have three digits from the first that is not 0."""

Points = Sequence[tuple[float, float]]
Place = tuple[float, str] | None
"""The step of the best checkpoint, with its name."""


def learning_curves(run: Finished) -> Section | None:
    """The charts there is anything to draw for; ``None`` for a run without steps."""
    steps = [line["step"] for line in run.history]
    if not steps or max(steps) == 0:
        return None
    name = _validation_name(run)
    training, validation = _points(run, "loss"), _points(run, f"{VALIDATION}loss")
    scores, rates = _points(run, f"{VALIDATION}{name}"), _points(run, "learning_rate")
    x = Axis("optimizer step", 0.0, Axis.around("", [float(max(steps))], zero=True).high)
    best = run.manifest.get("best_step")
    at = (float(best), "best") if isinstance(best, int) else None
    charts = [_losses(x, training, validation, at)]
    if scores:
        charts.append(_score(run, x, scores, at))
    if rates:
        charts.append(_rate(x, rates))
    return Section("curves", "Learning curves", "charts.html", [chart for chart in charts if chart is not None])


def _points(run: Finished, name: str) -> Points:
    """Step and value of the lines that have it, without what is not finite."""
    found = [(float(line["step"]), line.get(name)) for line in run.history]
    return [(step, float(value)) for step, value in found if is_number(value)]


def _validation_name(run: Finished) -> str:
    """The score that chose the checkpoint, or the first one of the history where that is the loss or not known."""
    names = {name: None for line in run.history for name in line if name.startswith(VALIDATION)}
    primary = run.task[0].primary_metric if run.task else run.judging
    wanted = [primary, run.judging, *(name.removeprefix(VALIDATION) for name in names)]
    return next((name for name in wanted if name != "loss" and f"{VALIDATION}{name}" in names), "loss")


def _losses(x: Axis, training: Points, validation: Points, at: Place) -> Chart | None:
    both = [("training", training), ("validation", validation)]
    series = [Series(name, points, marks=name == "validation") for name, points in both if points]
    if not series:
        return None
    ends = [f"{one.name} loss from {one.points[0][1]:.3g} to {one.points[-1][1]:.3g}" for one in series]
    y = Axis.around("loss per target", [y for one in series for _, y in one.points], zero=True)
    summary = f"{'; '.join(ends)}."
    table = _table({f"{one.name} loss": one.points for one in series}, at)
    return Chart("loss", "Loss", summary[0].upper() + summary[1:], x, y, series, **table)


def _score(run: Finished, x: Axis, scores: Points, at: Place) -> Chart:
    name = _validation_name(run)
    score = run.score(name)
    y = Axis.around(f"validation {name}", [y for _, y in scores])
    ends = f"From {scores[0][1]:.3g} at step {scores[0][0]:.0f} to {scores[-1][1]:.3g} at step {scores[-1][0]:.0f}."
    better = "" if score is None else f" {'Higher' if score.higher_is_better else 'Lower'} is better."
    series, table = [Series(name, scores, marks=True)], _table({name: scores}, at)
    return Chart("score", f"Validation {name}", ends + better, x, y, series, at=at, **table)


def _rate(x: Axis, rates: Points) -> Chart:
    name = "learning rate"
    y = Axis.around(name, [y for _, y in rates], zero=True)
    summary, series = f"Highest: {max(rate for _, rate in rates):.3g}.", [Series(name, rates)]
    return Chart("rate", "Learning rate", summary, x, y, series, **_table({name: rates}, None))


def _table(columns: Mapping[str, Points], at: Place) -> dict[str, Any]:
    """The table beside a chart: a line for each step; of many steps for some of each column, the best one included."""
    values = {name: dict(points) for name, points in columns.items()}
    steps = {step for points in values.values() for step in points}
    best = {at[0]} & steps if at else set()
    parts = [_some(sorted(points), MOST_ROWS // len(values) - len(best)) for points in values.values()]
    shown = sorted(best.union(*parts))
    rows = [(f"{step:.0f}", *(_shown(points.get(step)) for points in values.values())) for step in shown]
    note = f"{len(shown):,} of {len(steps):,} steps." if len(shown) < len(steps) else ""
    return {"header": ("step", *columns), "rows": rows, "note": note}


def _some(steps: Sequence[float], most: int) -> Sequence[float]:
    """At most so many of the steps, spread evenly from the first to the last."""
    if len(steps) <= most:
        return steps
    return [steps[round(i * (len(steps) - 1) / (most - 1))] for i in range(most)]


def _shown(value: float | None) -> str:
    return number(value, 4) if not value or abs(value) >= SMALL else f"{value:.3g}"
