"""What a training method is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from taskzoo.config import SCHEDULE_FREE, Training
from taskzoo.engine.progress import Progress
from taskzoo.engine.session import Session
from taskzoo.engine.strategies.checks import refuse_strategies, strategies_asked
from taskzoo.errors import RequestError
from taskzoo.option_names import option_name
from taskzoo.task import Objective, Task
from taskzoo.types import Feature

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from taskzoo.engine.checkpoint import TrainingState


class Method(ABC):
    """From a pretrained model with a fresh head to trained weights. One object per run; members are called in order.

    Attributes:
        name: what ``--method`` takes.
        one_process: it cannot be divided over processes.
        takes_unlabelled: unlabelled texts (``--unlabelled``) help it.
        keeps_adapter: what it trains is also saved apart, as ``RUN/adapter``.
        takes_steps: it computes gradients of the model, so it needs memory for these and for activations.
        encodes_once: the backbone stays as it is, so a learning curve encodes each text once for all of its subsets.
        most_attempts: how often it trains at most.
    """

    name: ClassVar[str]
    one_process: ClassVar[bool] = False
    takes_unlabelled: ClassVar[bool] = False
    keeps_adapter: bool = False
    encodes_once: ClassVar[bool] = False
    takes_steps: ClassVar[bool] = True
    most_attempts: ClassVar[int] = 1

    def describe(self, settings: Training) -> str:
        """The settings people ask about first, in one line; by default those of the training loop."""
        epochs = f"{settings.epochs:g} epochs" + (
            f", at least {settings.min_steps} steps" if settings.min_steps else ""
        )
        length = f"{settings.max_steps} steps" if settings.max_steps else epochs
        batch = f"batch of {settings.batch_tokens} tokens" if settings.batch_tokens else f"batch {settings.batch_size}"
        rate = f"learning rate {settings.learning_rate:g}"
        frozen = [f"frozen: {settings.freeze}"] if settings.freeze else []
        schedule = [] if settings.optimizer == SCHEDULE_FREE else [f"{settings.schedule} schedule"]
        further = strategies_asked(settings)
        return ", ".join([length, batch, rate, settings.optimizer, *schedule, *frozen, *further])

    def remedies(self) -> list[str]:
        """What to try where a model has learnt little or nothing, the most promising first."""
        probe = option_name("method", "linear-probe")
        return [f"a lower {option_name('learning_rate')}", probe, f"another {option_name('model')}"]

    def check(self, task: Task, settings: Training) -> None:
        """Refuse what cannot work, from the rows and settings alone; nothing heavy is loaded yet.

        By default strategies of the training loop are refused.

        Raises:
            RequestError: the task or the settings do not suit the method.
        """
        refuse_strategies(self.name, settings)

    def freeze(self, session: Session) -> Any:
        """Say which parameters train, by ``requires_grad``, by default those that the setting ``freeze`` leaves.

        Returns:
            The model to train, which may be wrapped (adapters).
        """
        from taskzoo.engine.freezing import freeze

        freeze(session.model, session.settings.freeze)
        return session.model

    def check_model(self, session: Session) -> None:
        """Refuse a model, a head or features that do not suit, before anything is written.

        Raises:
            RequestError: as :meth:`check`.
        """
        refuse_processes(type(self), session.accelerator.num_processes)
        if session.settings.unpadded:
            from taskzoo.models.unpadded import check_unpadded

            check_unpadded(session.model)

    def epoch_features(self, session: Session) -> Sequence[Feature]:
        """What one pass of training sees, for forecasts of its time: as many as it has examples, as long as they are.

        By default the features of the training rows, packed if the task packs them.
        """
        return session.training_features

    @abstractmethod
    def train(self, session: Session, state: TrainingState) -> Progress:
        """Train ``session.trained`` in place, resuming from ``state`` where it holds one.

        Raises:
            TrainingError: training failed; the last state is kept.
            Interrupted: stopped on request, after saving the state.
        """

    def facts(self) -> dict[str, Any]:
        """What the manifest keeps of the training besides its counts, after it; JSON-serialisable."""
        return {}

    def doubts(self) -> Sequence[str]:
        """Sentences, after training, on what it chose without enough to choose by; they stand above the scores."""
        return ()

    def finish(self, session: Session) -> PreTrainedModel:
        """The plain model to save, adapters merged."""
        return session.model


def refuse_processes(method: type[Method], processes: int) -> None:
    """Raise :class:`RequestError` if ``method`` cannot be divided over so many processes."""
    if method.one_process and processes > 1:
        raise RequestError(f"method={method.name} runs in one process; leave --processes at 1.")


def refuse_division(objective: Objective, name: str, settings: Training, processes: int = 1) -> None:
    """Raise :class:`RequestError` if steps of ``name``, whose loss compares the examples of a batch, are divided."""
    if objective.batch_coupled and (settings.micro_batch_size or processes > 1):
        raise RequestError(
            f"The loss of {name} compares the examples of a batch; leave micro_batch_size at 0 and "
            "train in one process."
        )
