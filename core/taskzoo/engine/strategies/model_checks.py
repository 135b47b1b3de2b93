"""What strategies need of the model, found out before anything is written."""

from __future__ import annotations

from taskzoo.config import Training
from taskzoo.engine.freezing import parameters_by_depth
from taskzoo.engine.optim import build_optimizer
from taskzoo.engine.session import Session
from taskzoo.errors import RequestError

from .embeddings import token_embeddings


def check_model_for_strategies(session: Session) -> None:
    """Raise :class:`RequestError` where the loaded model lacks what the settings ask for."""
    settings, model = session.settings, session.trained
    if settings.cuda_graphs and session.accelerator.num_processes > 1:
        raise RequestError(
            "cuda_graphs=true replays what one process gives to its GPU, without the exchange between processes; leave "
            "it out, or leave --processes at 1."
        )
    if settings.adversarial_epsilon or settings.neftune_alpha:
        token_embeddings(model)
    if settings.gradual_unfreezing:
        parameters_by_depth(model)
    if (settings.optimizer, settings.layer_decay) != (Training.optimizer, Training.layer_decay):
        build_optimizer(model, settings)
