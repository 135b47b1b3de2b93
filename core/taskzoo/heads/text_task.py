"""The base class of tasks that predict a label, several labels or a number for a whole text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from taskzoo.errors import DataError, RequestError, nearest
from taskzoo.errors import shown as shown_value
from taskzoo.evidence import Evidence
from taskzoo.models.text_encoding import encode_texts
from taskzoo.option_names import option_name
from taskzoo.task import Task
from taskzoo.types import Batch, Collate, Encoded, Example, LogitTargets, Loss, Metric, Prediction, Row, SavedModel

from .base import Head, pool_windows
from .collator import SequenceCollator
from .evidence import HeadEvidence
from .label_text import check_types, describe_counts, few, in_order, one_label, one_of_each_label
from .multi_label import MultiLabelHead
from .plain_use import plain_use
from .regression import RegressionHead
from .single_label import SingleLabelHead
from .soft_labels import Distribution, soft_labels, with_most_probable
from .spelling import Spelling, label_key, plain_names
from .text_examples import name_example, shown, text_example, whole_text
from .text_options import TEXT_OPTIONS

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

MANY_LABELS, ROWS_PER_LABEL, PROBE_SIZE = 20, 150, 3_000_000
"""Training starts from the head of a linear probe with at least so many labels, at most so many rows for each, and at
most so many logits of all rows. With 13 rows for each of 77 labels it made 0.83 of an accuracy of 0.45, with 91 rows
0.91 of 0.90."""


class TextTask(Task):
    """A classifier of texts, with one label each unless told otherwise.

    A whole task is a name for its spec::

        class MoodTask(TextTask):
            spec = TaskSpec(id="mood", contract=2, columns=TEXT_COLUMNS, options=TEXT_OPTIONS, formats=TEXT_FORMATS)

    In a package, ``__init__.py`` registers the spec with its ``entry_point``, and the class has only a docstring. The
    columns are ``text``, ``label`` and, in ``PAIR_COLUMNS``, ``text_pair`` (:mod:`taskzoo.heads.text_options`); the
    spec may leave out any of the options, which then have their defaults.

    For another head override :meth:`fit_head`, and for labels that are not plain text :meth:`read_labels`. A gold
    answer is what :meth:`read_labels` makes of a row: a label, a list of labels or a number, as the head needs it.
    """

    heads: ClassVar[Sequence[type[Head]]] = (SingleLabelHead, MultiLabelHead, RegressionHead)
    """The classes of :attr:`text_head` that a finished run may have."""

    text_head: Head
    """There after :meth:`fit` or :meth:`restore`."""

    is_further: bool = False
    """Whether :meth:`read_labels` reads training rows of a run that is continued, whose labels may be new."""

    primary_metric = "loss"
    probe_first = False

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__({**{name: option.default for name, option in TEXT_OPTIONS.items()}, **options})
        self._counts: Counter[str] = Counter()  # rows of each class
        self._sources: frozenset[str] = frozenset()
        self._pairs = self._all_pairs = False  # whether the earlier training rows, or these, are all pairs of texts
        self._some_pairs = self._has_pair = False  # whether some are
        self._shares = self._soft = False  # whether training rows, or these, give distributions
        self._restored = False
        self._spelling: Spelling | None = None

    # labels

    def read_labels(self, rows: Sequence[Row]) -> list[Any]:
        """The gold answer of each row, by default its label as text.

        Training rows come first and determine what labels mean; rows read later must agree with them.

        Raises:
            DataError: with file and line, for a label that cannot be used.
        """
        check_types(rows)
        return self.spelled([one_label(row) for row in rows])

    def spelled(self, names: Sequence[str]) -> list[str]:
        """The labels as the training rows, which come first, spell them: ``1`` and ``1.0`` are one label."""
        if self._spelling is None:
            self._spelling = Spelling(plain_names(names), self.label_key)
        elif self.is_further:
            self._spelling.learn(names)
        return self._spelling(names)

    @staticmethod
    def label_key(name: str) -> Hashable:
        """What spellings of one label share."""
        return label_key(name)

    def label_classes(self, gold: Any) -> list[str]:
        """The classes of a gold answer, for few-shot training; none for a number or ``None``."""
        return [gold] if isinstance(gold, str) else sorted(gold) if isinstance(gold, list) else []

    def stratum(self, gold: Any) -> str:
        """What a gold answer counts as when rows are split, and when equal texts are compared."""
        return ", ".join(self.label_classes(gold))

    def fit_head(self, gold: Sequence[Any]) -> Head:
        """The head for the training rows, by default one label of those that occur.

        Raises:
            RequestError: they leave nothing to learn.
        """
        return SingleLabelHead.fitted(gold, in_order(gold), **self.loss_options)

    @property
    def loss_options(self) -> dict[str, Any]:
        """Options of the head that may be others when a run is continued.

        By default those that :class:`SingleLabelHead` and :class:`MultiLabelHead` have in common.
        """
        return {name: self.options[name] for name in ("class_weights", "focal_gamma")}

    @property
    def logit_targets(self) -> LogitTargets | None:
        return self.text_head.logit_targets

    def target_logits(self, outputs: Any, batch: Batch) -> Tensor:
        logits: Tensor = outputs.logits
        return logits

    @property
    def class_weightings(self) -> Sequence[str]:
        return self.text_head.class_weightings

    def weigh_classes(self, name: str) -> None:
        self.text_head.weigh_classes(name)

    # rows

    def telling_rows(self, rows: Iterable[Row]) -> list[Row] | None:
        """One of each label, where :meth:`read_labels` is that of this class."""
        return self.rows_of_labels(rows) if type(self).read_labels is TextTask.read_labels else None

    @staticmethod
    def rows_of_labels(rows: Iterable[Row]) -> list[Row] | None:
        """The first row of each label: :meth:`telling_rows` where no count of labels is learnt by reading them."""
        different = one_of_each_label(rows)
        return None if different is None or any(soft_labels(different)) else different

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        if split == "predict":
            return [text_example(row, None) for row in rows]
        is_train = split == "train"
        self.is_further = is_train and self._restored
        soft = soft_labels(rows, given=self._shares)
        self._shares = self._shares or (is_train and any(soft))
        gold = self.read_labels([with_most_probable(row, one) for row, one in zip(rows, soft, strict=True)])
        return [
            text_example(row, label, None if one is None else self._spelled(row, label, one))
            for row, label, one in zip(rows, gold, soft, strict=True)
        ]

    def _spelled(self, row: Row, label: Any, soft: Distribution) -> Distribution:
        """The distribution of a row with the label ``label``, with names as training rows spell them."""
        spelled = dict(zip(self.spelled(list(soft)), soft.values(), strict=True))
        if not isinstance(label, str) or label not in spelled or len(spelled) < len(soft):
            raise DataError(
                f"the label {shown_value(soft)} gives probabilities, which need one label per text; these rows have "
                "several labels or numbers, or two spellings of one label.",
                file=row.source,
                line=row.line,
            )
        return spelled

    def dedup_key(self, example: Example) -> tuple[str, str]:
        return whole_text(example), self.stratum(example["label"])

    def classes(self, example: Example) -> list[str]:
        return self.label_classes(example["label"])

    def augment(self, examples: Sequence[Example]) -> list[Example]:
        """With the option ``label_names``, an example per class whose text is the name of the class.

        A name that says what it means is one more labelled text for its class, which counts when there are few.

        Raises:
            RequestError: a name without letters, or the task has no classes.
        """
        if not self.options["label_names"]:
            return []
        gold = {name: example["label"] for example in examples for name in self.classes(example)}
        if not gold:
            raise RequestError("label_names=true needs labels with names, and these rows have none.")
        return [name_example(name, label, examples[0].source) for name, label in sorted(gold.items())]

    def fit(self, examples: Sequence[Example]) -> None:
        self._use(self.fit_head(self._count(examples)))
        self._check_soft()
        self._pairs, self._some_pairs = self._all_pairs, self._has_pair
        self.probe_first = self._helped_by_a_probe(len(examples))

    def extend(self, examples: Sequence[Example]) -> None:
        gold = self._count(examples)
        if self._has_pair and not self._some_pairs:
            raise RequestError("The earlier run was trained on single texts, and these rows are pairs of texts.")
        self._use(self.text_head.extended(gold, self.loss_options))
        self._check_soft()

    def _check_soft(self) -> None:
        """Tell the head whether training rows have distributions.

        Raises:
            RequestError: they do, and the loss has no such form.
        """
        if not self._soft:
            return
        if not isinstance(self.text_head, SingleLabelHead):
            raise RequestError("The training rows give probabilities of labels, which need one label per text.")
        self.text_head.use_soft_labels()

    def _count(self, examples: Sequence[Example]) -> list[Any]:
        """The gold answers of the training rows; counts their classes, and remembers where they come from.

        Examples may be read from the disk, so each is looked at once, and equal labels are kept as one. A label that
        occurs in distributions and is the most probable of no row is added as one more answer.
        """
        gold, known, sources, pairs = [], dict[str, str](), set[str](), set[bool]()
        soft: set[str] = set()
        for example in examples:
            label = example["label"]
            gold.append(known.setdefault(label, label) if isinstance(label, str) else label)
            sources.add(example.source)
            pairs.add(example["text_pair"] is not None)
            soft.update(example.get("soft") or ())
        self._sources, self._all_pairs, self._has_pair = frozenset(sources), False not in pairs, True in pairs
        self._counts = Counter(name for label in gold for name in self.label_classes(label))
        self._soft = bool(soft)
        return gold + sorted(soft - known.keys())

    def describe(self) -> str:
        return describe_counts(self._counts)

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        """Features with a ``target``, windows of a text all with the same.

        A label that no training row has cannot be predicted. Where the row comes from one of the training files, so
        that chance put it there, it is counted and always wrong.

        Raises:
            DataError: such a label in any other file; or one text where all training rows had two.
        """
        for example in examples if self._pairs else ():
            if example["text_pair"] is None and not example.get("is_name"):
                raise DataError(
                    "the model was trained on pairs of texts, and this row has no text_pair; fill it in, or name its "
                    f"column ({option_name('columns', {'text_pair': 'NAME'})}). From Python, give (text, text_pair).",
                    file=example.source,
                    line=example.line,
                )
        pairs = [example["text_pair"] for example in examples]
        limits = {name: self.options[name] for name in ("max_length", "long_texts")}
        encoded = encode_texts(processor, [example["text"] for example in examples], pairs, **limits)
        targets, unseen = [], 0
        for example in examples:
            gold, soft = example["label"], example.get("soft")
            unknown = [] if gold is None else self.text_head.unknown_labels(gold)
            if soft is None or not isinstance(self.text_head, SingleLabelHead):
                targets.append(None if gold is None else self.text_head.target(gold))
            else:
                unknown = [name for name in soft if self.text_head.unknown_labels(name)]
                targets.append(None if unknown else self.text_head.soft_target(soft))
            if unknown and example.source not in self._sources:
                near = "".join(f" (nearest: {name!r})" for name in nearest(unknown[0], self.text_head.labels, limit=1))
                raise DataError(
                    f"the label {shown_value(unknown[0])} does not occur in any training row; the labels there are "
                    f"{few(self.text_head.labels)}{near}. Correct it, or add training rows that have it.",
                    file=example.source,
                    line=example.line,
                )
            unseen += bool(unknown)
        for feature in encoded.features:
            feature.values["target"] = targets[feature.row]
            if examples[feature.row].get("is_name"):
                feature.values["is_name"] = True
        return Encoded(encoded.features, {**encoded.counts, "rows_with_a_label_unseen_in_training": unseen})

    # the model

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        from taskzoo.models.sequence import load_sequence_model

        kind, labels = self.text_head.problem_type, self.text_head.labels
        pooling = self.options["pooling"]
        return load_sequence_model(checkpoint, problem_type=kind, labels=labels, pooling=pooling, **loading)

    def collator(self, processor: Any) -> Collate:
        return SequenceCollator(int(processor.pad_token_id), self.text_head)

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        return self.text_head.loss(outputs, batch, label_smoothing=label_smoothing)

    def tune(self, examples: Sequence[Example], parts: Sequence[Sequence[np.ndarray]]) -> dict[str, Any]:
        return self.text_head.tune([example["label"] for example in examples], pool_windows(parts))

    baseline_name = "TF-IDF"

    def quick_baseline_rows(self, examples: Sequence[Example]) -> int:
        from taskzoo.models.baseline import quick_rows

        fits = self.text_head.baseline_fits * max(1, len(self.text_head.labels))
        return quick_rows(list(map(whole_text, examples)), fits)

    def baseline(self, examples: Sequence[Example], seed: int) -> Callable[[Sequence[Example]], list[Prediction]]:
        texts, gold = map(whole_text, examples), [example["label"] for example in examples]
        predict = self.text_head.baseline(list(texts), gold, seed)
        return lambda others: _with_texts(others, predict(list(map(whole_text, others))))

    # predictions

    @property
    def input_roles(self) -> Sequence[str]:
        return ("text", "text_pair") if self._pairs else ()

    def empty_prediction(self, row: Row) -> Prediction:
        return {"text": row.get("text", ""), **self.text_head.no_answer}

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[np.ndarray]]) -> list[Prediction]:
        return _with_texts(examples, self.text_head.predictions(pool_windows(parts)))

    def references(self, examples: Sequence[Example]) -> list[Prediction]:
        return self.text_head.references([example["label"] for example in examples])

    def metrics(self) -> Sequence[Metric]:
        return self.text_head.metrics()

    def label_sets(self, predictions: Sequence[Prediction], coverage: float) -> list[list[str]]:
        return self.text_head.label_sets(predictions, coverage)

    def evidence(self, role: str) -> Evidence:
        known = isinstance(self.text_head, SingleLabelHead | MultiLabelHead | RegressionHead)
        return HeadEvidence(self, role) if known else super().evidence(role)

    # without this library

    @property
    def logit_scaling(self) -> tuple[float, float]:
        return self.text_head.logit_scaling

    def plain_use(self, saved: SavedModel) -> str:
        return plain_use(self.text_head, saved, self.options, pairs=self._pairs)

    # storage

    def state(self) -> dict[str, Any]:
        head = {"class": type(self.text_head).__name__, "state": self.text_head.state()}
        return {"head": head, "pairs": self._pairs, "some_pairs": self._some_pairs, "shares": self._shares}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._pairs = bool(state.get("pairs"))  # runs of earlier versions do not say these three
        self._some_pairs, self._shares = state.get("some_pairs", True), state.get("shares", False)
        self._restored = True
        by_name = {head.__name__: head for head in self.heads}
        self._use(by_name[state["head"]["class"]].from_state(state["head"]["state"]))
        self._spelling = Spelling(self.text_head.labels, self.label_key)

    def _use(self, head: Head) -> None:
        self.text_head, self.primary_metric = head, head.primary_metric

    def _helped_by_a_probe(self, rows: int) -> bool:
        """Whether training starts better from the head of a linear probe.

        From a random head of many labels, each of them rare, the backbone mostly learns that they are rare. So where
        rows have several labels; and where each has one of many, unless there are so many rows that the head learns in
        time, or that the probe would take long.
        """
        labels = len(self.text_head.labels)
        few_rows = rows <= ROWS_PER_LABEL * labels and rows * labels <= PROBE_SIZE
        one_of_many = isinstance(self.text_head, SingleLabelHead) and labels >= MANY_LABELS and few_rows
        return isinstance(self.text_head, MultiLabelHead) or one_of_many


def _with_texts(examples: Sequence[Example], predictions: Sequence[Prediction]) -> list[Prediction]:
    return [{**shown(example), **prediction} for example, prediction in zip(examples, predictions, strict=True)]
