"""What passes between the engine and a task, from a row in a file to a score.

A row takes five forms on its way: :class:`Row` (as read), :class:`Example` (checked), :class:`Feature` (encoded),
:class:`Batch` (padded tensors) and a prediction (plain values).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    import torch

IGNORE_INDEX = -100
"""The target id that no loss and no metric counts (PyTorch's ``ignore_index``)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a reader found it, before any task has looked at it.

    Args:
        fields: role (:attr:`TaskSpec.columns`) -> value.
        source: the file or other place it comes from, for messages.
        line: where it stands there, from 1; 0 if unknown.
    """

    fields: Mapping[str, Any]
    source: str = "input"
    line: int = 0

    def __getitem__(self, role: str) -> Any:
        return self.fields[role]

    def get(self, role: str, default: Any = None) -> Any:
        return self.fields.get(role, default)

    def example(self, **fields: Any) -> Example:
        """A prepared row at the same place."""
        return Example(fields, self.source, self.line)


@dataclass(frozen=True, slots=True)
class Example:
    """One row after :meth:`Task.prepare`: checked, in the form that the task chose, and still with its place."""

    fields: Mapping[str, Any]
    source: str = "input"
    line: int = 0

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.fields.get(name, default)


@dataclass(slots=True)
class Feature:
    """One model input, made from an example or from a part of one.

    Args:
        row: index of its example.
        length: what it costs on the input side, in tokens (or frames, patches, ...); batches are planned by it.
        values: what the collator needs. Token ids stand under names that end in ``ids``, in lists nested as deeply as
            the task likes: :meth:`Task.token_ids` finds them there.
        target_length: what it costs on the decoder's side, in tokens.
        also: indices of further examples, in order, where it holds several: :meth:`Task.pack`.
    """

    row: int
    length: int
    values: dict[str, Any]
    target_length: int = 0
    also: tuple[int, ...] = ()

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.values.get(name, default)

    @property
    def rows(self) -> tuple[int, ...]:
        """The indices of all its examples."""
        return (self.row, *self.also)


@dataclass(slots=True)
class Encoded:
    """The result of :meth:`Task.encode`.

    Args:
        features: in the order of their examples; every example has at least one.
        counts: what did not fit or was noticed, e.g. ``{"truncated_rows": 3}``; shown and kept in the manifest.
    """

    features: Sequence[Feature]
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Batch:
    """Features as one padded batch.

    A collator gives arrays or tensors. The engine makes tensors of arrays when it moves a batch to the device; an
    exported model gets arrays and gives arrays, without torch.

    Args:
        inputs: what :meth:`Task.forward` passes to the model by name.
        targets: what loss and decoding need besides; arrays, tensors or anything else.
    """

    inputs: dict[str, Any]
    targets: dict[str, Any]


@dataclass(slots=True)
class Loss:
    """The loss of one batch as a sum and a weight, so that the engine can normalise once over a whole step.

    Args:
        total: the sum over active targets that is minimised, a scalar.
        weight: the number of active targets, a scalar.
        reported: the sum on the true labels, where ``total`` is something else (label smoothing, an auxiliary term);
            ``None``: the same.
    """

    total: torch.Tensor
    weight: torch.Tensor
    reported: torch.Tensor | None = None


LogitKind = Literal["softmax", "sigmoid", "value"]
"""One of several labels; any number of them, each decided for itself; or a number."""


@dataclass(frozen=True, slots=True)
class LogitTargets:
    """What the logits of a task's targets are of.

    Args:
        kind: how they are read.
        names: of the labels, in the order of the logits; none where they are numbers or tokens of a vocabulary.
    """

    kind: LogitKind
    names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SavedModel:
    """The model of a run, as it was saved.

    Args:
        folder: where it is.
        shown: how texts for people name the folder.
        processor: what was saved with it.
        own_code: whether its head is code in the folder, so that loading it takes ``trust_remote_code=True``.
    """

    folder: Path
    shown: str
    processor: Any
    own_code: bool = False


NO_SCALING = (1.0, 0.0)
"""Factor and offset of logits that are as the model gives them: :attr:`Task.logit_scaling`."""

Prediction = dict[str, Any]
"""A typed, JSON-serialisable prediction for a whole row; references have the same form.

Keys that begin with ``_`` are for metrics only and may hold anything, e.g. an array of probabilities: :func:`public`.
"""

Collate = Callable[[Sequence[Feature]], Batch]
"""From features to one padded batch."""

Scorer = Callable[["np.ndarray"], dict[str, float]]
"""Named scores from weights of shape ``[units]``: how often each unit counts. NaN: undefined."""


def public(prediction: Prediction) -> Prediction:
    """The prediction without the keys that are for metrics only: what is written and returned."""
    return {name: value for name, value in prediction.items() if not name.startswith("_")}


@dataclass(frozen=True, slots=True)
class Score:
    """What one number of a metric means.

    Args:
        name: its key in ``metrics.json``. A name that ends in ``*`` stands for all that begin so.
        higher_is_better: the direction.
        range: the least and the greatest value there can be.
        unit: in which it is given, for people (``"%"``, ``"nats"``); empty for plain fractions.
        floor: values below it are noise and choose no checkpoint, for scores of which more is better.
        empty: what is reported where there is nothing to count, such as the precision of no predictions, for which the
            scorer gives NaN.
    """

    name: str
    higher_is_better: bool = True
    range: tuple[float, float] = (0.0, 1.0)
    unit: str = ""
    floor: float = -math.inf
    empty: float = math.nan

    def describes(self, name: str) -> bool:
        """Whether the number ``name`` is this score."""
        return name.startswith(self.name[:-1]) if self.name.endswith("*") else name == self.name

    def better(self, value: float, other: float) -> bool:
        """Whether ``value`` is better than ``other``; an undefined score (NaN) is worse than any other."""
        if math.isnan(value) or math.isnan(other):
            return math.isnan(other) and not math.isnan(value)
        return value > other if self.higher_is_better else value < other


LOSS = Score("loss", higher_is_better=False, range=(-math.inf, math.inf))
"""The loss per active target, which the engine reports of every task."""


class Metric(ABC):
    """Scores of predictions against references, with all that an interval and a paired comparison need.

    The data are first reduced to statistics, one item for each unit that a bootstrap may draw: an example, or a group
    of them where the score is about groups (a ranking for each query). Scores are then a function of how often each
    unit counts. :class:`taskzoo.metrics.base.CorpusMetric` is the short form for scores that are functions of sums.
    """

    scores: Sequence[Score] = ()
    """What it gives, the most important first."""

    resamples: bool = True
    """Whether bootstrap intervals are made, which call the scorer about 1,000 times."""

    by_row: bool = False
    """Whether each example is a unit, so that :meth:`statistics` of parts of the examples can be put together."""

    constant_name: str = ""
    """What :meth:`constant` is, for people: ``the most frequent label``."""

    @abstractmethod
    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> Sized:
        """What the scores need of each unit, which depends on no other; usually an array ``[units, k]``, float64."""

    @abstractmethod
    def scorer(self, statistics: Any) -> Scorer:
        """The scores as a function of weights; counting a unit twice must equal having it twice."""

    def details(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> dict[str, Any]:
        """Anything further worth reporting, e.g. scores per label. May be empty."""
        return {}

    def constant(self, references: Sequence[Prediction]) -> Prediction | None:
        """The one prediction to give where nothing is known of a row: the most frequent label, the mean.

        A run says if its model is no better than that, or gives one answer to (nearly) all rows; an answer is what the
        keys of this prediction hold. ``None``: there is no such thing.
        """
        return None

    def compute(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> dict[str, float]:
        """The scores of these predictions, each unit counted once."""
        return self.of_all(self.statistics(predictions, references))

    def of_all(self, statistics: Any) -> dict[str, float]:
        """The scores of all units, each counted once; of a score without anything to count, :attr:`Score.empty`."""
        import numpy as np

        found = self.scorer(statistics)(np.ones(len(statistics)))
        if not len(statistics):
            return found
        empty = {name: score.empty for score in self.scores for name in found if score.describes(name)}
        return {name: empty.get(name, value) if math.isnan(value) else value for name, value in found.items()}
