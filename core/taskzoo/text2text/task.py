"""A task that writes a text for a text, put together from a purpose and the form of a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Protocol, Self

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from taskzoo.errors import RequestError
from taskzoo.models.losses import cross_entropy
from taskzoo.models.texts import content_ids
from taskzoo.models.vocabulary import States, forward_states, gives_states
from taskzoo.models.vocabulary_loss import smoothed_and_plain
from taskzoo.task import Batch, Encoded, Feature, Metric, Prediction, Row

from .collator import PairCollator
from .decoding import TextDecoder
from .encoding import CHUNKS, encode_pairs
from .form import Form, find_form
from .generation import check_generation, generation_config, write
from .model import load_writer
from .options import GENERATION_OPTIONS
from .rows import pair_row, plain_rows, references

LONGEST = 100
"""Training targets, the longest in characters, among which the longest in tokens is looked for."""


class Purpose(Protocol):
    """What one task decides for itself: languages, wording, metrics and the plain model to compare with."""

    primary_metric: str
    languages: tuple[str, str]
    """Of source and target, ISO 639 codes or codes of the tokenizer; ``""``: unknown."""

    def __init__(self, options: Mapping[str, Any]) -> None: ...  # pragma: no cover

    def read(self, rows: Sequence[Row], split: str) -> None:
        """Learn from raw rows what they say of languages. Training rows come first.

        Raises:
            DataError: they contradict what is known.
        """
        ...  # pragma: no cover

    def fit(self, rows: Sequence[Row]) -> None:
        """Learn from prepared training rows."""
        ...  # pragma: no cover

    def describe(self) -> str:
        """As :meth:`taskzoo.task.TaskExtras.describe`."""
        ...  # pragma: no cover

    def prefix(self, config: Any) -> str:
        """The words before every source that the checkpoint with this configuration was pretrained with."""
        ...  # pragma: no cover

    def joined(self, texts: Sequence[str]) -> str:
        """What was written for the chunks of one source, as one text."""
        ...  # pragma: no cover

    def metrics(self) -> Sequence[Metric]: ...  # pragma: no cover

    def baseline(self, rows: Sequence[Row], seed: int) -> Callable[[Sequence[Row]], list[str]]:
        """A plain way of writing, made from prepared training rows."""
        ...  # pragma: no cover

    def state(self) -> dict[str, Any]: ...  # pragma: no cover

    def restore(self, state: Mapping[str, Any]) -> None: ...  # pragma: no cover


class Text2TextTask:
    """All of :class:`taskzoo.Task` and of its extras, but for the purpose. A task names its purpose::

        class RhymeTask(Text2TextTask):
            purpose_class = Rhyming

    Its options are those of its purpose and :data:`~taskzoo.text2text.options.TEXT2TEXT_OPTIONS`; its columns are
    ``source`` and ``target``.
    """

    purpose_class: ClassVar[type[Purpose]]
    later_options = GENERATION_OPTIONS
    many_targets = True
    """One source may well have several targets; that is no conflict."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = dict(options)
        check_generation(self.options)
        self.purpose = self.purpose_class(self.options)
        self._longest: list[str] = []
        self._longest_target = 0
        self._form: Form | None = None
        self._decoder: Callable[[list[int]], str] = str
        self._model: PreTrainedModel | None = None
        self._has_states = False

    @property
    def primary_metric(self) -> str:
        return self.purpose.primary_metric

    @property
    def languages(self) -> dict[str, str]:
        """Of source and target, so that later files are read in the direction that the training rows had."""
        return dict(zip(("source", "target"), self.purpose.languages, strict=True))

    @property
    def form(self) -> Form:
        """That of the checkpoint, once the task was adapted to one."""
        if self._form is None:
            raise RequestError("The task must be adapted to a checkpoint before it encodes: task.adapt(...).")
        return self._form

    # rows

    def prepare(self, rows: Sequence[Row], split: str) -> list[Row]:
        self.purpose.read(rows, split)
        return [pair_row(row, split) for row in rows]

    def rows_from_texts(self, texts: Sequence[str]) -> list[Row]:
        return plain_rows(texts)

    def signature(self, row: Row) -> tuple[str, str]:
        return row["source"], "\n".join(row["targets"])

    def references(self, rows: Sequence[Row]) -> list[Prediction]:
        return references(rows)

    def vocabulary_texts(self, rows: Sequence[Row]) -> tuple[list[str], list[str]]:
        return [row["source"] for row in rows], [target for row in rows for target in row["targets"]]

    # learning

    def fit(self, rows: Sequence[Row]) -> None:
        self.purpose.fit(rows)
        self.metrics()  # refuses what cannot be scored before anything is written
        targets = {target for row in rows for target in row["targets"]}
        self._longest = sorted(targets, key=lambda text: (-len(text), text))[:LONGEST]

    def describe(self) -> str:
        return self.purpose.describe()

    def adapt(self, tokenizer: PreTrainedTokenizerBase, config: Any) -> None:
        prefix = self.options["prefix"]
        self._decoder = TextDecoder(tokenizer)
        self._form = find_form(
            tokenizer, config, languages=self.purpose.languages,
            prefix=self.purpose.prefix(config) if prefix == "auto" else prefix,
            max_source_length=self.options["max_source_length"], max_target_length=self.options["max_target_length"],
        )  # fmt: skip
        if self._longest:
            around = len(self._form.target_before) + len(self._form.target_after)
            self._longest_target = around + max(map(len, content_ids(tokenizer, self._longest, targets=True)))

    def encode(self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase) -> Encoded:
        return encode_pairs(rows, tokenizer, self.form, long_sources=self.options["long_sources"])

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        model = load_writer(checkpoint, self.form, **loading)
        self._model, self._has_states = model, gives_states(model)
        self._set_generation(model)
        return model

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Callable[[Sequence[Feature]], Batch]:
        return PairCollator(self.form)

    def forward(self, model: Any, batch: Batch) -> Any:
        if self._has_states and self._model is not None:
            return forward_states(model, self._model, batch["inputs"])
        return model(**batch["inputs"])

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
        labels = batch["targets"]["labels"]
        shifted = self.form.kind == "decoder"  # the state of a position is for the token behind it
        if isinstance(outputs, States):
            if outputs.plain is not None and not label_smoothing and not torch.is_grad_enabled():
                return outputs.plain
            states = outputs.states[:, :-1] if shifted else outputs.states
            total, plain, number = smoothed_and_plain(
                states, outputs.weight, outputs.bias, labels[:, 1:] if shifted else labels,
                label_smoothing=label_smoothing, dtype=outputs.dtype,
            )  # fmt: skip
            if label_smoothing:  # the engine asks for the plain loss next, to show it
                outputs.plain = (plain, number)
            return total, number
        logits = outputs.logits[:, :-1] if shifted else outputs.logits
        return cross_entropy(logits, labels[:, 1:] if shifted else labels, label_smoothing=label_smoothing)

    # predictions

    def generate(self, model: Any, batch: Batch) -> list[Any]:
        settings = self._set_generation(model)
        parts: list[Any] = []
        for ids in write(model, batch, settings, seed=self.options["sample_seed"]):
            if ids is None:
                parts.append(None)
                continue
            parts.append((self._decoder(ids), ids[-1:] != [self.form.end]))
        return parts

    def decode(self, outputs: Any, batch: Batch) -> list[Any]:
        raise RequestError("This task writes its predictions; it cannot decode them from logits.")

    def assemble(self, rows: Sequence[Row], parts: Sequence[Sequence[Any]]) -> list[Prediction]:
        predictions = []
        for row, row_parts in zip(rows, parts, strict=True):
            written = [part for part in row_parts if part is not None]
            text = self.purpose.joined([text for text, _ in written])
            cut = any(cut for _, cut in written)
            predictions.append({"source": row["source"], "text": text, "_truncated": cut})
        return predictions

    def metrics(self) -> Sequence[Metric]:
        found = list(self.purpose.metrics())
        if self.options["similarity"]:
            found.append(self._similarity)
        return found

    @cached_property
    def _similarity(self) -> Metric:
        from taskzoo.metrics.similarity import Similarity
        from taskzoo.models.token_vectors import token_vectors

        return Similarity(token_vectors(self.options["similarity"]))

    def baseline(self, rows: Sequence[Row], seed: int) -> Callable[[Sequence[Row]], list[Prediction]]:
        say = self.purpose.baseline(rows, seed)
        return lambda others: [
            {"source": row["source"], "text": text} for row, text in zip(others, say(others), strict=True)
        ]

    # storage

    def state(self) -> dict[str, Any]:
        return {"options": self.options, "purpose": self.purpose.state(), "longest_target": self._longest_target}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        task = cls(state["options"])
        task.purpose.restore(state["purpose"])
        task._longest_target = state["longest_target"]
        return task

    def _set_generation(self, model: Any) -> Any:
        """Settings that hold now; the model keeps them, so that saved it writes the same in plain ``transformers``."""
        plain = self._model if self._model is not None else model
        settings = generation_config(
            self.options, self.form, plain.generation_config, longest_target=self._longest_target or 64
        )
        plain.generation_config = settings
        return settings


__all__ = ["CHUNKS", "GENERATION_OPTIONS", "Purpose", "Text2TextTask"]
