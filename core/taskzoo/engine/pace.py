"""How long steps and evaluations take: what is left is told, and where time is limited fewer steps are taken."""

from __future__ import annotations

import time

import torch

from .plan import StepPlan
from .session import Session

MEASURED = 10
"""Steps after which the time of a step is known well enough to say how long training takes."""
WORTH_SAYING = 60.0
"""Shorter trainings are not announced, in seconds."""
LONG = 600.0
"""Of longer ones it is said what would be shorter, in seconds."""
SAVING, SLACK = 4.0, 0.03
"""What is kept free for saving the run, in seconds, and for all that cannot be foreseen, as a share of the limit."""
FORWARD = 0.4
"""Share of the time of a training step that predicting the same examples takes, until an evaluation was timed."""


class Pace:
    """Measures a training, and shortens ``plan`` to what the time limit of ``session`` leaves.

    After training come the predictions for validation and test rows; time for these is kept free. ``instead`` is what
    would do without a long training, as a sentence.
    """

    instead = ""

    def __init__(self, session: Session, plan: StepPlan, evaluate_every: int) -> None:
        self._session, self._plan, self._every = session, plan, evaluate_every
        self._planned, self._evaluation = plan.last_step, 0.0  # seconds of the longest evaluation
        self._first: int | None = None
        self._seconds, self._since = 0.0, time.perf_counter()

    @property
    def shortened(self) -> bool:
        """Whether the time limit left fewer steps than were planned."""
        return self._plan.last_step < self._planned

    def leaves_none(self) -> bool:
        """Whether the time limit leaves no time for any step, as an evaluation before the first one tells."""
        if self._session.ends is None or not self._evaluation:
            return False
        left, afterwards = self._session.ends - time.perf_counter(), self._kept_free(0.0)
        accelerator, late = self._session.accelerator, float(left < afterwards)
        if accelerator.num_processes > 1:  # all decide the same
            late = float(accelerator.reduce(torch.tensor(late, device=accelerator.device), reduction="mean"))
        if late < 0.5:
            return False
        self._plan.last_step = 0
        self._say_none(left, afterwards, "training")
        return True

    def evaluated(self, seconds: float) -> None:
        """An evaluation took so long."""
        self._evaluation = max(self._evaluation, seconds)
        self._since += seconds

    def step(self, step: int) -> None:
        """A step was taken, the ``step``-th of the training."""
        now = time.perf_counter()
        if self._first is None:  # the first one is slower than the others, and not counted, unless there is no time
            first, self._first, self._since = now - self._since, step, now
            if self._tight(first, now):
                self._shorten(step, first, (self._session.ends or 0.0) - now)
                self._announce(step, first)
            return
        each = (now - self._since) / (step - self._first)
        measured = step - self._first
        known = measured >= min(MEASURED, self._planned // 10) or self.shortened
        if self._session.ends is not None and (known or self._tight(each, now)):
            self._shorten(step, each, self._session.ends - now)
        if measured == MEASURED:
            self._announce(step, each)

    def _tight(self, each: float, now: float) -> bool:
        """Whether there may be no time for the steps that would tell how long one takes."""
        ends = self._session.ends
        if ends is None or self._session.accelerator.num_processes > 1:  # whose clocks tell them different things
            return False
        return MEASURED * each > ends - now - self._kept_free(each)

    def _shorten(self, step: int, each: float, left: float) -> None:
        """Take as many of the planned steps as there is time for, one at least."""
        afterwards = self._kept_free(each)
        if left < afterwards and not self.shortened:
            self._say_none(left, afterwards, "more training")
        left -= afterwards
        cost, accelerator = each + self._evaluation / self._every, self._session.accelerator
        last = max(step, min(self._planned, step + int(left / cost)))
        if accelerator.num_processes > 1:  # all take the same number of steps
            last = int(accelerator.reduce(torch.tensor(float(last), device=accelerator.device), reduction="mean"))
        self._plan.last_step = last

    def _say_none(self, left: float, afterwards: float, what: str) -> None:
        needed = duration(self._session.settings.time_limit * 60 + afterwards - left)
        self._session.reporter.say(
            f"The time limit leaves no time for {what}: predictions for validation and test rows are still to be made. "
            f"The run will take about {needed}; fewer of these rows, or a smaller model, would shorten it."
        )

    def _kept_free(self, each: float) -> float:
        """Seconds of all that comes after training."""
        return SAVING + SLACK * self._session.settings.time_limit * 60 + self._afterwards(each)

    def _afterwards(self, each: float) -> float:
        """Seconds that predicting validation and test rows will take."""
        rows = {split: len(self._session.examples.get(split, ())) for split in ("validation", "test")}
        if self._evaluation and rows["validation"]:  # with the last evaluation of the training
            return self._evaluation * (1 + sum(rows.values()) / rows["validation"])
        per_row = each * self._plan.per_epoch / max(1, len(self._session.examples["train"]))
        return FORWARD * per_row * (rows["validation"] + sum(rows.values()))

    def _announce(self, step: int, each: float) -> None:
        steps = self._plan.last_step - step
        left = steps * (each + self._evaluation / self._every)
        say = self._session.reporter.say
        if self.shortened:
            epochs = self._plan.last_step / self._plan.per_epoch
            say(f"The time limit leaves {self._plan.last_step:,} of {self._planned:,} steps ({epochs:.2g} epochs).")
        elif left > WORTH_SAYING:
            shorter = ["A time limit such as --time 10m makes it shorter.", self.instead] if left > LONG else []
            said = f"About {duration(left)} of training: {steps:,} more steps of {each:.2g} s."
            say(" ".join(filter(None, [said, *shorter])))


def duration(seconds: float) -> str:
    """``1 minute``, ``12 minutes``, ``1.5 hours``."""
    minutes = round(seconds / 60)
    if minutes >= 90:
        return f"{seconds / 3600:.1f} hours"
    return f"{minutes} minute{'s' if minutes != 1 else ''}"
