"""Training the backbone on pairs of texts, then fitting the last layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from taskzoo.config import Training
from taskzoo.engine.progress import Progress
from taskzoo.engine.session import Session
from taskzoo.engine.strategies.checks import OF_LOSS, refuse_strategies
from taskzoo.errors import RequestError
from taskzoo.task import Task
from taskzoo.types import Feature

from .base import Method, refuse_division

if TYPE_CHECKING:
    from taskzoo.engine.checkpoint import TrainingState


class Contrastive(Method):
    """Few labelled texts make many pairs of one class; unlabelled texts help the layer that is fitted afterwards."""

    name = "contrastive"
    one_process = True
    takes_unlabelled = True

    def describe(self, settings: Training) -> str:
        return f"{settings.contrastive_pairs} contrastive pairs per row, {super().describe(settings)}"

    def check(self, task: Task, settings: Training) -> None:
        from taskzoo.engine.contrastive import ContrastiveObjective

        refuse_strategies(self.name, settings, (*OF_LOSS, "gradual_unfreezing", "fsdp", "cuda_graphs"))
        refuse_division(ContrastiveObjective(task, settings.contrastive_temperature), f"method={self.name}", settings)

    def check_model(self, session: Session) -> None:
        """Rows need one class each, the head one vector per text, and something before it must be trained."""
        from taskzoo.engine.contrastive import by_class, split_names
        from taskzoo.engine.last_layer import last_linear
        from taskzoo.engine.probe import check_probe

        super().check_model(session)
        by_class(split_names(session.encoded["train"].features)[0])
        last = {id(p) for p in last_linear(session.model).parameters()}
        if not any(p.requires_grad and id(p) not in last for p in session.model.parameters()):
            raise RequestError("method=contrastive trains what is before the last layer, and all of that is frozen.")
        check_probe(session)

    def epoch_features(self, session: Session) -> Sequence[Feature]:
        from taskzoo.engine.contrastive import make_pairs, split_names

        texts, settings = split_names(session.encoded["train"].features)[0], session.settings
        pairs = make_pairs(texts, settings.contrastive_pairs, settings.seed)
        return [Feature(one.row, sum(text.length for text in one["pair"]), {}) for one in pairs]

    def train(self, session: Session, state: TrainingState) -> Progress:
        """Pull texts of one class together, and towards its name where there are names; then fit the last layer.

        The first of these is resumed.
        """
        from taskzoo.engine import contrastive
        from taskzoo.engine.embeddings import compact_table
        from taskzoo.engine.job import Job
        from taskzoo.engine.probe import fit_last_layer
        from taskzoo.engine.trainer import train

        settings, model = session.settings, session.model
        texts, names = contrastive.split_names(session.encoded["train"].features)
        objective = contrastive.ContrastiveObjective(session.task, settings.contrastive_temperature)
        pairs = contrastive.make_pairs(texts, settings.contrastive_pairs, settings.seed)
        with compact_table(session):
            start = contrastive.trained_weights(model) if settings.pretrained_share else {}
            job = Job(model, objective, pairs, contrastive.pair_collator(session.collate, names))
            progress = train(session, job, state)
            contrastive.average_weights(model, start, settings.pretrained_share)
            classifier = fit_last_layer(session)
        progress.seconds += classifier.seconds
        progress.tokens += classifier.tokens
        return progress
