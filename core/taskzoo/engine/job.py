"""What the training loop trains, and on what."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn

from taskzoo.task import Objective
from taskzoo.types import LOSS, Collate, Feature, Score

from .evaluation import decode_split
from .progress import Progress
from .scoring import assemble, score
from .session import Session

SHARE = (0.0, 1.0)
"""The range of scores that are shares."""


@dataclass(frozen=True, slots=True)
class Job:
    """What the loop trains, and on what.

    Attributes:
        model: trained in place.
        objective: what gives the loss.
        features: of the training examples; ``collate`` makes batches of them.
        evaluate: scores of the model on validation rows; ``None``: there are none, and the last weights are kept.
        rows: how many validation rows there are.
        score: the one of these that chooses the best weights.
        evaluate_start: whether the weights that training starts from are the first candidates for the best.
        start_scores: what ``evaluate`` would give for those weights, where that is known.
        progress: where the training stands; counted up in place.
    """

    model: nn.Module
    objective: Objective
    features: Sequence[Feature]
    collate: Collate
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None
    rows: int = 0
    score: Score = LOSS
    evaluate_start: bool = False
    start_scores: Mapping[str, float] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)

    def value(self, scores: Mapping[str, float]) -> float:
        """What the weights with these scores are chosen by; ``score`` says which of two values is better.

        While ``score`` is below its floor, a share of nothing at all, or undefined on these rows, it tells nothing, and
        the least loss is the best: the value is then the negative loss, which is worse than any share above 0.
        """
        score, value = self.score, scores[self.score.name]
        nothing = math.isnan(value) or value < score.floor or (value == 0 and score.range == SHARE)
        return -scores[LOSS.name] if nothing and score.higher_is_better and LOSS.name in scores else value

    def by_loss(self, value: float) -> bool:
        """Whether a :meth:`value` is a negative loss."""
        return self.score.higher_is_better and value < min(self.score.range[0], 0.0)

    def shown(self, value: float) -> str:
        """A value as a person reads it: ``f1 of 0.5000``."""
        return f"{LOSS.name} of {-value:.4f}" if self.by_loss(value) else f"{self.score.name} of {value:.4f}"

    def keeps(self, value: float, highest: float | None, start: float | None) -> bool:
        """Whether weights with ``value`` are kept rather than earlier ones, of which the best have ``highest``.

        They are if they are better, or not worse by more than chance, one standard error, as training on is what makes
        weights better (the rule is that of Breiman et al. 1984 for trees); but never if they are worse than those that
        training started from, with ``start``. A share of ``rows`` that are right has at most the standard error of a
        binomial one; for other scores only better is good enough.
        """
        score = self.score
        if start is not None and score.better(start, value):
            return False
        if highest is None or score.better(value, highest):
            return True
        if not self.rows or not score.higher_is_better or score.range != SHARE or not 0 <= highest <= 1:
            return False
        return value >= highest - math.sqrt(highest * (1 - highest) / self.rows)


def task_job(session: Session) -> Job:
    """The job of most methods: the model of ``session`` on its training rows, with the loss of its task."""
    task, examples = session.task, session.examples.get("validation", ())

    def evaluate(model: nn.Module) -> dict[str, float]:
        decoded = decode_split(session, model, "validation", "validating", to_the_end=True)
        return score(task, examples, assemble(task, examples, decoded)).scores

    features, chooses = session.training_features, task.score_of(task.primary_metric)
    scored_by = evaluate if examples else None
    return Job(session.trained, task, features, session.collate, scored_by, len(examples), chooses)
