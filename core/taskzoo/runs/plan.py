"""Everything that can be refused is refused here, before a directory exists or a model is loaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taskzoo import registry
from taskzoo.config import DataConfig, RunConfig, Training, make_training, parse_columns, read_config, split_settings
from taskzoo.data.holdout import parse_holdout
from taskzoo.data.readers import parse_group, require_source
from taskzoo.errors import RequestError
from taskzoo.models.checkpoints import Checkpoint, resolve_model
from taskzoo.task import Task, TaskSpec

from .data import NONE, REST, Splits, load_splits, paired_languages
from .memory import MemoryRows

FALLBACK_MODEL = "minilm"


@dataclass
class Plan:
    """A run that has been checked as far as possible without loading the model."""

    config: RunConfig
    spec: TaskSpec
    task: Task
    checkpoint: Checkpoint
    splits: Splits
    recipe: dict[str, Any] = field(default_factory=dict)
    recipe_sources: list[str] = field(default_factory=list)


def make_config(
    task: str | None,
    *,
    model: str | None = None,
    data: str | None = None,
    train: str | None = None,
    validation: str | None = None,
    test: str | None = None,
    columns: Mapping[str, str] | str | None = None,
    format: str | None = None,
    group_by: str | None = None,
    shots: int | None = None,
    holdout: str | float | None = None,
    unlabelled: str | None = None,
    config: str | Path | None = None,
    in_memory: bool = False,
    unlabelled_in_memory: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> tuple[RunConfig, dict[str, Any], list[str]]:
    """Merge defaults < recipe < configuration file < arguments.

    Returns:
        The configuration, the recipe's values that took effect, and where they come from.

    Raises:
        UnknownNameError, RequestError: a name or value that cannot be used.
    """
    base = read_config(config) if config is not None else {}
    task = task or base.get("task")
    if not task:
        raise RequestError("Which task? Name one, e.g. `zoo run ner`; `zoo tasks` lists them.")
    spec = registry.task(task)
    model = model or base.get("model") or registry.default_model(task) or FALLBACK_MODEL
    checkpoint = resolve_model(model)
    if checkpoint.entry is None and checkpoint.is_local:
        model = str(Path(model).absolute())

    given_training, given_options = split_settings(settings or {}, spec)
    base_training = dict(base.get("training") or {})
    if "method" in given_training or "lora" in given_training:  # either says it, so one given now undoes both
        base_training = {k: v for k, v in base_training.items() if k not in ("method", "lora")}
    _one_batch(base_training, given_training)
    training = {**base_training, **given_training}
    options = {**(base.get("options") or {}), **given_options}
    method = "lora" if training.get("lora") else str(training.get("method", "full"))
    family = "scratch" if checkpoint.is_scratch else checkpoint.family  # no weights that a large rate would spoil
    recipe = registry.recipe(task, checkpoint.entry or family, kind=checkpoint.kind or None, method=method)
    try:
        recipe_training, recipe_options = split_settings(recipe.values, spec)
    except RequestError as error:
        raise RequestError(f"The recipe from {'; '.join(recipe.sources)} cannot be used: {error}") from None
    used = {k: v for k, v in recipe.values.items() if k not in training and k not in options}

    named = base.get("data") or {}
    if any((data, train, validation, test, in_memory)):
        named = {k: v for k, v in named.items() if k in ("columns", "format", "group_by", "shots", "holdout")}
    if isinstance(columns, str):
        columns = parse_columns(columns)
    name = data or named.get("name")
    source = DataConfig(
        name=_absolute(name) if name and Path(name).is_dir() else name,
        train=_absolute(train or named.get("train")),
        validation=_file_or(NONE, validation or named.get("validation")),
        test=_file_or(NONE, test or named.get("test")),
        columns={str(k): str(v) for k, v in (columns or named.get("columns") or {}).items()},
        format=format or named.get("format"),
        group_by=group_by or named.get("group_by"),
        shots=named.get("shots") or 0 if shots is None else shots,
        holdout=str(named.get("holdout") or "" if holdout is None else holdout),
        unlabelled=_file_or(REST, unlabelled or named.get("unlabelled")),
    )
    parse_holdout(source.holdout)
    if source.group_by:
        parse_group(source.group_by)
    if source.shots < 0:
        raise RequestError(f"shots={source.shots} must be 1 or more (0: all rows).")
    if source.unlabelled == REST and not source.shots:
        raise RequestError(
            "--unlabelled rest takes the training rows that --shots leaves out; give --shots, or a file."
        )
    if (source.unlabelled or unlabelled_in_memory) and method not in ("linear-probe", "contrastive"):
        raise RequestError(
            f"--unlabelled helps --method linear-probe and contrastive; method={method} has no use for it."
        )
    if not in_memory and not (source.name or source.train):
        if source.validation or source.test:
            raise RequestError("--validation and --test need --train (or --data).")
        source = dataclasses.replace(source, name="demo")
    return (
        RunConfig(
            task=task,
            model=model,
            data=source,
            options=spec.resolve_options({**recipe_options, **options}),
            training=make_training({**recipe_training, **training}),
        ),
        used,
        recipe.sources,
    )


def _one_batch(base: dict[str, Any], given: dict[str, Any]) -> None:
    """A number of examples undoes a number of tokens that comes from further below, such as the recipe.

    Raises:
        RequestError: both are asked for at once.
    """
    if given.get("batch_size") and given.get("batch_tokens"):
        raise RequestError(
            f"batch_size={given['batch_size']} and batch_tokens={given['batch_tokens']} exclude each other; "
            "give one of them."
        )
    for values in (base, given):
        if "batch_size" in values:
            values.setdefault("batch_tokens", 0)


def _absolute(path: str | None) -> str | None:
    """So that the run can be resumed and repeated from anywhere."""
    return None if path is None else str(Path(path).absolute())


def _file_or(word: str, path: str | None) -> str | None:
    return path if path == word else _absolute(path)


def make_plan(
    config: RunConfig,
    *,
    recipe: dict[str, Any] | None = None,
    recipe_sources: list[str] | None = None,
    memory: Mapping[str, MemoryRows] | None = None,
) -> Plan:
    """Import the task, read and check all rows, and fit the task on the training rows.

    Raises:
        PluginError, RequestError, DataError: anything that cannot be used.
    """
    spec = registry.task(config.task)
    languages = paired_languages(spec, {role: str(config.options[name]) for role, name in spec.languages.items()})
    for path in (config.data.train, config.data.validation, config.data.test, config.data.unlabelled):
        if path not in (None, NONE, REST):  # before anything heavy is imported
            require_source(Path(path), spec.columns, languages)
    task: Task = registry.load_task(config.task)(config.options)
    if config.training.baseline and not hasattr(task, "baseline"):
        raise RequestError(f"The task {spec.id!r} has no baseline; leave --baseline out.")
    splits = load_splits(spec, task, config.data, seed=config.training.seed, memory=memory)
    task.fit(splits.rows["train"])
    return Plan(config, spec, task, resolve_model(config.model), splits, recipe or {}, recipe_sources or [])


def describe_settings(training: Training) -> str:
    """The settings people ask about first, in one line."""
    rate = f"learning rate {training.learning_rate:g}"
    if training.method == "linear-probe":
        return "linear probe: the backbone stays as it is, the last layer is solved for"
    length = f"{training.max_steps} steps" if training.max_steps else f"{training.epochs:g} epochs"
    if training.method == "contrastive":
        length = f"{training.contrastive_pairs} contrastive pairs per row, {length}"
    batch = f"batch of {training.batch_tokens} tokens" if training.batch_tokens else f"batch {training.batch_size}"
    parts = [length, batch, rate, training.optimizer, f"{training.schedule} schedule"]
    if training.lora:
        parts.append(f"LoRA rank {training.lora_rank}")
    if training.freeze:
        parts.append(f"frozen: {training.freeze}")
    return ", ".join(parts)
