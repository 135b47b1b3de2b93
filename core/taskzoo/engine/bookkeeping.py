"""What follows each optimizer step: count, log, evaluate, save."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePath
from typing import Any

import torch
from torch import nn

from taskzoo.data.features import lengths_of
from taskzoo.errors import Interrupted, NotFiniteError
from taskzoo.option_names import option_name
from taskzoo.types import Example, Prediction, public

from .asked import Agreement, Asked
from .averaging import averaged
from .checkpoint import TrainingState
from .compiling import as_they_are
from .cpu import return_free_memory
from .evaluation import Predictor
from .events import tell
from .finite import FiniteCheck
from .job import Job
from .pace import Pace
from .plan import StepPlan
from .progress import Bar
from .random_state import differ, random_states, seeded
from .session import Session

NAMED = 4
"""Rows that an error names."""

LEAST_SCALE = 1e-3
"""Below this scale of the loss in fp16, 26 halvings from where it starts, it is not the scale that overflows."""
SAVING = 0.02
"""The share of the time that checkpoints may take that are saved because of :attr:`checkpoint_minutes`."""


class Bookkeeping:
    """Counts, logs, evaluates and saves. ``progress`` is where the training stands; ``over``: no step is to follow."""

    def __init__(self, session: Session, job: Job, plan: StepPlan, state: TrainingState, parts: dict[str, Any]) -> None:
        """``parts`` of the state besides the model: optimizer, schedule and scaler."""
        self._session, self._job, self._plan, self._state, self._parts = session, job, plan, state, parts
        self._evaluate_every = session.settings.evaluate_every or plan.per_epoch
        self._save_every = session.settings.checkpoint_every or self._evaluate_every
        self._tell = partial(tell, session.callbacks, session.reporter)
        self._lengths = lengths_of(job.features)
        self.progress = progress = job.progress
        on_gpu = session.accelerator.device.type == "cuda"
        self._finite = FiniteCheck(self._not_finite, late=on_gpu)
        self._agreement = Agreement(session.accelerator, late=on_gpu)
        rank = session.accelerator.process_index
        differ(session.settings.seed, rank)
        if resumed := state.exists():
            for name, value in state.restore(job.model, rank=rank, **parts).items():
                setattr(progress, name, value)
            for note in state.notes:
                session.reporter.say(f"warning   {note}")
            session.reporter.say(f"Resuming after step {progress.step} of {plan.last_step}.")
        self._tell("training_started", progress.steps)
        self._running = torch.tensor(self.progress.unlogged, dtype=torch.float64).to(session.accelerator.device)
        self._window_tokens, self._window_start = 0, time.perf_counter()
        self._started = time.perf_counter() - self.progress.seconds
        self._saved, self._save_seconds = time.perf_counter(), 0.0
        self._untold: list[int] = []  # the steps of saves that may still be written
        self._pace = Pace(session, plan, self._evaluate_every)
        timed = session.ends is not None  # what an evaluation takes is known from the start
        if job.evaluate is not None and (job.evaluate_start or timed) and not resumed:
            known = dict(job.start_scores) if job.start_scores and not timed else None
            self._evaluate(job.evaluate if known is None else lambda _: known)
        start = progress.start_score
        if start is not None and job.evaluate_start and not job.by_loss(start):
            probe = f"validation {job.score.name} {start:.3f}"
            self._pace.instead = f"{option_name('method', 'linear-probe')} would stop at the probe ({probe})."
        if job.evaluate_start and not progress.step:
            progress.shortened = self._pace.leaves_none()
        self.over = progress.step >= plan.last_step or self._out_of_patience()

    def agreed(self, loss: torch.Tensor) -> tuple[torch.Tensor, Asked]:
        """``loss`` ``[2]`` of a step over all processes, and what is to be done after that step."""
        due = max(60 * self._session.settings.checkpoint_minutes, self._save_seconds / SAVING)
        asked = Asked(self._session.stop(), 0 < due < time.perf_counter() - self._saved)
        return self._agreement.of(loss, asked)

    def check(self, norm: torch.Tensor, examples: list[int]) -> None:
        """Before a step on ``examples`` with a gradient of this ``norm``: :meth:`.finite.FiniteCheck.look`.

        Raises:
            NotFiniteError: as there.
        """
        self._finite.look(self.progress.step + 1, norm, examples)

    def check_scale(self, scale: float, examples: list[int]) -> None:
        """After a step on ``examples`` that was left out, as it overflowed in fp16: ``scale`` is that of the loss now.

        Raises:
            NotFiniteError: it has shrunk so often that the gradient is not finite at any scale.
        """
        if scale < LEAST_SCALE:
            raise self._not_finite(self.progress.step + 1, examples)

    def note(
        self, examples: list[int], loss: torch.Tensor, rate: float, norm: torch.Tensor, asked: Asked, bar: Bar
    ) -> None:
        """Do all that is due after a step on ``examples`` (their indices); ``asked``: what any process asked for.

        ``loss`` has the shape ``[2]``: the sum of its losses and the number of its active targets, over all processes.
        ``norm`` is that of the gradient before clipping, a scalar.

        Raises:
            NotFiniteError: the loss is not finite.
            Interrupted: a stop was asked for; the state is saved.
        """
        progress, settings = self.progress, self._session.settings
        tokens = int(sum(lengths[examples].sum() for lengths in self._lengths))
        self._running += loss
        progress.step += 1
        self._pace.step(progress.step)
        last, progress.shortened = self._plan.last_step, self._pace.shortened
        progress.tokens += tokens
        self._window_tokens += tokens
        due_line = progress.step % settings.log_every == 0 or progress.step >= last
        bar.update(progress.step, f"loss {self._log(rate, norm):.3f}" if due_line else "")
        if self._job.evaluate is not None and (progress.step >= last or progress.step % self._evaluate_every == 0):
            with averaged(self._parts["optimizer"]):
                self._evaluate(self._job.evaluate)
        progress.seconds = time.perf_counter() - self._started
        self.over = progress.step >= last
        if asked.stop and not self.over:
            self._save()
            self._tell_saved(wait=True)
            self._session.accelerator.wait_for_everyone()  # a process that ends has the others stopped before long
            raise Interrupted(f"Stopped after step {progress.step} of {last}; the state is saved.")
        if self._out_of_patience():
            self.over = True
            lacking = f"no better {self._job.score.name} in {settings.early_stopping} evaluations"
            self._session.reporter.say(f"Stopping early: {lacking}.")
        elif (asked.save or progress.step % self._save_every == 0) and not self.over:
            self._save()
        if self.over and self._session.accelerator.decided(self._session.stop()):
            self._save()  # what follows the training will be stopped
        self._tell_saved(wait=self.over)

    def _log(self, rate: float, norm: torch.Tensor) -> float:
        """Write a line; the mean loss since the last one."""
        self._finite.settle()
        mean = (self._running[0] / self._running[1].clamp(min=1)).item()
        if not math.isfinite(mean):
            raise self._not_finite(self.progress.step, [])
        now = time.perf_counter()
        line = {
            "step": self.progress.steps,
            "epoch": self.progress.step / self._plan.per_epoch,
            "loss": mean,
            "learning_rate": rate,
            "grad_norm": norm.item(),
            "tokens_per_second": self._window_tokens / (now - self._window_start),
        }
        self._tell("step", line)
        self._running.zero_()
        self._window_tokens, self._window_start = 0, now
        return mean

    def _evaluate(self, evaluate: Callable[[nn.Module], dict[str, float]]) -> None:
        self._finite.settle()
        before, progress, score = time.perf_counter(), self.progress, self._job.score
        # not the wrapped model: a distributed one synchronises in forward, and processes may have unequal batches
        with as_they_are(compiled=self._session.settings.compile):
            progress.scores = evaluate(self._job.model)
        return_free_memory()
        value = self._job.value(progress.scores)
        if not progress.step:
            progress.start_score = value
        elif progress.trained_score is None or score.better(value, progress.trained_score):
            progress.trained_score = value
        highest = progress.highest_score
        if kept := self._job.keeps(value, highest, progress.start_score):
            progress.best_score, progress.best_step = value, progress.step
            self._state.save_best(self._job.model)
        if highest is None or score.better(value, highest):
            progress.highest_score, progress.evaluations_since_best = value, 0
        else:
            progress.evaluations_since_best += 1
        named = {f"validation_{name}": value for name, value in progress.scores.items()}
        self._tell("evaluation", {"step": progress.steps, **named})
        if self._session.accelerator.num_processes == 1:
            self._tell("validated", progress.steps, self._session.examples.get("validation", ()), self._predict)
        shown = [name for name in dict.fromkeys((score.name, "loss")) if name in progress.scores]
        values = "  ".join(f"validation {name} {progress.scores[name]:.4f}" for name in shown)
        star = "  (kept so far)" if kept else ""
        start = "linear probe" if self._job.evaluate_start else "before training"
        where = f"epoch {progress.step / self._plan.per_epoch:.2g}" if progress.step else start
        self._session.reporter.say(f"step {progress.step}/{self._plan.last_step}  {where}  {values}{star}")
        spent = time.perf_counter() - before
        self._pace.evaluated(spent)
        self._started, self._window_start = self._started + spent, self._window_start + spent

    def _predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """Public predictions by the model as it is."""
        session = self._session
        predictor = Predictor(session.task, self._job.model, session.processor, session.accelerator)
        with seeded(session.settings.seed):
            return [public(prediction) for prediction in predictor.predict(examples).rows]

    def _out_of_patience(self) -> bool:
        patience = self._session.settings.early_stopping
        return bool(patience) and self.progress.evaluations_since_best >= patience

    def _save(self) -> None:
        self._finite.settle()
        began = time.perf_counter()
        self.progress.unlogged = self._running.tolist()
        random = random_states(self._session.accelerator.num_processes)
        self._state.save(self._job.model, vars(self.progress), random=random, **self._parts)
        self._session.accelerator.wait_for_everyone()
        self._agreement.saved()
        self._saved = time.perf_counter()
        self._save_seconds = self._saved - began
        self._untold.append(self.progress.steps)

    def _not_finite(self, step: int, examples: list[int]) -> NotFiniteError:
        """The error of a step on ``examples`` whose loss or gradient is not a finite number; all processes make it."""
        kept = " The last checkpoint is kept." if self._state.exists() else ""
        self._session.accelerator.wait_for_everyone()  # until all that was saved is on the disk
        advice = "Lower learning_rate, or use precision=fp32 or bf16."
        rows = places(self._session, self._job, examples)
        of = f" ({rows})" if rows else ""
        return NotFiniteError(f"The loss or its gradient is not finite at step {step}{of}.{kept} {advice}")

    def _tell_saved(self, *, wait: bool = False) -> None:
        """Tell of what is on the disk by now; an error of writing is raised."""
        if self._state.is_written(wait=wait):
            for step in self._untold:
                self._tell("checkpoint", step)
            self._untold.clear()


def places(session: Session, job: Job, examples: Sequence[int]) -> str:
    """Where the rows of a step stand, of many the first; ``""`` if that is not known."""
    known = session.examples.get("train", ())
    found = sorted({row for i in examples for row in job.features[i].rows})
    rows = [known[row] for row in found if row < len(known)]
    named = [f"{PurePath(row.source).name}:{row.line}" for row in rows if row.line]
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return f"rows {', '.join(named[:NAMED])}{more}" if named else ""
