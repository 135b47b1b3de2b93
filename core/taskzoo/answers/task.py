"""A task about whole texts, put together from a reader of labels and the answer that the reader chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from taskzoo.errors import RequestError
from taskzoo.models.sequence import load_sequence_model
from taskzoo.models.texts import SequenceCollator
from taskzoo.task import Batch, Encoded, Feature, Metric, Prediction, Row

from .base import Answer, decode_logits, pool_windows
from .texts import encode_rows, load_answer, name_row, plain_rows, shown, text_row, whole_text

MANY_LABELS, ROWS_PER_LABEL, PROBE_SIZE = 20, 150, 3_000_000
"""Training starts from the head of a linear probe with so many labels and more, up to so many rows for each, and up to
so many logits of all rows. With 13 rows for each of 77 labels it made 0.83 of an accuracy of 0.45, with 91
rows 0.91 of 0.90."""


class LabelReader(Protocol):
    """What one task decides for itself: how labels are read, and which answer they make."""

    def __init__(self, options: Mapping[str, Any]) -> None: ...  # pragma: no cover

    def read(self, rows: Sequence[Row]) -> list[Any]:
        """The gold answer of each raw row: a label, a list of labels or a number.

        Training rows come first and settle what labels mean; rows read later are held to it.

        Raises:
            DataError: with file and line, for a label that cannot be used.
        """
        ...  # pragma: no cover

    def classes(self, gold: Any) -> list[str]:
        """The classes of a gold answer, for few-shot training; none where it has none or is ``None``."""
        ...  # pragma: no cover

    def stratum(self, gold: Any) -> str:
        """What a gold answer counts as when rows are split, and when equal texts are compared."""
        ...  # pragma: no cover

    def fit(self, gold: Sequence[Any]) -> Answer:
        """The answer that fits the training rows.

        Raises:
            RequestError: they leave nothing to learn.
        """
        ...  # pragma: no cover

    def describe(self) -> str:
        """As :meth:`taskzoo.task.TaskExtras.describe`."""
        ...  # pragma: no cover

    def state(self) -> dict[str, Any]:
        """What reading rows later needs, JSON-serialisable."""
        ...  # pragma: no cover

    def restore(self, state: Mapping[str, Any]) -> None:
        """The inverse of :meth:`state`."""
        ...  # pragma: no cover


class TextTask:
    """All of :class:`taskzoo.Task` and of its extras, but for the labels. A task names its reader::

        class MoodTask(TextTask):
            reader_class = MoodLabels

    Its options are those of its reader and :data:`~taskzoo.answers.options.TEXT_OPTIONS`; its columns are ``text``,
    ``label`` and ``text_pair``.
    """

    reader_class: ClassVar[type[LabelReader]]
    answer: Answer

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = dict(options)
        self.reader = self.reader_class(self.options)
        self._sources: frozenset[str] = frozenset()
        self._rows = 0

    @property
    def primary_metric(self) -> str:
        """That of the answer; the loss until there is one."""
        return self.answer.primary_metric if hasattr(self, "answer") else "loss"

    @property
    def probe_first(self) -> bool:
        """From a random head of many labels, each of them rare, the backbone mostly learns that they are rare. So where
        rows have several labels; and where each has one of many, unless there are so many rows that the head learns in
        time, or that the probe would take long.
        """
        labels = len(self.answer.labels)
        few_rows = self._rows <= ROWS_PER_LABEL * labels and self._rows * labels <= PROBE_SIZE
        return self.answer.kind == "multi" or (self.answer.kind == "single" and labels >= MANY_LABELS and few_rows)

    # rows

    def prepare(self, rows: Sequence[Row], split: str) -> list[Row]:
        if split == "predict":
            return [text_row(row, None) for row in rows]
        return [text_row(row, gold) for row, gold in zip(rows, self.reader.read(rows), strict=True)]

    def rows_from_texts(self, texts: Sequence[str]) -> list[Row]:
        return plain_rows(texts)

    def signature(self, row: Row) -> tuple[str, str]:
        return whole_text(row), self.reader.stratum(row["label"])

    def classes(self, row: Row) -> list[str]:
        return self.reader.classes(row["label"])

    def added_rows(self, rows: Sequence[Row]) -> list[Row]:
        """With the option ``label_names``, a row per class whose text is the name of the class.

        Names that say what they mean are a labelled text more for every class, which counts when there are few.

        Raises:
            RequestError: a name without letters, or the task has no classes.
        """
        if not self.options["label_names"]:
            return []
        gold = {name: row["label"] for row in rows for name in self.classes(row)}
        if not gold:
            raise RequestError("label_names=true needs labels with names, and these rows have none.")
        return [name_row(name, label, rows[0].source) for name, label in sorted(gold.items())]

    def references(self, rows: Sequence[Row]) -> list[Prediction]:
        return self.answer.references([row["label"] for row in rows])

    # learning

    def fit(self, rows: Sequence[Row]) -> None:
        self._sources = frozenset(row.source for row in rows)
        self._rows = len(rows)
        self.answer = self.reader.fit([row["label"] for row in rows])

    def describe(self) -> str:
        return self.reader.describe()

    def encode(self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase) -> Encoded:
        return encode_rows(
            rows, tokenizer, self.answer, max_length=self.options["max_length"],
            long_texts=self.options["long_texts"], known_sources=self._sources,
        )  # fmt: skip

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        return load_sequence_model(
            checkpoint, kind=self.answer.kind, labels=self.answer.labels, pooling=self.options["pooling"], **loading
        )

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Callable[[Sequence[Feature]], Batch]:
        return SequenceCollator(int(tokenizer.pad_token_id), self.answer.kind, len(self.answer.labels))

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
        return self.answer.loss(outputs, batch, label_smoothing=label_smoothing)

    def tune(self, rows: Sequence[Row], parts: Sequence[Sequence[np.ndarray]]) -> dict[str, Any]:
        return self.answer.tune([row["label"] for row in rows], pool_windows(parts))

    def baseline(self, rows: Sequence[Row], seed: int) -> Callable[[Sequence[Row]], list[Prediction]]:
        predict = self.answer.baseline([whole_text(row) for row in rows], [row["label"] for row in rows], seed)
        return lambda others: _with_texts(others, predict([whole_text(row) for row in others]))

    # predictions

    def decode(self, outputs: Any, batch: Batch) -> list[np.ndarray]:
        return decode_logits(outputs)

    def assemble(self, rows: Sequence[Row], parts: Sequence[Sequence[np.ndarray]]) -> list[Prediction]:
        return _with_texts(rows, self.answer.predictions(pool_windows(parts)))

    def metrics(self) -> Sequence[Metric]:
        return self.answer.metrics()

    # storage

    def state(self) -> dict[str, Any]:
        return {"options": self.options, "labels": self.reader.state(), "answer": self.answer.state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        task = cls(state["options"])
        task.reader.restore(state["labels"])
        task.answer = load_answer(state["answer"])
        return task


def _with_texts(rows: Sequence[Row], predictions: Sequence[Prediction]) -> list[Prediction]:
    return [{**shown(row), **prediction} for row, prediction in zip(rows, predictions, strict=True)]
