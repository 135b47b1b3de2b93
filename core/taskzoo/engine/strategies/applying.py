"""The objective of a run with all its strategies."""

from __future__ import annotations

from dataclasses import replace

from taskzoo.engine.job import Job
from taskzoo.engine.session import Session

from .adversarial import Adversarial
from .distillation import Distillation, taught
from .embeddings import token_embeddings
from .neftune import Neftune
from .rdrop import RDrop


def with_strategies(job: Job, session: Session) -> Job:
    """``job`` with the objective that the settings ask for; the same job where they ask for none.

    Outputs of a task pass through distillation first, then R-Drop, which has two of them; the noise of NEFTune is in
    every pass, and what is adversarial to the whole comes last.

    Raises:
        RequestError: the model has no table of token embeddings.
    """
    settings, task = session.settings, session.task
    objective = job.objective
    if session.teacher is not None:
        job = taught(job, session.teacher)
        shares = {"temperature": settings.distill_temperature, "share": settings.distill_share}
        objective = Distillation(objective, task, **shares)
    if settings.rdrop_alpha:
        objective = RDrop(objective, task, settings.rdrop_alpha)
    if settings.neftune_alpha:
        objective = Neftune(objective, token_embeddings(job.model), settings.neftune_alpha)
    if settings.adversarial_epsilon:
        tables, autocast = token_embeddings(job.model), session.accelerator.autocast
        objective = Adversarial(objective, tables, settings.adversarial_epsilon, autocast)
    return replace(job, objective=objective)
