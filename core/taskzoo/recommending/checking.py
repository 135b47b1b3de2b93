"""Running what was recommended, to compare forecasts with what comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from taskzoo.engine.progress import Reporter
from taskzoo.errors import Interrupted
from taskzoo.runs.curve import metric_of
from taskzoo.runs.execute import Stop, start
from taskzoo.runs.plan import Plan
from taskzoo.runs.reporters import BarsOnly

from .result import Check, Choice

PlanOf = Callable[[str, str], Plan]
"""From the names of a model and a method to the plan of a run."""


def check_choices(choices: Sequence[Choice], plan_of: PlanOf, folder: Path, reporter: Reporter, stop: Stop) -> None:
    """Run each of ``choices`` in a folder of its own, and keep what it reached as its ``check``.

    Raises:
        RequestError, TrainingError, Interrupted: as a run does.
    """
    for number, choice in enumerate(choices, 1):
        reporter.say(f"check     {number} of {len(choices)}: {choice.model} with {choice.method}")
        plan = plan_of(choice.model, choice.method)
        training = replace(plan.config.training, baseline=False)
        path = folder / f"{number}-{Path(choice.model).name}-{choice.method}"
        try:
            run = start(
                replace(plan, config=replace(plan.config, training=training)),
                path,
                reporter=BarsOnly(reporter),
                stop=stop,
            )
        except Interrupted:
            raise Interrupted(f"Stopped in check {number} of {len(choices)}.") from None
        scores = {name: value for name, value in run.metrics["test"].items() if isinstance(value, float)}
        value = scores.get(metric_of(plan.task.primary_metric, list(scores)))
        minutes = run.manifest["seconds"]["train_and_validate"] / 60
        shortened = bool(run.manifest.get("shortened"))
        compared = choice.score is not None and value is not None and not shortened
        choice.check = Check(
            str(path),
            value,
            minutes,
            shortened,
            choice.score.holds(value) if compared and choice.score and value is not None else None,
            choice.minutes.holds(minutes) if choice.minutes and not shortened else None,
        )
