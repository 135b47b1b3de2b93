"""Evaluating a pretrained model as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskzoo.config import Training
from taskzoo.engine.progress import Progress
from taskzoo.engine.session import Session
from taskzoo.errors import RequestError
from taskzoo.option_names import option_name
from taskzoo.task import Task

from .base import Method

if TYPE_CHECKING:
    from taskzoo.engine.checkpoint import TrainingState


class Untrained(Method):
    """No training, for tasks that predict without it."""

    name = "none"
    takes_steps = False

    def describe(self, settings: Training) -> str:
        return "no training: the pretrained model is evaluated as it is"

    def check(self, task: Task, settings: Training) -> None:
        super().check(task, settings)
        if not task.predicts_untrained:
            raise RequestError(
                f"method={self.name} evaluates a model without training it, and {type(task).__name__} has nothing to "
                "predict with before it is trained; use another method."
            )

    def remedies(self) -> list[str]:
        return [f"training with another {option_name('method')}", f"another {option_name('model')}"]

    def freeze(self, session: Session) -> Any:
        return session.model.requires_grad_(False)

    def train(self, session: Session, state: TrainingState) -> Progress:
        return Progress()
