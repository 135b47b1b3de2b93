"""The contract between the engine and a task plugin.

A plugin registers a :class:`TaskSpec` (data only, cheap to make). The spec names a class that fulfils
:class:`Task`; the engine imports it when a run needs it and makes one object per run. Core never knows a task
by name, and a plugin imports nothing of core below this file but helpers it chooses to use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from .errors import RequestError, UnknownNameError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CONTRACT_VERSION = 1
"""The contract this core implements. A spec that asks for a newer one is refused with a clear reason."""

IGNORE_INDEX = -100
"""The target id that no loss and no metric counts (PyTorch's ``ignore_index``)."""


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of a task (``--set name=value``).

    Args:
        default: the value when nothing is set; its type is the option's type (``None``: any).
        help: one line for ``zoo info``.
        choices: the only values allowed, when there are few.
        minimum: the smallest number allowed.
    """

    default: Any
    help: str
    choices: tuple[Any, ...] = ()
    minimum: float | None = None


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """What the registry knows of a task before any of its code is imported.

    Args:
        id: the bare name, lower-case (``"ner"``).
        entry_point: ``"package.module:Class"``, imported on first use.
        summary: one line for ``zoo tasks``.
        columns: role -> what it holds; the roles a row may have, e.g. ``{"tokens": "list of words"}``.
        options: the task's own settings.
        formats: file formats the task reads, most natural first (see :mod:`taskzoo.data.readers`).
        demo: ``"package:folder"`` that holds the built-in demo set's train/validation/test files.
        languages: role -> name of the option that says in which language its texts are, e.g. ``{"source": "source"}``;
            columns and files that are named by that language then hold the role.
        contract: the contract version the plugin was written for.
    """

    id: str
    entry_point: str
    summary: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)
    formats: tuple[str, ...] = ("jsonl", "json", "csv", "tsv", "parquet")
    demo: str | None = None
    languages: Mapping[str, str] = field(default_factory=dict)
    contract: int = CONTRACT_VERSION

    def resolve_options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options with their values: ``given`` over defaults.

        Raises:
            UnknownNameError: an option the task does not have.
            RequestError: a value of the wrong type, not among the choices or below the minimum.
        """
        for name in given:
            if name not in self.options:
                hint = f"Options of {self.id}: {', '.join(sorted(self.options)) or 'none'}."
                raise UnknownNameError(f"option of {self.id}", name, self.options, hint)
        return {
            name: check_value(name, given[name], option.default, option.choices, option.minimum)
            if name in given
            else option.default
            for name, option in self.options.items()
        }


def check_value(
    name: str, value: Any, default: Any, choices: tuple[Any, ...] = (), minimum: float | None = None
) -> Any:
    """``value`` as the type of ``default``, or a one-line error (shared by task options and training settings)."""
    wanted = type(default)
    if value is None and default is None:
        return None
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if wanted is float and isinstance(value, str):  # YAML 1.1 reads 3e-4 as a string
        try:
            value = float(value)
        except ValueError:
            raise RequestError(f"{name}={value!r} is not a number.") from None
    if wanted is str and isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if default is not None and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
        raise RequestError(f"{name}={value!r} must be of type {wanted.__name__}, like the default {default!r}.")
    if choices and value not in choices:
        raise RequestError(f"{name}={value!r} is not one of {', '.join(map(str, choices))}.")
    if minimum is not None and isinstance(value, (int, float)) and not value >= minimum:
        raise RequestError(f"{name}={value!r} must be at least {minimum:g}.")
    return value


@dataclass(frozen=True, slots=True)
class Row:
    """One example as a reader found it.

    ``fields`` maps roles (:attr:`TaskSpec.columns`) to values; ``source`` and ``line`` (1-based, 0 unknown) say
    where it stands, for error messages.
    """

    fields: Mapping[str, Any]
    source: str = "input"
    line: int = 0

    def __getitem__(self, role: str) -> Any:
        return self.fields[role]

    def get(self, role: str, default: Any = None) -> Any:
        return self.fields.get(role, default)


Feature = dict[str, Any]
"""One model input made from (part of) a row. Must hold ``input_ids`` (list of int) and ``row`` (index of its row); may
hold ``target_length``, the tokens on the decoder's side, by which batches are planned, too."""

Batch = dict[str, dict[str, Any]]
"""``{"inputs": tensors passed to model(**inputs), "targets": what loss and decode need besides}``."""

Prediction = dict[str, Any]
"""A typed, JSON-serialisable prediction for a whole row; references have the same form.

Keys that begin with ``_`` are for metrics only and may hold anything, e.g. an array of probabilities: :func:`public`.
"""


def public(prediction: Prediction) -> Prediction:
    """The prediction without the keys that are for metrics only: what is written and returned."""
    return {name: value for name, value in prediction.items() if not name.startswith("_")}


@dataclass(slots=True)
class Encoded:
    """The result of :meth:`Task.encode`: features in row order, and counts of what did not fit or was noticed.

    ``counts`` is shown in the summary and kept in the manifest, e.g. ``{"truncated_rows": 3, "windows": 40}``.
    """

    features: list[Feature]
    counts: dict[str, int] = field(default_factory=dict)


class Metric(Protocol):
    """What :meth:`Task.metrics` returns: an ``evaluate`` module that also gives per-example statistics.

    It has one of two methods that turn statistics into named scores (NaN: undefined):

    * ``scores(total)``: from summed statistics of shape ``[k]``, for a score that is a function of sums;
    * ``weighted_scores(statistics, weights)``: from statistics ``[examples, k]`` and how often each example counts,
      ``[examples]``, for any other. Counting an example twice must equal having it twice.
    """

    def compute(
        self, *, predictions: Sequence[Any], references: Sequence[Any]
    ) -> dict[str, Any] | None: ...  # pragma: no cover

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """What the scores need of each example, which depends on no other. Shape ``[examples, k]``, float64."""
        ...  # pragma: no cover

    def details(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, Any]:
        """Anything further worth reporting, e.g. scores per label. May be empty."""
        ...  # pragma: no cover


@runtime_checkable
class Task(Protocol):
    """One object per run, made with its resolved options. Methods are called in the order below; all but ``prepare``
    and ``rows_from_texts`` see prepared rows."""

    primary_metric: str
    """The metric that chooses the best checkpoint (``"f1"``); ``"loss"`` is the only one that is minimised."""

    def __init__(self, options: Mapping[str, Any]) -> None: ...  # pragma: no cover

    def prepare(self, rows: Sequence[Row], split: str) -> list[Row]:
        """Validate and normalise the rows of one split (``train``, ``validation``, ``test`` or ``predict``).

        Raises:
            DataError: with file and line, for anything that cannot be used.
        """
        ...

    def fit(self, rows: Sequence[Row]) -> None:
        """Learn what is needed (label set, ...) from prepared training rows only."""
        ...

    def encode(self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase) -> Encoded:
        """Prepared rows to features; one row gives one or more. Nothing is lost silently: it is counted."""
        ...

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        """The backbone at ``checkpoint`` (directory or hub id) with this task's head.

        The result loads later with plain ``transformers``. ``loading`` is passed on to ``from_pretrained``.
        """
        ...

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Callable[[Sequence[Feature]], Batch]:
        """A function from a list of features to one padded batch."""
        ...

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
        """``(sum over active targets, number of active targets)``, both scalars.

        The engine divides once, over all micro-batches and ranks. ``label_smoothing`` is 0 outside training.
        """
        ...

    def decode(self, outputs: Any, batch: Batch) -> list[Any]:
        """One small part per feature of the batch; logits are reduced here and never kept."""
        ...

    def assemble(self, rows: Sequence[Row], parts: Sequence[Sequence[Any]]) -> list[Prediction]:
        """One prediction per row; ``parts[i]`` are the decoded parts of row ``i`` in feature order."""
        ...

    def references(self, rows: Sequence[Row]) -> list[Prediction]:
        """The gold answer of each row, untruncated, in the form of predictions."""
        ...

    def metrics(self) -> Sequence[Metric]:
        """The metrics to compute, offline, from predictions and references."""
        ...

    def rows_from_texts(self, texts: Sequence[str]) -> list[Row]:
        """Prepared rows for plain texts without labels (``zoo predict``)."""
        ...

    def signature(self, row: Row) -> tuple[str, str]:
        """``(input, target)`` as strings: finds duplicates across splits, conflicting labels, and strata."""
        ...

    def state(self) -> dict[str, Any]:
        """All that prediction needs later, JSON-serialisable; stored as ``model/task.json``."""
        ...

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Task:
        """The inverse of :meth:`state`."""
        ...


class TaskExtras(Protocol):
    """What a task may have besides; each member works alone, and the run goes without those that are missing."""

    probe_first: bool
    """Whether ``full`` and ``lora`` training start from the head of a linear probe where the setting does not say."""

    many_targets: bool
    """Whether one input may well have several targets, which are texts: they are then no conflict, and no strata."""

    languages: Mapping[str, str]
    """role -> code of its texts' language, known from options or rows; files are read by it instead of the options."""

    later_options: Sequence[str]
    """Names of the options that can be changed after training. ``from_state`` takes them from ``state["options"]``."""

    def describe(self) -> str:
        """One line, shown before training: what ``fit`` inferred, such as the kind and number of labels."""
        ...  # pragma: no cover

    def classes(self, row: Row) -> Sequence[str]:
        """The classes of a prepared row, by which ``shots`` takes its share."""
        ...  # pragma: no cover

    def sift(self, rows: Sequence[Row]) -> tuple[list[Row], dict[str, int]]:
        """The prepared training rows to learn from, and how often which oddity was found, for the manifest.

        Only what is left for training once the splits are made comes here, so that no score is of chosen rows.
        """
        ...  # pragma: no cover

    def added_rows(self, rows: Sequence[Row]) -> list[Row]:
        """Prepared rows to train on besides the training rows, made from these; none unless an option asks."""
        ...  # pragma: no cover

    def tune(self, rows: Sequence[Row], parts: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """Settle what only held-out rows can tell (temperature, thresholds), after training.

        Args:
            rows: prepared validation rows.
            parts: what ``decode`` gave for each, in feature order.

        Returns:
            Facts for the manifest. What was learnt goes into ``state()``.
        """
        ...  # pragma: no cover

    def baseline(self, rows: Sequence[Row], seed: int) -> Callable[[Sequence[Row]], list[Prediction]]:
        """A plain model fitted on prepared training rows, to see whether the transformer earns its cost."""
        ...  # pragma: no cover

    def adapt(self, tokenizer: PreTrainedTokenizerBase, config: Any) -> None:
        """Fit task and checkpoint to each other before anything is encoded: language codes, prefixes, the input's form.

        Args:
            tokenizer: may be changed in place, but for its vocabulary.
            config: the checkpoint's ``transformers`` configuration.

        Raises:
            RequestError: the checkpoint cannot do what the options ask.
        """
        ...  # pragma: no cover

    def vocabulary_texts(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        """Texts of prepared training rows for the tokenizer of a model from scratch: of inputs and of targets."""
        ...  # pragma: no cover

    def forward(self, model: Any, batch: Batch) -> Any:
        """The outputs that ``loss`` and ``decode`` read; ``model(**batch["inputs"])`` for tasks without it."""
        ...  # pragma: no cover

    def generate(self, model: Any, batch: Batch) -> list[Any]:
        """Parts as ``decode`` would give them, for a task whose predictions are generated; ``decode`` is not called."""
        ...  # pragma: no cover
