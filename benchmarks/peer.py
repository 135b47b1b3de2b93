"""``transformers.Trainer`` as a peer, on the tokens and with the head and scoring code of zoo.

So that nothing but the training differs: the peer has the task's features, the architecture's own head of
``transformers``, ``Trainer`` with its own loss, sampler, schedule and fp32, and its outputs are decoded and scored as
zoo's are. ``classification.py`` and ``ner.py`` have peers that are set up as the library's examples are, from reading
to decoding.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import Trainer, TrainingArguments, set_seed

from taskzoo.engine.batches import tensors, to_device
from taskzoo.models.refs import resolve_model
from taskzoo.runs.loading import load_model, load_processor
from taskzoo.task import Task
from taskzoo.types import Example, Feature, Prediction

EVALUATION_BATCH = 64


@dataclass(frozen=True, slots=True)
class Flags:
    """What is set of ``TrainingArguments``; the defaults are those of the library and of its examples."""

    learning_rate: float = 5e-5
    batch_size: int = 8
    epochs: float = 3.0
    warmup: float = 0.0


EXAMPLE = Flags()
TRIED = (
    EXAMPLE,
    *(Flags(rate, 16, epochs, 0.1) for epochs in (3.0, 10.0) for rate in (5e-5, 1e-4, 3e-4)),
)
"""The flags among which the best are chosen, by the score on the validation rows."""


class Peer:
    """One model trained by ``Trainer``; ``seconds`` is the time of ``trainer.train()``."""

    def __init__(self, task: Task, model: str, train: Sequence[Example], flags: Flags, seed: int) -> None:
        ref = resolve_model(model)
        set_seed(seed)
        self._task = task
        self._tokenizer, _ = load_processor(task, ref)
        self._model = load_model(task, ref, self._tokenizer, say=lambda _: None)
        collate = task.collator(self._tokenizer)

        def with_labels(features: Sequence[Feature]) -> dict[str, Any]:
            batch = tensors(collate(features))
            labels = batch.targets["labels"] if "labels" in batch.targets else batch.targets["values"]
            return {**batch.inputs, "labels": labels}

        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                output_dir=folder,
                seed=seed,
                learning_rate=flags.learning_rate,
                per_device_train_batch_size=flags.batch_size,
                num_train_epochs=flags.epochs,
                warmup_steps=flags.warmup,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                remove_unused_columns=False,
                use_cpu=not torch.cuda.is_available(),
            )
            features = task.encode(train, self._tokenizer).features
            trainer = Trainer(model=self._model, args=arguments, train_dataset=features, data_collator=with_labels)
            began = time.perf_counter()
            trainer.train()
            self.seconds = time.perf_counter() - began
        self._model.eval()

    def tune(self, examples: Sequence[Example]) -> None:
        """Let the task choose on validation rows what it chooses for zoo's models: thresholds of several labels."""
        self._task.tune(examples, self._parts(examples))

    def predict(self, examples: Sequence[Example]) -> list[Prediction]:
        """One prediction for each example, in the task's form."""
        return self._task.assemble(examples, self._parts(examples))

    @torch.no_grad()
    def _parts(self, examples: Sequence[Example]) -> list[list[Any]]:
        task, features = self._task, self._task.encode(examples, self._tokenizer).features
        collate, parts = task.collator(self._tokenizer), list[list[Any]]([] for _ in examples)
        for start in range(0, len(features), EVALUATION_BATCH):
            chunk = features[start : start + EVALUATION_BATCH]
            batch = to_device(collate(chunk), self._model.device)
            found = task.predict_batch(self._model, batch, task.forward(self._model, batch))
            for feature, part in zip(chunk, found, strict=True):
                parts[feature.row].append(part)
        return parts
