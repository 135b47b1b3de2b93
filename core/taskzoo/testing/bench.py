"""What the checks work on: a task, a few of its demo rows, a tiny model, and one short run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo import registry
from taskzoo.config import make_training, split_settings
from taskzoo.task import Batch, Encoded, Row, Task, TaskSpec

from .tiny_models import FAMILIES, make_tiny_checkpoint

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from taskzoo.engine.evaluation import Predictions
    from taskzoo.runs.load import Run

SPLITS = ("train", "validation", "test")
FAMILY_OF_KIND = {"encoder": "bert", "decoder": "gpt2", "encoder-decoder": "t5"}
SHORT = {
    "precision": "fp32",
    "max_steps": 8,
    "batch_size": 8,
    "learning_rate": 3e-3,
    "warmup": 0.0,
    "seed": 1,
    "lora_dropout": 0.0,
}
"""Settings of the short run, where the bench is given no others."""


class Bench:
    """Everything is made on first use and then kept, so that checks share one model and one run.

    Args:
        task: a task id.
        folder: where checkpoint and runs go; the caller removes it.
        family: architecture of the tiny model; by default that of the task's default model, else ``bert``.
        settings: engine settings and task options, as for ``zoo run --set``.
        size: training rows to use; validation and test get a third each.
        data: a variant of the demo set, by the name of its folder there.
    """

    def __init__(
        self,
        task: str,
        folder: str | Path,
        *,
        family: str | None = None,
        settings: Mapping[str, Any] | None = None,
        size: int = 24,
        data: str = "",
    ) -> None:
        self.name = task
        self.folder = Path(folder)
        self.settings: dict[str, Any] = {**SHORT, **(settings or {})}
        self.size = size
        self.data = data
        self._family = family

    @cached_property
    def spec(self) -> TaskSpec:
        return registry.task(self.name)

    @cached_property
    def task_class(self) -> Any:
        return registry.load_task(self.name)

    @cached_property
    def family(self) -> str:
        """The one asked for, or what suits the task's default model."""
        if self._family is not None:
            return self._family
        default = registry.default_model(self.name)
        entry = next((entry for entry in registry.models() if entry.name == default), None)
        if entry is None:
            return "bert"
        return entry.family if entry.family in FAMILIES else FAMILY_OF_KIND.get(entry.kind, "bert")

    @cached_property
    def options(self) -> dict[str, Any]:
        """All options of the task with their values."""
        return self.spec.resolve_options(split_settings(self.settings, self.spec)[1])

    # rows

    @cached_property
    def raw(self) -> dict[str, list[Row]]:
        """A few rows of each split of the demo set, as the reader gives them."""
        from taskzoo.data.readers import find_splits
        from taskzoo.runs.data import demo_folder, paired_languages, read_file, task_languages

        languages = task_languages(self.spec, self.new_task())
        folder = demo_folder(self.spec, self.data)
        files = find_splits(folder, (), paired_languages(self.spec, languages))
        rows = {name: read_file(self.spec, path, {}, None, languages=languages) for name, path in files.items()}
        sizes = {"train": self.size, "validation": max(2, self.size // 3), "test": max(2, self.size // 3)}
        return {name: self._few(rows.get(name) or rows["train"], sizes[name]) for name in SPLITS}

    def _few(self, rows: Sequence[Row], count: int) -> list[Row]:
        """Some of ``rows`` from all over the file, and of every target in turn where targets recur."""
        task = self.new_task()
        prepared = task.prepare(rows, "train")
        if len(prepared) != len(rows):
            return list(rows)[: count * 2]
        groups: dict[str, list[Row]] = {}
        for row, ready in zip(rows, prepared, strict=True):
            groups.setdefault(task.signature(ready)[1], []).append(row)
        if 2 * len(groups) > count:
            step = max(1, len(rows) // count)
            return list(rows)[::step][:count]
        return [group[i] for i in range(count) for group in groups.values() if i < len(group)][:count]

    @cached_property
    def memory(self) -> dict[str, list[dict[str, Any]]]:
        """The rows as :func:`taskzoo.finetune` takes them."""
        return {split: [dict(row.fields) for row in rows] for split, rows in self.raw.items()}

    @cached_property
    def texts(self) -> list[str]:
        """Every string of the rows: what the tiny tokenizer is trained on."""
        return [text for rows in self.memory.values() for fields in rows for text in _strings(fields)]

    def new_task(self) -> Task:
        """A task with nothing learnt."""
        task: Task = self.task_class(dict(self.options))
        return task

    def fitted(self, rows: Sequence[Row] | None = None) -> tuple[Task, list[Row]]:
        """A task fitted on raw training rows (by default those of the bench) and adapted to the tiny model, and these
        rows prepared."""
        task = self.new_task()
        prepared = task.prepare(self.raw["train"] if rows is None else rows, "train")
        task.fit(prepared)
        self.adapt(task)
        return task, prepared

    def adapt(self, task: Task) -> None:
        """Adapt ``task`` to the tiny model, if it can be."""
        from transformers import AutoConfig

        adapt = getattr(task, "adapt", None)
        if adapt is not None:
            adapt(self.tokenizer, AutoConfig.from_pretrained(self.checkpoint))

    # model and run

    @cached_property
    def checkpoint(self) -> Path:
        """The tiny pretrained model."""
        return make_tiny_checkpoint(self.folder / "checkpoint", self.family, self.texts)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """Its tokenizer, loaded as a run does."""
        from taskzoo.models.checkpoints import resolve_model
        from taskzoo.models.tokenizers import load_tokenizer

        return load_tokenizer(resolve_model(str(self.checkpoint)))

    @cached_property
    def run(self) -> Run:
        """A short run on the rows."""
        return self.finetune("run")

    def finetune(self, name: str, **settings: Any) -> Run:
        """Another run, with other settings."""
        from taskzoo.runs.finetune import finetune

        train, validation, test = (self.memory[split] for split in SPLITS)
        return finetune(
            self.name, model=str(self.checkpoint), train=train, validation=validation, test=test,
            output=self.folder / name, **{**self.settings, **settings},
        )  # fmt: skip

    def fresh_model(self, task: Task) -> PreTrainedModel:
        """An untrained model with the head of ``task``, with adapters where the settings say so, on the CPU."""
        import torch

        from taskzoo.engine.lora import add_lora

        torch.manual_seed(0)
        model = task.head(str(self.checkpoint), dtype=torch.float32)
        if model.config.pad_token_id is None:
            model.config.pad_token_id = self.tokenizer.pad_token_id
        training = make_training(split_settings(self.settings, self.spec)[0])
        return add_lora(model, training) if training.lora else model

    def batch(self, task: Task, encoded: Encoded, indices: Sequence[int]) -> Batch:
        """Some features as one batch."""
        return task.collator(self.tokenizer)([encoded.features[i] for i in indices])

    def predict(self, rows: Sequence[Row], *, max_tokens: int = 10**9) -> Predictions:
        """Predictions and loss of the run's model for prepared rows."""
        from taskzoo.engine.evaluation import predict
        from taskzoo.engine.precision import make_accelerator

        task, tokenizer = self.run.task, self.run.tokenizer
        encoded = task.encode(rows, tokenizer)
        accelerator = make_accelerator("fp32")
        collate = task.collator(tokenizer)
        return predict(self.run.model, task, rows, encoded, collate, accelerator, max_tokens=max_tokens, with_loss=True)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, Sequence):
        if value and all(isinstance(item, str) for item in value):
            yield " ".join(value)
        else:
            for item in value:
                yield from _strings(item)
