"""Fitting the last linear layer only, on vectors that the frozen backbone gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskzoo.config import Training
from taskzoo.engine.progress import Progress
from taskzoo.engine.session import Session
from taskzoo.option_names import option_name

from .base import Method

if TYPE_CHECKING:
    from taskzoo.engine.checkpoint import TrainingState


class LinearProbe(Method):
    """Each text is encoded once, and the last layer is fitted to convergence; unlabelled texts help it."""

    name = "linear-probe"
    one_process = True
    takes_unlabelled = True
    encodes_once = True
    takes_steps = False

    def describe(self, settings: Training) -> str:
        return "linear probe: the backbone stays as it is, the last layer is fitted to convergence"

    def remedies(self) -> list[str]:
        return [option_name("method", "full"), f"another {option_name('model')}"]

    def freeze(self, session: Session) -> Any:
        from taskzoo.engine.last_layer import last_linear

        model = super().freeze(session)
        model.requires_grad_(False)
        last_linear(model).requires_grad_(True)
        return model

    def check_model(self, session: Session) -> None:
        from taskzoo.engine.probe import check_probe

        super().check_model(session)
        check_probe(session)

    def train(self, session: Session, state: TrainingState) -> Progress:
        """Fit the layer; there is nothing to resume."""
        from taskzoo.engine.probe import fit_last_layer

        return fit_last_layer(session)
