"""The contract between the engine and a task.

A plugin registers a :class:`~taskzoo.spec.TaskSpec`, which is data. The spec names a subclass of :class:`Task`; the
engine imports it when a run needs it and makes one object per run. Core never knows a task by name.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from taskzoo.option_names import option_name

from .blame import name_the_task
from .errors import RequestError
from .evidence import Evidence
from .spec import TaskSpec
from .types import (
    IGNORE_INDEX,
    LOSS,
    Batch,
    Collate,
    Encoded,
    Example,
    Feature,
    LogitTargets,
    Loss,
    Metric,
    Prediction,
    Row,
    SavedModel,
    Score,
)

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


class Objective(ABC):
    """The part of the contract that the training loop sees: from a batch to a loss."""

    batch_coupled: bool = False
    """Whether the loss compares the examples of a batch with one another (in-batch negatives). A step is then one
    batch: it is not divided into micro-batches or over processes."""

    def forward(self, model: Any, batch: Batch) -> Any:
        """The outputs that :meth:`loss` and :meth:`Task.decode` read: by default ``model(**batch.inputs)``.

        ``model`` may be wrapped, by adapters or for several processes. A task that encodes a row several times (two
        texts to compare, four choices) calls it as often as it needs.
        """
        return model(**batch.inputs)

    @abstractmethod
    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        """The loss of one batch; a sum over active targets and their number, never a mean.

        Args:
            outputs: of :meth:`forward`.
            batch: the same batch.
            label_smoothing: mass moved from the true label to all labels; 0 outside training. Refuse it with
                :class:`~taskzoo.errors.RequestError` where it has no meaning.
        """


class Task(Objective):
    """One object per run. Of the members up to :meth:`metrics`, those without a default must be written.

    Everything else has a default, and a member that core adds later will have one too. When which is called stands in
    docs/contract.md.
    """

    spec: ClassVar[TaskSpec]
    """What a plugin registers; only a class that is used without a package needs it here."""

    primary_metric: str
    """The score that chooses the best checkpoint, or ``"loss"``; its :class:`Score` says whether higher is better."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = dict(options)

    # from rows to features

    @abstractmethod
    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        """Check and normalise the rows of one split (``train``, ``validation``, ``test`` or ``predict``), one for one.

        Rows to predict come without the target columns.

        Raises:
            DataError: with file and line, for anything that cannot be used.
        """

    @abstractmethod
    def dedup_key(self, example: Example) -> tuple[str, str]:
        """``(input, target)`` as text: finds duplicates across splits and conflicting labels, and gives the strata."""

    @abstractmethod
    def fit(self, examples: Sequence[Example]) -> None:
        """Learn what is needed (the label set, ...) from training examples only."""

    @abstractmethod
    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        """Examples to features, one or more each. Nothing is lost silently: it is counted.

        Args:
            examples: of one split.
            processor: the checkpoint's tokenizer, or what :meth:`load_processor` gave.
        """

    # the model

    @abstractmethod
    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        """The backbone at ``checkpoint`` (directory or hub id) with this task's head; also loads a finished run.

        Take ``transformers``' own class for the architecture where there is one, so that plain ``transformers`` loads
        the result. A class of your own needs ``YourModel.register_for_auto_class("AutoModel...")`` before it is saved,
        which puts its code beside the weights. ``loading`` is passed on to ``from_pretrained``.
        """

    @abstractmethod
    def collator(self, processor: Any) -> Collate:
        """A function from a list of features to one padded batch."""

    # predictions and scores

    def decode(self, outputs: Any, batch: Batch) -> list[Any]:
        """One small part per feature of the batch, by default its logits as an array; outputs are not kept."""
        from .arrays import as_array

        return list(as_array(outputs.logits).astype("float32", copy=False))

    @abstractmethod
    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> list[Prediction]:
        """One prediction per example; ``parts[i]`` are the decoded parts of example ``i`` in feature order.

        Reports show ``label``, ``labels``, ``value``, ``entities``, or ``text`` with ``targets``; keys that begin with
        ``_`` are for metrics alone.
        """

    @abstractmethod
    def references(self, examples: Sequence[Example]) -> list[Prediction]:
        """The gold answer of each example, untruncated, in the form of predictions."""

    @abstractmethod
    def metrics(self) -> Sequence[Metric]:
        """The metrics to compute from predictions and references."""

    # --- what has a default -----------------------------------------------------------------------------------------

    generates: ClassVar[bool] = False
    """Whether predictions are generated; the task then writes :meth:`predict_batch`."""

    def predict_batch(self, model: Any, batch: Batch, outputs: Any = None) -> list[Any]:
        """One part per feature. By default decoded from ``outputs`` of :meth:`forward`, computed here if ``None``."""
        return self.decode(self.forward(model, batch) if outputs is None else outputs, batch)

    def state(self) -> dict[str, Any]:
        """What was learnt beyond the options, JSON-serialisable; stored beside the model."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of :meth:`state`, on an object that was made with the run's options."""

    state_version: ClassVar[int] = 1
    """Raise it when :meth:`state` takes another form."""

    @classmethod
    def migrate(cls, state: Mapping[str, Any], version: int) -> Mapping[str, Any]:
        """The state that an older version of this class wrote, in today's form. New options get their defaults."""
        return state

    def extend(self, examples: Sequence[Example]) -> None:
        """As :meth:`fit`, where training continues from a finished run: learn what is new in further training rows.

        It is called on an object that :meth:`restore` gave the state of that run. What the model's outputs mean must
        stay: labels keep their places, and new ones are appended, so that core keeps the weights of the old ones by
        their names in the model's ``id2label``. By default :meth:`fit`, which must then lead to the same state.

        Raises:
            RequestError: the rows need another state.
        """
        before = json.loads(json.dumps(self.state()))
        self.fit(examples)
        now = json.loads(json.dumps(self.state()))
        if changed := [name for name, value in now.items() if value != before.get(name)]:
            raise RequestError(
                f"These rows change what the task learnt in the earlier run ({changed[0]}), and {type(self).__name__} "
                f"has no extend() that joins the two; use rows with the same labels, or train on all rows from the "
                "base model."
            )

    # the checkpoint

    def load_processor(self, checkpoint: str, **loading: Any) -> Any:
        """What turns inputs into what the model reads, for other things than text; ``None``: the tokenizer."""
        return None

    def make_scratch(self, name: str, folder: Path, seed: int) -> None:
        """Write a model without pretrained weights, and its processor, to ``folder``: ``scratch:NAME``.

        The task is fitted. The same seed must give the same weights; random numbers may be drawn from torch's own
        generators, which are put back.

        Args:
            name: one of :attr:`TaskSpec.scratch_models`.
            folder: exists.
            seed: of the weights.
        """
        raise NotImplementedError("A task with scratch_models must have make_scratch().")

    def configure(self, processor: Any, config: Any) -> None:
        """Fit task and checkpoint to each other before anything is encoded: language codes, prefixes, limits.

        Args:
            processor: may be changed in place, but for its vocabulary.
            config: the checkpoint's ``transformers`` configuration.

        Raises:
            RequestError: the checkpoint cannot do what the options ask.
        """

    def token_ids(self, feature: Feature) -> Iterable[int]:
        """All tokens of a feature that the model may be given, by default all ids under names that end in ``ids``.

        Only embeddings of tokens that occur are trained (``compact_embeddings``), so a collator that adds tokens of its
        own, such as a prompt, says so here. Special tokens are always among them.
        """
        return (i for name, value in feature.values.items() if name.endswith("ids") for i in _integers(value))

    def vocabulary_texts(self, examples: Sequence[Example]) -> tuple[list[str], list[str] | None]:
        """Texts that the tokenizer of a model from scratch is trained on: of inputs, and of targets apart from them."""
        return [self.dedup_key(example)[0] for example in examples], None

    def pack(self, features: Sequence[Feature]) -> Sequence[Feature]:
        """The features that training makes batches of, by default those given: all of the training rows.

        A task may lay several into one, so that short rows need no padding, and names their rows in
        :attr:`Feature.also`. Each must be in exactly one, and none may see another: sum and weight of the loss are
        those of the features that were given. Only training with gradients sees these features, and ``batch_size``
        counts them; predictions and scores are made from those of :meth:`encode`. Called more than once, so the same
        features must be packed in the same way.
        """
        return features

    parameters_without_gradient: tuple[str, ...] = ()
    """Parts of names of parameters that rightly get no gradient, such as a pooler that the head does not use."""

    probe_first: bool = False
    """Whether full training starts from the head of a linear probe where the setting does not say."""

    @property
    def token_target(self) -> str:
        """For a head on tokens: the one target, ``[B, T]`` with ``IGNORE_INDEX``, that the loss of logits is against.

        The loss must then be a sum over these tokens: of ``N`` of them alone, logits ``[N, L]`` and targets ``[N]``, it
        is the same. Training may so start from a probe of tokens. ``""``: the loss needs more, or the head is another.
        """
        return ""

    @property
    def logit_targets(self) -> LogitTargets | None:
        """What :meth:`target_logits` are of; ``None``: R-Drop and distillation, which compare them, are refused.

        By default one of several labels where there is a :attr:`token_target`.
        """
        return LogitTargets("softmax") if self.token_target else None

    def target_logits(self, outputs: Any, batch: Batch) -> Tensor:
        """Logits ``[N, L]`` of the active targets of a batch, in the order of its features and their tokens."""
        active = batch.targets[self.token_target] != IGNORE_INDEX
        logits: Tensor = outputs.logits[active]
        return logits

    @property
    def class_weightings(self) -> Sequence[str]:
        """Names of ways to weigh classes in the loss, the plainest first, among which validation rows are to choose.

        Where training starts from a linear probe, one is fitted with each; the best by :attr:`primary_metric` stays.
        """
        return ()

    def weigh_classes(self, name: str) -> None:
        """Weigh the classes as ``name`` of :attr:`class_weightings` says, in :meth:`loss` from here on."""

    predicts_untrained: ClassVar[bool] = False
    """Whether a pretrained model predicts without any training (``method=none``)."""

    # rows and splits

    def telling_rows(self, rows: Iterable[Row]) -> list[Row] | None:
        """Of the labelled rows of a split a few that, put before any others, tell :meth:`prepare` as much as all do.

        Where there are more rows than fit into memory, they are prepared in parts, each with these rows before it. Such
        are one row for each label, where the labels decide what labels are; none, where each row is read for itself.
        By default ``None``: all rows have to be prepared together, and so in memory. A task with its own
        :meth:`filter_train_rows`, which sees all rows, is asked only if it overrides this as well: ``None`` where it
        filters.

        Args:
            rows: of ``train``, or later of another split; read from the disk one by one, so keep few of them.

        Raises:
            DataError: as :meth:`prepare`.
        """
        return None

    multi_reference: ClassVar[bool] = False
    """Whether one input may have several targets, which are texts: they are then not a conflict, and not strata."""

    @property
    def languages(self) -> Mapping[str, str]:
        """Role -> code of its texts' language, known from options or rows; later files are read by it."""
        return {}

    inference_options: ClassVar[Sequence[str]] = ()
    """Names of the options that can be changed after training."""

    def describe(self) -> str:
        """One line, shown before training: what :meth:`fit` inferred, such as the kind and number of labels."""
        return ""

    @property
    def input_roles(self) -> Sequence[str]:
        """The roles that a tuple of texts fills in :meth:`taskzoo.Run.predict`, where the run reads several texts."""
        return ()

    def empty_prediction(self, row: Row) -> Prediction:
        """The answer to a row without any input, which the model does not see; by default what the row repeats."""
        return {role: value for role, value in row.fields.items() if isinstance(value, str)}

    def remarks(self, examples: Sequence[Example]) -> Sequence[str]:
        """What a person should know of labelled examples that a finished run is scored on, a sentence each."""
        return ()

    def classes(self, example: Example) -> Sequence[str]:
        """The classes of an example, by which ``shots`` takes its share; none for a task without classes."""
        return ()

    def group(self, example: Example) -> str | None:
        """What belongs together and is never split apart, such as the query of a ranking; ``None``: nothing."""
        return None

    @property
    def incomplete_rows(self) -> str:
        """What training rows without a required value are counted as, which are then left out; ``""`` refuses them."""
        return ""

    def filter_train_rows(self, examples: Sequence[Example]) -> tuple[list[Example], dict[str, int]]:
        """The training examples to learn from, and how often which oddity was found, for the manifest."""
        return list(examples), {}

    def augment(self, examples: Sequence[Example]) -> list[Example]:
        """Examples to train on besides the training examples, made from these."""
        return []

    # held-out rows

    def tune(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """Determine what only held-out rows can tell (temperature, thresholds), after training.

        Args:
            examples: of the validation split.
            parts: what :meth:`predict_batch` gave for each, in feature order.

        Returns:
            Facts for the manifest. What was learnt goes into :meth:`state`.
        """
        return {}

    # how sure predictions are

    def abstain(self, prediction: Prediction, least: float) -> Prediction:
        """The public prediction without what is less probable than ``least``, and ``abstained``: whether that was any.

        By default ``label`` is then ``None``; a prediction without a label and its ``score`` is refused.

        Raises:
            RequestError: predictions have no probabilities to compare.
        """
        if not isinstance(prediction.get("label"), str) or "score" not in prediction:
            raise RequestError(
                "min_confidence needs predictions of one label with its probability; this run's have none."
            )
        doubtful = prediction["score"] < least
        return {**prediction, "label": None if doubtful else prediction["label"], "abstained": doubtful}

    @property
    def calibration_note(self) -> str:
        """What a person who asks for a least probability should know of them, such as that they were never calibrated.

        A sentence; ``""``: nothing.
        """
        return ""

    def label_sets(self, predictions: Sequence[Prediction], coverage: float) -> list[list[str]]:
        """For each prediction the labels that hold the right one with a probability of ``coverage``, likeliest first.

        Args:
            predictions: as :meth:`assemble` makes them.
            coverage: between 0 and 1, both excluded.

        Raises:
            RequestError: the task has no such sets, or the run has not learnt them.
        """
        raise RequestError("coverage needs predictions of one label with its probability; this run's have none.")

    def evidence(self, role: str) -> Evidence:
        """What of predictions can be explained, by which number, in :class:`taskzoo.evidence.Evidence` or a subclass.

        The default reads ``label`` with ``score`` and ``scores``, ``labels``, ``entities`` or ``value``, so that words
        can be left out. Gradients need a subclass.

        Args:
            role: that of the text which the task mainly reads: :attr:`TaskSpec.input_role`.
        """
        return Evidence(self, role)

    # without this library

    @property
    def logit_scaling(self) -> tuple[float, float]:
        """``(factor, offset)``: predictions are made from ``factor * logits + offset``.

        The saved model gives these scaled logits to plain ``transformers``; while the run trains and after it is
        loaded, ``logits`` are the model's own. The head must end in a linear layer, with a bias if there is an offset.
        """
        return 1.0, 0.0

    def plain_use(self, saved: SavedModel) -> str:
        """For the model card: how plain ``transformers`` predicts the same, in Markdown, and what it cannot do.

        Files that these lines need may be written into ``saved.folder``.
        """
        return ""

    baseline_name: ClassVar[str] = "a plain model"
    """What :meth:`baseline` is, for people."""

    def quick_baseline_rows(self, examples: Sequence[Example]) -> int:
        """How many of the training examples :meth:`baseline` is fitted on in seconds, by default all.

        A run that was not asked for a baseline takes a stratified sample of that size. 0: it is not fitted at all.
        """
        return len(examples)

    def baseline(self, examples: Sequence[Example], seed: int) -> Callable[[Sequence[Example]], list[Prediction]]:
        """A plain model fitted on training examples, to see whether the transformer earns its cost."""
        raise RequestError(f"This task has no baseline; leave {option_name('baseline')} out.")

    @property
    def has_baseline(self) -> bool:
        """Whether :meth:`baseline` was written."""
        return type(self).baseline is not Task.baseline

    def score_of(self, name: str) -> Score:
        """What the number ``name`` of this task's scores means; by default higher is better, without limits."""
        known = [score for metric in self.metrics() for score in metric.scores]
        found = next((score for score in [LOSS, *known] if score.describes(name)), None)
        return found or Score(name, range=(float("-inf"), float("inf")))

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        name_the_task(cls, Task)


def _integers(value: Any) -> Iterator[int]:
    value = value.tolist() if hasattr(value, "tolist") else value  # an array or a tensor
    if isinstance(value, int):
        yield value
    elif isinstance(value, Iterable) and not isinstance(value, str):
        for item in value:
            yield from _integers(item)
