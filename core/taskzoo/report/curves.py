"""Learning curves, from ``history.jsonl``: loss, validation score and learning rate by step."""

from __future__ import annotations

from .charts import Axis, Chart, Series
from .finished import Finished
from .kind import is_number
from .markup import number
from .section import Section

VALIDATION = "validation_"
MOST_ROWS = 60
"""Lines of the table beside a chart."""

Points = list[tuple[float, float]]


def learning_curves(run: Finished) -> Section | None:
    """The charts there is anything to draw for; ``None`` for a run without steps."""
    steps = [line["step"] for line in run.history]
    if not steps or max(steps) == 0:
        return None
    name = _validation_name(run)
    training, validation = _points(run, "loss"), _points(run, f"{VALIDATION}loss")
    scores, rates = _points(run, f"{VALIDATION}{name}"), _points(run, "learning_rate")
    x = Axis("optimizer step", 0.0, Axis.around("", [float(max(steps))], zero=True).high)
    charts = [_losses(x, training, validation)]
    if scores:
        charts.append(_score(run, x, name, scores))
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


def _losses(x: Axis, training: Points, validation: Points) -> Chart | None:
    both = [("training", training), ("validation", validation)]
    series = [Series(name, points, marks=name == "validation") for name, points in both if points]
    if not series:
        return None
    ends = [f"{one.name} loss from {one.points[0][1]:.3g} to {one.points[-1][1]:.3g}" for one in series]
    y = Axis.around("loss per target", [y for one in series for _, y in one.points], zero=True)
    rows = [(f"{step:.0f}", number(value, 4)) for step, value in validation[:MOST_ROWS]]
    header = ("step", "validation loss")
    summary = f"{'; '.join(ends)}."
    return Chart("loss", "Loss", summary[0].upper() + summary[1:], x, y, series, header=header, rows=rows)


def _score(run: Finished, x: Axis, name: str, scores: Points) -> Chart:
    score, best = run.score(name), run.manifest.get("best_step")
    y = Axis.around(f"validation {name}", [y for _, y in scores])
    ends = f"From {scores[0][1]:.3g} at step {scores[0][0]:.0f} to {scores[-1][1]:.3g} at step {scores[-1][0]:.0f}."
    better = "" if score is None else f" {'Higher' if score.higher_is_better else 'Lower'} is better."
    return Chart(
        *("score", f"Validation {name}", ends + better, x, y, [Series(name, scores, marks=True)]),
        at=(float(best), "best") if isinstance(best, int) else None,
        header=("step", name),
        rows=[(f"{step:.0f}", number(value, 4)) for step, value in scores[:MOST_ROWS]],
    )


def _rate(x: Axis, rates: Points) -> Chart:
    y = Axis.around("learning rate", [y for _, y in rates], zero=True)
    highest = max(rate for _, rate in rates)
    return Chart("rate", "Learning rate", f"Highest: {highest:.3g}.", x, y, [Series("learning rate", rates)])
