"""Training all weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskzoo.config import Training
from taskzoo.engine.progress import Progress
from taskzoo.engine.session import Session
from taskzoo.engine.strategies.checks import check_strategies
from taskzoo.errors import RequestError
from taskzoo.task import Task

from .base import Method, refuse_division

if TYPE_CHECKING:
    from taskzoo.engine.checkpoint import TrainingState


class Full(Method):
    """The training loop with the task's loss.

    With ``probe_first`` it starts from a head that fits the backbone as it is, so that a random one does not spoil it
    (Kumar et al. 2022).
    """

    name = "full"
    _probe_first = False

    def likes_probe(self, task: Task) -> bool:
        """Whether training starts from a probe where one can be fitted and the setting does not say."""
        return task.probe_first

    def check(self, task: Task, settings: Training) -> None:
        check_strategies(task, settings)
        refuse_division(task, type(task).__name__, settings)

    def check_model(self, session: Session) -> None:
        """Where ``probe_first`` asks for a probe, the head must allow one; where the task would like one, it may."""
        from taskzoo.engine.probe import check_probe
        from taskzoo.engine.strategies.model_checks import check_model_for_strategies

        super().check_model(session)
        check_model_for_strategies(session)
        task, processes, asked = session.task, session.accelerator.num_processes, session.settings.probe_first
        refuse_division(task, type(task).__name__, session.settings, processes)
        if asked or (asked is None and self.likes_probe(task) and processes == 1):
            try:
                check_probe(session, tokens=True)
                self._probe_first = True
            except RequestError:
                if asked:
                    raise

    def train(self, session: Session, state: TrainingState) -> Progress:
        from taskzoo.engine.embeddings import compact_table
        from taskzoo.engine.job import task_job
        from taskzoo.engine.probe import fit_last_layer
        from taskzoo.engine.strategies.applying import with_strategies
        from taskzoo.engine.trainer import train

        job = with_strategies(task_job(session), session)
        with compact_table(session):
            if state.exists():
                state.weigh_classes(session.task)
            elif self._probe_first:
                job.progress.weighting, job.progress.from_probe = fit_last_layer(session, start=True).weighting, True
            return train(session, job, state)
