"""What more labels would bring: scores after training on ever more rows, and where their curve leads."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from taskzoo.data.nested import default_sizes, nested_order, parse_sizes
from taskzoo.engine.progress import Reporter, Silent
from taskzoo.errors import RequestError
from taskzoo.task import Row

from .data import overlap_notes
from .directory import write_json
from .plan import Plan, describe_settings

if TYPE_CHECKING:
    from .draws import Outcome

ERRORS = frozenset({"loss", "mse", "rmse", "mae", "log_loss", "hamming_loss", "ter"})
"""Scores that are better when lower."""
LEAST_GAIN, LEAST_SHARE = 0.005, 0.05
"""Less than this is called little: of a score up to 1, and of an error as a share of it."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The score to expect with ``rows`` training rows, with its 95% interval, and ``now``: the fitted curve's score
    at the largest size.
    """

    rows: int
    now: float
    score: float
    low: float
    high: float


@dataclass
class Curve:
    """Scores over numbers of training rows.

    Attributes:
        metric: the score that is drawn.
        validation_rows: how many rows every draw is scored on.
        outcomes: of all draws, in order of size.
        forecast: for twice the rows of the largest size; ``None`` where the scores are no base for one.
    """

    metric: str
    validation_rows: int
    outcomes: list[Outcome] = field(default_factory=list)
    forecast: Forecast | None = None

    @property
    def sizes(self) -> dict[int, list[float]]:
        """Size -> the score of each draw, undefined ones left out."""
        found: dict[int, list[float]] = {}
        for outcome in self.outcomes:
            if (score := outcome.metrics.get(self.metric)) is not None:
                found.setdefault(outcome.rows, []).append(score)
        return found

    @property
    def lower_is_better(self) -> bool:
        """Whether the score is an error."""
        return self.metric in ERRORS

    @property
    def best(self) -> float | None:
        """The best score there is: 0 for errors, else 1 or, for scores in percent, 100; ``None``: not known."""
        if self.lower_is_better:
            return 0.0
        highest = max((score for scores in self.sizes.values() for score in scores), default=math.inf)
        return next((top for top in (1.0, 100.0) if highest <= top), None)

    @property
    def interval(self) -> tuple[float, float] | None:
        """What the validation rows leave open of the last score: its 95% bootstrap interval."""
        found = self.outcomes[-1].metrics.get(f"{self.metric}_ci95") if self.outcomes else None
        return (found[0], found[1]) if found else None

    def to_dict(self) -> dict[str, Any]:
        """The curve's part of ``curve.json``."""
        ahead = self.forecast
        return {
            "metric": self.metric,
            "lower_is_better": self.lower_is_better,
            "validation_rows": self.validation_rows,
            "sizes": [
                {"rows": size, "mean": fmean(scores), "low": min(scores), "high": max(scores), "draws": len(scores)}
                for size, scores in self.sizes.items()
            ],
            "forecast": ahead and {"rows": ahead.rows, "score": ahead.score, "ci95": [ahead.low, ahead.high]},
            "validation_ci95": list(self.interval) if self.interval else None,
            "verdict": verdict(self),
            "draws": [
                {"rows": o.rows, "seed": o.seed, "seconds": round(o.seconds, 3), "scores": _scalars(o.metrics)}
                for o in self.outcomes
            ],
        }


def learning_curve(
    plan: Plan, path: Path, *, sizes: str | None = None, repeats: int = 3, reporter: Reporter | None = None
) -> Curve:
    """Train on nested draws from the training rows, score each on the validation rows, and look ahead.

    A draw is the beginning of an order that a seed decides, so smaller draws are part of larger ones; classes keep
    their proportions, and each has a row in every draw. The test rows are not looked at. With ``method=linear-probe``
    every text is encoded once for all draws; any other method makes a run of each draw below ``path/runs``.

    Args:
        plan: with all training rows.
        path: the directory to make; it gets ``curve.json``.
        sizes: numbers of rows or shares of them, e.g. ``"16,64,50%,all"``; by default from about 8 per class to all.
        repeats: draws per size, with the seeds that follow the plan's.
        reporter: where progress is shown.

    Raises:
        RequestError: sizes that cannot be drawn, no validation rows, or a task that does not suit the method.
        TrainingError, Interrupted: a run failed or was stopped; the scores so far are in ``curve.json``.
    """
    from .draws import Draw, probe_draws, run_draws

    reporter = reporter or Silent()
    rows = plan.splits.rows
    train, task, training = rows["train"], plan.task, plan.config.training
    if not rows["validation"]:
        raise RequestError("A learning curve is scored on validation rows, and there are none; give --validation.")
    plan = replace(plan, splits=replace(plan.splits, rows={**rows, "test": []}))
    classes: Callable[[Row], Sequence[str]] = getattr(task, "classes", lambda row: ())
    number = len({name for row in train for name in classes(row)})
    chosen = parse_sizes(sizes, len(train), number) if sizes else default_sizes(len(train), number)
    seeds = range(training.seed, training.seed + repeats)
    orders = {seed: nested_order(train, classes, task.signature, seed) for seed in seeds}
    draws = [Draw(size, seed, sorted(orders[seed][:size])) for size in chosen for seed in seeds]
    for line in _opening(plan, chosen, repeats):
        reporter.say(line)
    if training.method == "linear-probe":  # nothing else is random, so all draws of all rows are the same
        draws = [draw for draw in draws if draw.rows < len(train) or draw.seed == training.seed]
        outcomes = probe_draws(plan, draws, reporter)
    else:
        outcomes = run_draws(plan, draws, path / "runs", reporter)
    curve = Curve("", len(rows["validation"]))
    try:
        for outcome in outcomes:
            curve.metric = curve.metric or metric_of(task.primary_metric, list(_scalars(outcome.metrics)))
            curve.outcomes.append(outcome)
        curve.forecast = look_ahead(curve)
    finally:
        if curve.outcomes:
            path.mkdir(parents=True, exist_ok=True)
            request = {"repeats": repeats, "train_rows": len(train), "config": plan.config.to_dict()}
            write_json(path / "curve.json", {**curve.to_dict(), **request})
    return curve


def metric_of(primary: str, names: Sequence[str]) -> str:
    """The score to draw: the task's primary metric, but the first other one if that is the loss, which has no unit."""
    if primary != "loss" and primary in names:
        return primary
    return next((name for name in names if name != "loss"), "loss")


def look_ahead(curve: Curve) -> Forecast | None:
    """The score at twice the largest size, by a power law through the errors of all draws.

    ``None`` where :func:`taskzoo.metrics.power_law.extrapolate` has too little to go by, or a score has no best value.
    """
    from taskzoo.metrics.power_law import extrapolate, fit_power_law

    best = curve.best
    if best is None:
        return None
    pairs = [(size, abs(score - best)) for size, scores in curve.sizes.items() for score in scores]
    sizes, errors = [size for size, _ in pairs], [error for _, error in pairs]
    law, found = fit_power_law(sizes, errors), extrapolate(sizes, errors, 2 * max(sizes))
    if law is None or found is None:
        return None
    now, (error, low, high) = law.predict(float(max(sizes))), found
    if not curve.lower_is_better:
        now, error, low, high = best - now, best - error, best - high, best - low
    return Forecast(2 * max(sizes), now, error, low, high)


def verdict(curve: Curve) -> str:
    """What the curve says of more labels, in a sentence; or that it says nothing."""
    ahead, metric = curve.forecast, curve.metric
    if ahead is None:
        return f"There is no forecast: it needs {metric or 'scores'} of four draws at least, of three sizes."
    sign = -1 if curve.lower_is_better else 1
    means = {size: fmean(scores) for size, scores in curve.sizes.items()}
    few, many = min(means), max(means)
    if sign * (means[many] - means[few]) <= 0:
        return (
            f"More rows made {metric} no better here: {_shown(means[few])} with {few:,}, {_shown(means[many])} with "
            f"{many:,}. Look at the labels, or at another model, before adding rows."
        )
    least = LEAST_SHARE * ahead.now if curve.lower_is_better else LEAST_GAIN * (curve.best or 1)
    sure = sign * ((ahead.high if curve.lower_is_better else ahead.low) - ahead.now) > 0
    now, then = _shown(ahead.now), f"{_shown(ahead.score)} [{_shown(ahead.low)}, {_shown(ahead.high)}]"
    if sign * (ahead.score - ahead.now) < least:
        return (
            f"More labels like these will bring little: {metric} is about {now}, and should be about {then} with twice "
            f"as many rows ({ahead.rows:,})."
        )
    if not sure:
        return (
            f"Doubling the labels to {ahead.rows:,} may bring {metric} from {now} to about {then}; the draws do not "
            "settle whether it gains anything."
        )
    return f"Doubling the labels to {ahead.rows:,} should bring {metric} from {now} to about {then}."


def limits(curve: Curve) -> str:
    """How far the forecast can be trusted, in sentences."""
    text = (
        "This holds for more rows of the same kind, the same model and the same method. The interval is a 95% one and "
        "comes from the draws alone."
    )
    if curve.interval:
        low, high = map(_shown, curve.interval)
        text += (
            f" All draws are scored on the same {curve.validation_rows:,} validation rows, which by themselves leave "
            f"the last score open between {low} and {high}."
        )
    return text


def _scalars(metrics: dict[str, Any]) -> dict[str, float | None]:
    """The scores without intervals, counts and details; ``None``: undefined."""
    return {
        name: value
        for name, value in metrics.items()
        if isinstance(value, float) or (value is None and not name.endswith("_ci95"))
    }


def _shown(value: float) -> str:
    return f"{value:.2f}" if abs(value) > 1.5 else f"{value:.3f}"


def _opening(plan: Plan, sizes: Sequence[int], repeats: int) -> list[str]:
    rows = plan.splits.rows
    lines = [f"data      train {len(rows['train'])}, validation {len(rows['validation'])} rows; no test rows are used"]
    lines += [f"warning   {note}" for note in overlap_notes(plan.splits.overlap)]
    if hasattr(plan.task, "describe"):
        lines.append(f"labels    {plan.task.describe()}")
    lines += [
        f"settings  {describe_settings(plan.config.training)}",
        f"model     {plan.checkpoint.name}",
        f"sizes     {', '.join(map(str, sizes))} rows, {repeats} draw{'s' if repeats > 1 else ''} each",
    ]
    return lines
