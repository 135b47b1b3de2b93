"""One run from request to finished directory: plan, train, test, save."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo import registry
from taskzoo.config import DataConfig, RunConfig, read_config, write_config
from taskzoo.config import make_training as _make_training
from taskzoo.engine.progress import Reporter, Silent
from taskzoo.errors import RequestError, TaskZooError

from .card import write_card
from .data import SPLITS, MemoryRows, overlap_notes, split_note
from .directory import RunDirectory, new_run_path, write_json, write_jsonl
from .manifest import environment, model_hashes, now
from .plan import Plan, describe_settings, make_config, make_plan

if TYPE_CHECKING:
    from taskzoo.models.checkpoints import Checkpoint

    from .load import Run


def finetune(
    task: str,
    *,
    model: str | None = None,
    data: str | None = None,
    train: str | Path | MemoryRows | None = None,
    validation: str | Path | MemoryRows | None = None,
    test: str | Path | MemoryRows | None = None,
    columns: Mapping[str, str] | None = None,
    format: str | None = None,
    config: str | Path | None = None,
    output: str | Path | None = None,
    reporter: Reporter | None = None,
    **settings: Any,
) -> Run:
    """Fine-tune ``model`` for ``task`` and return the finished run, ready to predict.

    Args:
        task: a task id (``"ner"``) or ``"distribution/task"``.
        model: registry name, hub id or local directory; default: the registry's choice for the task.
        data: a data set by name, a directory with split files, or ``"hub:ID"``; none at all means the demo set.
        train, validation, test: a file, a pair ``(inputs, targets)``, or a list of mappings.
        columns: role -> column name or position.
        format: the files' format, where their content does not tell.
        config: a ``config.yaml`` to start from.
        output: the run directory; default ``runs/TASK-MODEL-TIME``.
        reporter: where progress is shown; default: nowhere.
        **settings: engine settings and task options, e.g. ``epochs=1, learning_rate=3e-4``.

    Raises:
        RequestError: the request cannot be met (nothing is written).
        TrainingError: training failed; the last checkpoint is kept.
        Interrupted: stopped by a signal; ``taskzoo.runs.finetune.resume`` goes on.
    """
    given = {"train": train, "validation": validation, "test": test}
    memory = {k: v for k, v in given.items() if v is not None and not isinstance(v, (str, Path))}
    files = {k: str(v) for k, v in given.items() if isinstance(v, (str, Path))}
    if memory and files:
        raise RequestError("Give all of train, validation and test as files, or all of them in memory.")
    run_config, recipe, sources = make_config(
        task, model=model, data=data, columns=columns, format=format, config=config, in_memory=bool(memory),
        settings=settings, **files,
    )  # fmt: skip
    path = new_run_path(str(output) if output is not None else None, run_config.task, run_config.model)
    plan = make_plan(run_config, recipe=recipe, recipe_sources=sources, memory=memory)
    return start(plan, path, reporter=reporter)


def start(plan: Plan, path: Path, *, reporter: Reporter | None = None) -> Run:
    """Load the model, and only then make the directory and train.

    Raises:
        RequestError: the model cannot be loaded or does not suit (nothing is written).
    """
    reporter = reporter or Silent()
    prepared = _prepare(plan, reporter)
    directory = RunDirectory(path)
    if prepared.accelerator.is_main_process:
        directory.path.mkdir(parents=True, exist_ok=True)
        config = _keep_memory_rows(plan, directory)
        write_config(config, directory.config)
        write_json(directory.manifest, {**prepared.manifest, "status": "running", "started": now()})
        directory.history.touch()
    prepared.accelerator.wait_for_everyone()
    return _train_and_save(plan, prepared, directory, reporter)


def resume(path: str | Path, *, reporter: Reporter | None = None) -> Run:
    """Continue an interrupted run in its own directory; the result is the same as without the interruption.

    Raises:
        RequestError: not a run directory, already finished, or its data have changed since.
    """
    directory = RunDirectory(Path(path))
    manifest = directory.read_manifest()
    if manifest["status"] == "finished":
        raise RequestError(f"The run {str(path)!r} is finished; there is nothing to resume.")
    loaded = read_config(directory.config)
    config = RunConfig(
        task=loaded["task"],
        model=loaded["model"],
        data=DataConfig(**loaded["data"]),
        options=loaded["options"],
        training=_make_training(loaded["training"]),
    )
    plan = make_plan(config, recipe=manifest["recipe"]["values"], recipe_sources=manifest["recipe"]["sources"])
    for split, source in plan.splits.sources.items():
        if source.get("sha256") != manifest["data"].get(split, {}).get("sha256"):
            raise RequestError(f"The {split} data ({source['source']}) changed since the run began; start a new run.")
    reporter = reporter or Silent()
    prepared = _prepare(plan, reporter)
    if prepared.manifest["model"]["sha256"] != manifest["model"]["sha256"]:
        raise RequestError(f"The model {config.model!r} changed since the run began; start a new run.")
    write_json(directory.manifest, {**prepared.manifest, "status": "running", "started": manifest["started"]})
    return _train_and_save(plan, prepared, directory, reporter)


class _Prepared:
    """The loaded parts of a run."""

    def __init__(self, plan: Plan, reporter: Reporter) -> None:
        import numpy
        import torch

        from taskzoo.engine.freezing import freeze
        from taskzoo.engine.lora import add_lora, count_parameters
        from taskzoo.engine.precision import make_accelerator, resolve_precision
        from taskzoo.models.loading import explain_load_errors, quiet_transformers
        from taskzoo.models.tokenizers import load_tokenizer

        began = time.perf_counter()
        quiet_transformers()
        training = plan.config.training
        self.precision = resolve_precision(training.precision, family=plan.checkpoint.family)
        self.accelerator = make_accelerator(self.precision)
        random.seed(training.seed)
        numpy.random.seed(training.seed % 2**32)
        torch.manual_seed(training.seed)
        checkpoint = plan.checkpoint
        if checkpoint.is_scratch:
            checkpoint = self._from_scratch(plan, reporter)
        self.tokenizer = load_tokenizer(checkpoint)
        self.collate = plan.task.collator(self.tokenizer)
        self.encoded = {
            split: plan.task.encode(rows, self.tokenizer) for split, rows in plan.splits.rows.items() if rows
        }
        loading: dict[str, Any] = {"revision": checkpoint.revision} if checkpoint.revision else {}
        with explain_load_errors(checkpoint, "model"):
            self.model = plan.task.head(checkpoint.location, dtype=torch.float32, **loading)
        if self.model.config.pad_token_id is None:
            self.model.config.pad_token_id = self.tokenizer.pad_token_id
        if hasattr(self.model.config, "use_cache"):
            self.model.config.use_cache = False
        freeze(self.model, training.freeze)
        if training.gradient_checkpointing:
            self.model.gradient_checkpointing_enable({"use_reentrant": False})
        self.trained = add_lora(self.model, training) if training.lora else self.model
        self.trained.to(self.accelerator.device)
        self.trainable, self.parameters = count_parameters(self.trained)
        self._try_one_batch(plan)
        self.seconds = {"load": time.perf_counter() - began}
        provider = registry.provider(plan.config.task)
        self.manifest: dict[str, Any] = {
            "task": {"id": plan.config.task, **provider},
            "model": {
                "name": plan.checkpoint.name,
                "location": plan.checkpoint.location,
                "family": self.model.config.model_type,
                "sha256": model_hashes(plan.checkpoint.location),
                "parameters": self.parameters,
                "trainable": self.trainable,
            },
            "precision": self.precision,
            "processes": self.accelerator.num_processes,
            "seed": training.seed,
            "recipe": {"values": plan.recipe, "sources": plan.recipe_sources},
            "data": plan.splits.sources,
            "splits": plan.splits.made,
            "rows": {split: len(rows) for split, rows in plan.splits.rows.items()},
            "overlap": plan.splits.overlap,
            "counts": {split: encoded.counts for split, encoded in self.encoded.items()},
            "environment": environment(),
        }

    def _try_one_batch(self, plan: Plan) -> None:
        """Model, loss and decoding on two examples, so that what cannot work is refused before anything is written."""
        import torch

        from taskzoo.engine.batches import to_device

        smallest = sorted(self.encoded["train"].features, key=lambda f: len(f["input_ids"]))[:2]
        batch = to_device(self.collate(smallest), self.accelerator.device)
        self.trained.eval()
        with torch.no_grad(), self.accelerator.autocast():
            outputs = self.trained(**batch["inputs"])
        plan.task.loss(outputs, batch, label_smoothing=plan.config.training.label_smoothing)
        plan.task.decode(outputs, batch)

    def token_ids(self) -> set[int]:
        """All tokens that training and its validation can meet."""
        features = [
            f for split in ("train", "validation") if split in self.encoded for f in self.encoded[split].features
        ]
        return {i for feature in features for i in feature["input_ids"]}.union(self.tokenizer.all_special_ids)

    def _from_scratch(self, plan: Plan, reporter: Reporter) -> Checkpoint:
        from taskzoo.models.scratch import make_scratch

        self._folder = tempfile.TemporaryDirectory(prefix="taskzoo-scratch-")
        reporter.say("Training a tokenizer on the training rows; the model starts without any pretraining.")
        texts = [plan.task.signature(row)[0] for row in plan.splits.rows["train"]]
        return make_scratch(plan.checkpoint, texts, Path(self._folder.name), seed=plan.config.training.seed)


def _prepare(plan: Plan, reporter: Reporter) -> _Prepared:
    for line in _opening(plan):
        reporter.say(line)
    prepared = _Prepared(plan, reporter)
    share = prepared.trainable / prepared.parameters
    reporter.say(
        f"model     {plan.checkpoint.name} ({prepared.model.config.model_type}, {prepared.parameters / 1e6:.1f}M "
        f"parameters, {share:.1%} trained), {prepared.precision} on {prepared.accelerator.device.type}"
    )
    for split, encoded in prepared.encoded.items():
        noted = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in encoded.counts.items() if value)
        if noted:
            reporter.say(f"{split:<10} {noted}")
    return prepared


def _opening(plan: Plan) -> list[str]:
    lines = []
    if plan.config.data.name == "demo":
        lines.append(f"No data named: using the built-in demo set of {plan.config.task}.")
    rows = ", ".join(f"{split} {len(plan.splits.rows[split])}" for split in SPLITS)
    note = split_note(plan.splits.made)
    made = f" ({note})" if note else ""
    lines.append(f"data      {rows} rows{made}")
    lines.extend(f"warning   {note}" for note in overlap_notes(plan.splits.overlap))
    lines.append(f"settings  {describe_settings(plan.config.training)}")
    if plan.recipe:
        values = ", ".join(f"{name}={value}" for name, value in plan.recipe.items())
        lines.append(f"recipe    {values} (from {'; '.join(plan.recipe_sources)})")
    return lines


def _keep_memory_rows(plan: Plan, directory: RunDirectory) -> RunConfig:
    """Rows given in memory become files of the run, so that it can be repeated and resumed."""
    if all(source["source"] != "memory" for source in plan.splits.sources.values()):
        return plan.config
    from .manifest import sha256_of

    directory.data.mkdir(exist_ok=True)
    files: dict[str, Any] = {}
    for split, source in plan.splits.sources.items():
        file = directory.data / f"{split}.jsonl"
        write_jsonl(file, source.pop("fields"))
        files[split] = source["source"] = str(file.absolute())
        source["sha256"] = sha256_of(file)
    return replace(plan.config, data=DataConfig(format="jsonl", **files))


def _train_and_save(plan: Plan, prepared: _Prepared, directory: RunDirectory, reporter: Reporter) -> Run:
    from taskzoo.engine.checkpoint import Checkpoints
    from taskzoo.engine.embeddings import used_rows_only
    from taskzoo.engine.evaluation import Evaluation, predict, score
    from taskzoo.engine.lora import merge_lora
    from taskzoo.engine.trainer import train

    from .load import Run, save_task

    training, task, rows = plan.config.training, plan.task, plan.splits.rows
    accelerator = prepared.accelerator
    say = reporter if accelerator.is_main_process else Silent()

    def evaluate_split(model: Any, split: str, *, final: bool = False) -> Evaluation:
        encoded = prepared.encoded[split]
        with say.bar(split if final else "validating", len(encoded.features)) as bar:
            done = 0

            def advance(count: int) -> None:
                nonlocal done
                done += count
                bar.update(done)

            predictions = predict(
                model, task, rows[split], encoded, prepared.collate, accelerator,
                max_tokens=training.evaluation_tokens, with_loss=True, advance=advance,
            )  # fmt: skip
        return score(task, rows[split], predictions, intervals=final)

    checkpoints = Checkpoints(directory.checkpoints)
    began, began_cpu = time.perf_counter(), time.process_time()
    try:
        compact = used_rows_only(prepared.model, prepared.token_ids())
        with compact if training.compact_embeddings else nullcontext():
            progress = train(
                prepared.trained, task, prepared.encoded["train"].features, prepared.collate, training, accelerator,
                checkpoints, history=directory.history, reporter=say,
                evaluate=(lambda model: evaluate_split(model, "validation").scores) if rows["validation"] else None,
            )  # fmt: skip
    except TaskZooError as error:
        if accelerator.is_main_process:
            manifest = json.loads(directory.manifest.read_text(encoding="utf-8"))
            write_json(directory.manifest, {**manifest, "status": "stopped", "reason": str(error)})
        raise
    prepared.seconds["train"] = progress.seconds
    prepared.seconds["train_and_validate"] = time.perf_counter() - began
    prepared.seconds["train_and_validate_cpu"] = time.process_time() - began_cpu

    # a LoRA run keeps its adapter and serves the merged model, which is the same function
    began = time.perf_counter()
    model = prepared.trained
    if training.lora:
        if accelerator.is_main_process:
            prepared.trained.save_pretrained(directory.adapter)
        model = merge_lora(prepared.trained)
    model.eval()
    results = {split: evaluate_split(model, split, final=True) for split in ("validation", "test") if rows[split]}
    prepared.seconds["evaluate"] = time.perf_counter() - began

    if accelerator.is_main_process:
        model.save_pretrained(directory.model)
        prepared.tokenizer.save_pretrained(directory.model)
        save_task(directory.model, plan, prepared.precision, prepared.manifest["task"])
        if "test" in results:
            pairs = zip(results["test"].predictions, results["test"].references, strict=True)
            write_jsonl(directory.predictions, ({**p, "reference": r} for p, r in pairs))
        metrics = {split: result.to_dict() for split, result in results.items()}
        write_json(directory.metrics, metrics)
        manifest = {
            **json.loads(directory.manifest.read_text(encoding="utf-8")),
            "status": "finished",
            "finished": now(),
            "seconds": {name: round(value, 3) for name, value in prepared.seconds.items()},
            "steps": progress.step,
            "best_step": progress.best_step or progress.step,
            "tokens": progress.tokens,
            "tokens_per_second": progress.tokens / max(progress.seconds, 1e-9),
        }
        write_json(directory.manifest, manifest)
        write_card(directory, plan, metrics, manifest)
        if not training.keep_checkpoints:
            shutil.rmtree(directory.checkpoints, ignore_errors=True)
    accelerator.wait_for_everyone()
    return Run(directory.path, plan.spec, task, model, prepared.tokenizer, accelerator)
