"""What the checks work on: a task, a few of its demo rows, a tiny model, and one short run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from taskzoo import registry
from taskzoo.config import make_training, split_settings
from taskzoo.errors import RequestError
from taskzoo.registry.naming import normalise
from taskzoo.types import Batch, Example, Feature, Row

from .options import Watched, watched_options
from .tiny_families import RECIPES
from .tiny_models import FAMILIES, make_tiny_checkpoint

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from taskzoo.engine.scoring import Predictions
    from taskzoo.runs.load import Run
    from taskzoo.spec import TaskSpec
    from taskzoo.task import Task

FAMILY_OF_KIND = {"encoder": "bert", "decoder": "gpt2", "encoder-decoder": "t5"}
T = TypeVar("T")
SHORT: dict[str, Any] = {"max_steps": 8, "batch_size": 8, "learning_rate": 3e-3, "warmup": 0.0, "lora_dropout": 0.0}
SHORT |= {"precision": "fp32", "seed": 1}
"""Settings of the short run, where the bench is given no others."""


class NoRun(Exception):  # noqa: N818 - the error was raised before
    """A check needs something that failed before; the text says what."""


class Bench:
    """Everything is made on first use and then kept, so that checks share one model and one run.

    Args:
        task: as of :class:`taskzoo.testing.TaskContract`, which describes ``family``, ``settings`` and ``data`` too.
        folder: where checkpoint and runs go; the caller removes it.
        family: architecture of the tiny model.
        settings: engine settings and task options.
        size: training rows to use; validation and test get a third each.
        data: a variant of the demo set.

    Attributes:
        failed: names of the checks that failed on it.
        options_read: names of the task's options that its members have looked at.
    """

    def __init__(
        self,
        task: Any,
        folder: str | Path,
        *,
        family: str | None = None,
        settings: Mapping[str, Any] | None = None,
        size: int = 24,
        data: str = "",
    ) -> None:
        self.asked, self.entry = task, registry.task_entry(task)
        self.folder = Path(folder)
        self.settings: dict[str, Any] = {**SHORT, **(settings or {})}
        self.size = size
        self.data = data
        self._family = family
        self.failed: set[str] = set()
        self.options_read: set[str] = set()
        self._failures: set[str] = set()

    def _once(self, failure: str, make: Callable[[], T]) -> T:
        """What ``make`` makes; after it has failed once, :class:`NoRun` instead of the same error again."""
        if failure in self._failures:
            raise NoRun(failure)
        self._failures.add(failure)
        made = make()
        self._failures.remove(failure)
        return made

    @cached_property
    def spec(self) -> TaskSpec:
        return self.entry.spec

    @cached_property
    def task_class(self) -> type[Task]:
        return self._once("the class cannot be loaded", self.entry.load)

    @cached_property
    def plugin_module(self) -> str:
        """The module that the task's plugin names as its entry point; empty for a task without a plugin."""
        for point in metadata.entry_points(group="taskzoo", name=self.entry.plugin):
            if point.dist is not None and normalise(point.dist.name) == self.entry.distribution:
                return point.module
        return ""

    @property
    def code_folder(self) -> str:
        """The folder of the task's own code, with a separator at its end; empty if unknown."""
        cls = vars(self).get("task_class")  # not there if it cannot be loaded
        file = getattr(sys.modules.get(cls.__module__), "__file__", None) if cls else None
        return f"{Path(file).parent}{os.sep}" if file else ""

    @cached_property
    def family(self) -> str:
        """The one asked for, or what suits the task's default model; ``RequestError`` if its kind does not suit."""
        if self._family and self.spec.scratch_models:
            own = ", ".join(self.spec.scratch_models)
            raise RequestError(f"The task is checked with its own tiny model ({own}); leave the family out.")
        family = self._family or self._default_family()
        kind = RECIPES[family].kind
        if kind not in self.spec.kinds:
            raise RequestError(f"{family} is of the kind {kind}, and the task needs {' or '.join(self.spec.kinds)}.")
        return family

    def _default_family(self) -> str:
        default = registry.default_model(self.entry)
        for model in registry.models():
            if model.name == default and model.kind in self.spec.kinds:
                return model.family if model.family in FAMILIES else FAMILY_OF_KIND[model.kind]
        return FAMILY_OF_KIND[self.spec.kinds[0]]

    def check_request(self) -> None:
        """Refuse a family or a variant of the demo set that cannot be used, with ``RequestError`` for each."""
        from taskzoo.runs.data import demo_folder

        if self.family and self.data:  # the family is checked as it is found
            demo_folder(self.spec, self.data)

    # rows

    @cached_property
    def raw(self) -> dict[str, list[Row]]:
        """A few rows of each split of the demo set, as the reader gives them."""
        from taskzoo.runs.data import demo_rows

        task = self.new_task()
        rows = self._once("there are no demo rows", lambda: demo_rows(self.spec, task, self.data))
        sizes = {"train": self.size, **dict.fromkeys(("validation", "test"), max(2, self.size // 3))}
        return {name: self._few(rows.get(name) or rows["train"], size) for name, size in sizes.items()}

    def _few(self, rows: Sequence[Row], count: int) -> list[Row]:
        """Some of ``rows`` from all over the file, and of every target in turn where targets recur."""
        groups = self._by_target(rows)
        if 2 * len(groups) > count:
            return list(rows)[:: max(1, len(rows) // count)][:count]
        return [group[i] for i in range(count) for group in groups.values() if i < len(group)][:count]

    def _by_target(self, rows: Sequence[Row]) -> dict[str, list[Row]]:
        task = self.new_task()
        groups: dict[str, list[Row]] = {}
        for row, example in zip(rows, task.prepare(rows, "train"), strict=False):
            groups.setdefault(task.dedup_key(example)[1], []).append(row)
        return groups

    def unlike_halves(self) -> tuple[list[Row], list[Row]]:
        """The training rows in two parts, the second with targets that the first lacks, if there are three or more.

        Of two targets, which most tasks need to learn from, the first part has both and the second has one.
        """
        groups = [group for _, group in sorted(self._by_target(self.raw["train"]).items())]
        if len(groups) == 2:
            one, other = groups
            half = -(-len(other) // 2)
            return one + other[:half], other[half:]
        if len(groups) == 1:  # no targets, or all the same
            groups = [[row] for row in groups[0]]
        first = len(groups) - 1 if len(groups) < self.size // 2 else len(groups) // 2
        return [row for group in groups[:first] for row in group], [row for group in groups[first:] for row in group]

    @cached_property
    def given(self) -> list[Any]:
        """What may be predicted for: test rows without their targets, and plain texts where a text is enough."""
        given = {name: column for name, column in self.spec.columns.items() if not column.target}
        inputs = [{k: v for k, v in row.fields.items() if k in given} for row in self.raw["test"][:3]]
        if any(column.required and name != self.spec.input_role for name, column in given.items()):
            return inputs
        texts = [text for fields in inputs for text in _strings(fields)][:3]
        if self.spec.columns[self.spec.input_role].path:
            return [*inputs, *texts]
        return [*inputs, *texts, *(f"{text} \u4f60\u597d \U0001f600" for text in texts[:1])]  # unseen characters

    @cached_property
    def inputs(self) -> list[Row]:
        """The same as rows."""
        from taskzoo.runs.inputs import input_rows

        return input_rows(self.spec, self.new_task(), self.given)

    @cached_property
    def memory(self) -> dict[str, list[dict[str, Any]]]:
        """The rows as :func:`taskzoo.finetune` takes them."""
        return {split: [dict(row.fields) for row in rows] for split, rows in self.raw.items()}

    @cached_property
    def texts(self) -> list[str]:
        """Every string of the rows: what the tiny tokenizer is trained on."""
        return [text for rows in self.memory.values() for fields in rows for text in _strings(fields)]

    # tasks

    def new_task(self) -> Task:
        """A task with nothing learnt."""
        cls, options = self.task_class, self.spec.resolve_options(split_settings(self.settings, self.spec)[1])
        with watched_options(self.options_read):
            return self._once("the class makes no object", lambda: cls(Watched(options, self.options_read)))

    def fitted(self, rows: Sequence[Row] | None = None) -> tuple[Task, list[Example]]:
        """A task fitted on ``rows`` (those of the bench) and configured for the tiny model, and the rows prepared."""
        task = self.new_task()
        examples = task.prepare(self.raw["train"] if rows is None else rows, "train")
        task.fit(examples)
        task.configure(self.processor, self.config)
        return task, examples

    # model and run

    @cached_property
    def checkpoint(self) -> Path:
        """The tiny pretrained model: the first of the task's own models from scratch, or one of the family."""
        folder = self.folder / "checkpoint"
        if not self.spec.scratch_models:
            return make_tiny_checkpoint(folder, self.family, self.texts)
        import torch

        task = self.new_task()
        task.fit(task.prepare(self.raw["train"], "train"))
        folder.mkdir(parents=True, exist_ok=True)
        with torch.random.fork_rng(devices=[]):
            task.make_scratch(self.spec.scratch_models[0], folder, 1)
        return folder

    @property
    def config(self) -> Any:
        """Its configuration."""
        from transformers import AutoConfig

        return AutoConfig.from_pretrained(self.checkpoint)

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase | None:
        """Its tokenizer, loaded as a run does; ``None`` for a task with a processor of its own."""
        from taskzoo.models.refs import resolve_model
        from taskzoo.models.tokenizers import load_tokenizer

        return load_tokenizer(resolve_model(str(self.checkpoint))) if self._own_processor is None else None

    @cached_property
    def _own_processor(self) -> Any:
        return self.new_task().load_processor(str(self.checkpoint))

    @property
    def processor(self) -> Any:
        """The tokenizer, or what the task loads instead."""
        return self.tokenizer if self._own_processor is None else self._own_processor

    @cached_property
    def run(self) -> Run:
        """A short run on the rows; :class:`NoRun` if it failed before."""
        assert self.checkpoint.is_dir()  # made before, so that its errors are its own
        with watched_options(self.options_read):
            return self._once("the short run failed", lambda: self.finetune("run"))

    def finetune(self, name: str, **settings: Any) -> Run:
        """Another run, with other settings."""
        from taskzoo.runs.finetune import finetune

        values: dict[str, Any] = {**self.memory, **self.settings, **settings}
        return finetune(self.asked, model=str(self.checkpoint), output=self.folder / name, **values)

    def fresh_model(self, task: Task) -> PreTrainedModel:
        """An untrained model with the head of ``task``, as the method of the settings trains it, on the CPU."""
        import torch

        from taskzoo.engine.precision import make_accelerator
        from taskzoo.engine.progress import Silent
        from taskzoo.engine.session import Session

        torch.manual_seed(0)
        model = task.head(str(self.checkpoint), dtype=torch.float32)
        if model.config.pad_token_id is None and self.tokenizer is not None:
            model.config.pad_token_id = self.tokenizer.pad_token_id
        training = make_training(split_settings(self.settings, self.spec)[0])
        parts = (task, model, self.processor, task.collator(self.processor))
        session = Session(*parts, {}, {}, training, make_accelerator("fp32", cpu=True), Silent())
        trained: PreTrainedModel = registry.method(training.method)().freeze(session)
        return trained

    def batch(self, task: Task, features: Sequence[Feature]) -> Batch:
        """Features as one batch of tensors."""
        from taskzoo.engine.batches import tensors

        batch = task.collator(self.processor)(features)
        return tensors(batch) if isinstance(batch, Batch) else batch

    def predict(self, examples: Sequence[Example], *, max_tokens: int = 10**9) -> Predictions:
        """Predictions and loss of the run's model for prepared rows."""
        from taskzoo.engine.evaluation import Predictor
        from taskzoo.engine.precision import make_accelerator

        accelerator = make_accelerator("fp32", cpu=True)
        predictor = Predictor(self.run.task, self.run.model, self.processor, accelerator, max_tokens)
        return predictor.predict(examples, with_loss=True)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Sequence) and value and all(isinstance(item, str) for item in value):
        yield " ".join(value)
    elif isinstance(value, (Mapping, Sequence)):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(item)
