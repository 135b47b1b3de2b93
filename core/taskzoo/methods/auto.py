"""What is best without knowing better: a linear probe first, then all weights, and the better of the two."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskzoo.config import Training
from taskzoo.engine.progress import Progress
from taskzoo.engine.session import Session
from taskzoo.engine.strategies.checks import OF_LOOP, OF_LOSS, strategies_asked
from taskzoo.errors import NotFiniteError, RequestError
from taskzoo.option_names import option_name
from taskzoo.task import Task

from .full import Full
from .lora import Lora

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from taskzoo.engine.checkpoint import TrainingState
    from taskzoo.engine.job import Job

SLOWER = 0.25
"""What the second attempt multiplies the learning rate by."""
FEW = 64
"""Without validation rows, at most so many training rows per class are left to the probe alone."""
FEW_TO_CHOOSE_BY = 50
"""With fewer validation rows, and scores within two standard errors of a share, it is said that the choice is one of
chance."""
LORA_RATE, LORA_HIGHEST = 3.0, 1e-3
"""Adapters are trained at so many times the rate of all weights, at most at the second of these. Ten times, which is
customary from a random head, was too much from that of a probe: 0.727 of 0.790 on film reviews, three times 0.787."""


class Auto(Full):
    """Linear probing, then fine-tuning (Kumar et al. 2022), scored on the validation rows from the probe on.

    The probe is the first candidate for the best weights, so by validation the result is never worse than the probe.
    Where training only made it worse, it starts again from the probe at a lower rate, once. Where no probe can be
    fitted, it is full training. LoRA takes the place of full training where memory is short.
    """

    name = "auto"
    most_attempts = 2

    def __init__(self) -> None:
        self._facts: dict[str, Any] = {}
        self._doubts: list[str] = []
        self._broken_off: int | None = None  # the last step of an attempt whose loss was no longer finite

    def describe(self, settings: Training) -> str:
        return self._way(settings.auto_trains).describe(settings)

    def remedies(self) -> list[str]:
        return [f"a lower {option_name('learning_rate')}", f"another {option_name('model')}"]

    def facts(self) -> dict[str, Any]:
        return {"auto": self._facts} if self._facts else {}

    def doubts(self) -> Sequence[str]:
        return self._doubts

    # what is trained

    def freeze(self, session: Session) -> Any:
        """All weights, or adapters where memory is short; the session's settings say which from here on."""
        if session.settings.auto_trains is None:
            session.settings = self._choose(session)
        way = self._way(session.settings.auto_trains)
        self.keeps_adapter = way.keeps_adapter
        return way.freeze(session)

    def finish(self, session: Session) -> PreTrainedModel:
        return self._way(session.settings.auto_trains).finish(session)

    @staticmethod
    def _way(trains: str | None) -> Full:
        return Lora() if trains == Lora.name else Full()

    @staticmethod
    def _choose(session: Session) -> Training:
        from taskzoo.engine.lora import target_modules
        from taskzoo.engine.memory import available_memory, training_memory

        settings = session.settings
        full = replace(settings, auto_trains=Full.name)
        if session.accelerator.num_processes > 1:
            return full
        needed, there = training_memory(session), available_memory(session.accelerator.device)
        if needed <= there:
            return full
        try:
            target_modules(session.model, settings.lora_targets)
        except RequestError:
            return full
        rate = max(settings.learning_rate, min(LORA_RATE * settings.learning_rate, LORA_HIGHEST))
        session.reporter.say(
            f"memory    training all weights needs about {needed / 2**30:.1f} GiB, and {there / 2**30:.1f} GiB are "
            f"free: training adapters (LoRA) at a learning rate of {rate:g} instead"
        )
        return replace(settings, auto_trains=Lora.name, learning_rate=rate)

    # training

    def likes_probe(self, task: Task) -> bool:
        return True

    def train(self, session: Session, state: TrainingState) -> Progress:
        from taskzoo.engine.embeddings import compact_table
        from taskzoo.engine.job import task_job
        from taskzoo.engine.probe import fit_last_layer
        from taskzoo.engine.strategies.applying import with_strategies
        from taskzoo.engine.trainer import train

        again = state.again()
        saved = next((one for one in (again, state) if one.exists()), None)
        probe_first = self._probe_first if saved is None else saved.from_probe(unknown=self._probe_first)
        if not probe_first:  # also of a run that began in another number of processes
            return super().train(session, state)
        job = replace(with_strategies(task_job(session), session), evaluate_start=True)
        with compact_table(session):
            if saved is not None:
                saved.weigh_classes(session.task)
            else:
                fitted = fit_last_layer(session, start=True)
                job.progress.weighting, job.progress.from_probe = fitted.weighting, True
                job = replace(job, start_scores=fitted.scores)
                if _too_few_to_train_on(session):
                    few = f"No validation rows, and at most {FEW} training rows per class"
                    session.reporter.say(f"{few}: the linear probe is the result{_without_effect(session.settings)}.")
                    self._facts = {"kept": "probe", "restarted": False}
                    return fitted
            if job.evaluate is None:
                self._facts = {"kept": "trained", "restarted": False}
                return train(session, job, state)
            if not again.exists():
                self._attempt(session, job, state)
            restarted = again.exists() or session.accelerator.decided(self._worth_another(session, job))
            if restarted:
                self._broken_off = None
                job = replace(job, start_scores={}, progress=job.progress.after())
                slower = replace(session.settings, learning_rate=SLOWER * session.settings.learning_rate)
                self._attempt(replace(session, settings=slower), job, again)
            self._conclude(session, job, restarted)
        return job.progress

    def _attempt(self, session: Session, job: Job, state: TrainingState) -> None:
        """Train to the best weights; where the loss is no longer finite, the best so far are those, which is said."""
        from taskzoo.engine.trainer import train

        try:
            train(session, job, state)
        except NotFiniteError as error:
            if job.progress.best_score is None:
                raise
            session.reporter.say(f"warning   {error}")
            state.load_best(job.model)
            self._broken_off = job.progress.steps

    @staticmethod
    def _worth_another(session: Session, job: Job) -> bool:
        """Whether training made the probe worse, and there is time to try again."""
        progress, settings = job.progress, session.settings
        start, trained = progress.start_score, progress.trained_score
        if start is None or (trained is not None and not job.score.better(start, trained)):
            return False
        if progress.shortened:
            return False  # what the limit left is used up
        told = f"Training did not reach the linear probe's validation {job.shown(start)}"
        if session.ends is not None and session.ends - time.perf_counter() < progress.seconds / 2:
            session.reporter.say(f"{told}; the time limit leaves no time for a second attempt.")
            return False
        rate = SLOWER * settings.learning_rate
        session.reporter.say(f"{told}: starting again from the probe at a learning rate of {rate:g}.")
        return True

    def _conclude(self, session: Session, job: Job, restarted: bool) -> None:
        progress = job.progress
        kept = "trained" if progress.best_step else "probe"
        trained = progress.best_score if progress.best_step else progress.trained_score
        scores = {"probe": progress.start_score, "trained": trained}
        if self._broken_off is not None and kept == "trained":
            self._doubts.append(
                f"Training broke off after step {self._broken_off}, where the loss was not finite; the weights of step "
                f"{progress.chosen_step} are kept. Try a lower {option_name('learning_rate')}."
            )
        by_loss = [value for value in scores.values() if value is not None and job.by_loss(value)]
        if by_loss:
            self._doubts.append(
                f"The validation rows gave no {job.score.name} that says anything, so their loss chose the "
                f"{'trained weights' if kept == 'trained' else 'linear probe'}; they need rows of every class, and "
                "entities or labels to find."
            )
        finite = {
            name: value
            for name, value in scores.items()
            if value is not None and math.isfinite(value) and not job.by_loss(value)
        }
        self._facts = {"score": job.score.name, **dict.fromkeys(scores), **finite}
        self._facts |= {"kept": kept, "restarted": restarted}
        if restarted:
            self._facts["second_learning_rate"] = SLOWER * session.settings.learning_rate
        start, score = progress.start_score, job.score
        if by_loss or kept == "probe" or start is None or trained is None or job.rows >= FEW_TO_CHOOSE_BY:
            return
        is_share = score.range == (0.0, 1.0) and 0 <= start <= 1
        if is_share and trained - start < 2 * math.sqrt(start * (1 - start) / job.rows):
            self._doubts.append(
                f"Only {job.rows} validation rows chose training ({score.name} {trained:.3f}) and not the linear probe "
                f"({start:.3f}), too few to tell them apart. Compare with {option_name('method', 'linear-probe')}."
            )


def _without_effect(settings: Training) -> str:
    """A clause on the strategies that are for a training which does not take place."""
    asked = strategies_asked(settings, (*OF_LOSS, *OF_LOOP, "optimizer"))
    named = " and ".join(filter(None, [", ".join(asked[:-1]), *asked[-1:]]))
    return f", so {named} {'have' if len(asked) > 1 else 'has'} no effect" if asked else ""


def _too_few_to_train_on(session: Session) -> bool:
    examples, task = session.examples["train"], session.task
    classes = {name for example in examples for name in task.classes(example)}
    return not session.examples.get("validation") and bool(classes) and len(examples) <= FEW * len(classes)
