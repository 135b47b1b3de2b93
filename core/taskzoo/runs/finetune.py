"""One run from request to finished directory: plan, train, test, save."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo import registry
from taskzoo.config import DataConfig, RunConfig, read_config, write_config
from taskzoo.config import make_training as _make_training
from taskzoo.data.readers import GROUP
from taskzoo.engine.progress import Reporter, Silent
from taskzoo.errors import RequestError, TaskZooError
from taskzoo.task import public

from .card import write_card
from .data import NONE, REST, UNLABELLED
from .directory import RunDirectory, new_run_path, write_json, write_jsonl
from .manifest import now, sha256_of
from .memory import MemoryRows
from .plan import Plan, make_config, make_plan
from .prepare import Prepared, prepare

if TYPE_CHECKING:
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
    group_by: str | None = None,
    shots: int | None = None,
    holdout: str | float | None = None,
    unlabelled: str | Path | Sequence[str] | None = None,
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
        train, validation, test: a file, a pair ``(inputs, targets)``, or a list of mappings; an empty list, or the
            word ``none``, is no such split.
        columns: role -> column name or position.
        format: the files' format, where their content does not tell.
        group_by: a column whose rows stay together when splits are made, ``COLUMN`` or ``COLUMN:SEPARATOR``.
        shots: keep this many training rows per class.
        holdout: how many training rows, or which share of them, become validation and test rows where these are
            missing; ``"500,1000"`` for each.
        unlabelled: texts without labels that help the methods ``linear-probe`` and ``contrastive``: a list or a file,
            as the other rows are; or ``"rest"``, the training rows that ``shots`` leaves out.
        config: a ``config.yaml`` to start from.
        output: the run directory; default ``runs/TASK-MODEL-TIME``.
        reporter: where progress is shown; default: nowhere.
        **settings: engine settings and task options, e.g. ``epochs=1, learning_rate=3e-4``.

    Raises:
        RequestError: the request cannot be met (nothing is written).
        TrainingError: training failed; the last checkpoint is kept.
        Interrupted: stopped by a signal; ``taskzoo.runs.finetune.resume`` goes on.
    """
    given: dict[str, Any] = {"train": train, "validation": validation, "test": test}
    if unlabelled is not None and not isinstance(unlabelled, (str, Path)):
        first = next(iter(registry.task(task).columns))
        given[UNLABELLED] = [{first: text} for text in unlabelled]
    memory = {k: v for k, v in given.items() if v is not None and not isinstance(v, (str, Path))}
    files = {k: str(v) for k, v in given.items() if isinstance(v, (str, Path))}
    if memory and (files or (unlabelled not in (None, REST) and UNLABELLED not in memory)):
        raise RequestError("Give all rows - train, validation, test, unlabelled - as files, or all of them in memory.")
    if isinstance(unlabelled, (str, Path)):
        files[UNLABELLED] = str(unlabelled)
    run_config, recipe, sources = make_config(
        task, model=model, data=data, columns=columns, format=format, group_by=group_by, shots=shots, holdout=holdout,
        config=config, in_memory=bool(memory), unlabelled_in_memory=UNLABELLED in memory, settings=settings, **files,
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
    prepared = prepare(plan, reporter)
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
    prepared = prepare(plan, reporter)
    if prepared.manifest["model"]["sha256"] != manifest["model"]["sha256"]:
        raise RequestError(f"The model {config.model!r} changed since the run began; start a new run.")
    write_json(directory.manifest, {**prepared.manifest, "status": "running", "started": manifest["started"]})
    return _train_and_save(plan, prepared, directory, reporter)


def _keep_memory_rows(plan: Plan, directory: RunDirectory) -> RunConfig:
    """Rows given in memory become files of the run, so that it can be repeated and resumed."""
    if all(source["source"] != "memory" for source in plan.splits.sources.values()):
        return plan.config
    directory.data.mkdir(exist_ok=True)
    files: dict[str, Any] = {}
    for split, source in plan.splits.sources.items():
        fields = source.pop("fields")
        if not fields:
            files[split] = NONE
            continue
        file = directory.data / f"{split}.jsonl"
        write_jsonl(file, fields)
        files[split] = source["source"] = str(file.absolute())
        source["sha256"] = sha256_of(file)
    group = GROUP if plan.config.data.group_by else None
    given = plan.config.data
    if given.unlabelled == REST:
        files[UNLABELLED] = REST
    data = DataConfig(format="jsonl", group_by=group, shots=given.shots, holdout=given.holdout, **files)
    return replace(plan.config, data=data)


def _train_and_save(plan: Plan, prepared: Prepared, directory: RunDirectory, reporter: Reporter) -> Run:
    from taskzoo.engine.checkpoint import Checkpoints
    from taskzoo.engine.evaluation import Decoded, Evaluation, assemble, decode, score
    from taskzoo.engine.lora import merge_lora

    from .baseline import score_baseline
    from .load import Run, save_task
    from .methods import train_by_method

    training, task, rows = plan.config.training, plan.task, plan.splits.rows
    accelerator = prepared.accelerator
    say = reporter if accelerator.is_main_process else Silent()

    def decode_split(model: Any, split: str, title: str) -> Decoded:
        encoded = prepared.encoded[split]
        with say.bar(title, len(encoded.features)) as bar:
            done = 0

            def advance(count: int) -> None:
                nonlocal done
                done += count
                bar.update(done)

            return decode(
                model, task, len(rows[split]), encoded, prepared.collate, accelerator,
                max_tokens=training.evaluation_tokens, with_loss=True, advance=advance,
            )  # fmt: skip

    def validate(model: Any) -> dict[str, float]:
        found = decode_split(model, "validation", "validating")
        return score(task, rows["validation"], assemble(task, rows["validation"], found)).scores

    began, began_cpu = time.perf_counter(), time.process_time()
    try:
        progress = train_by_method(
            plan, prepared, Checkpoints(directory.checkpoints), directory.history, say, validate
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

    # validation first: what the task settles there (temperature, thresholds) holds for the test rows
    results: dict[str, Evaluation] = {}
    tuned: dict[str, Any] = {}
    for split in ("validation", "test"):
        if rows[split]:
            before = time.perf_counter()
            found = decode_split(model, split, split)
            prepared.seconds[f"predict_{split}"] = time.perf_counter() - before
            if split == "validation" and hasattr(task, "tune"):
                tuned = task.tune(rows[split], found.parts)
            results[split] = score(task, rows[split], assemble(task, rows[split], found), intervals=True)
    prepared.seconds["evaluate"] = time.perf_counter() - began

    if accelerator.is_main_process:
        metrics: dict[str, Any] = {split: result.to_dict() for split, result in results.items()}
        if training.baseline:
            metrics["baseline"] = score_baseline(plan, results, say)
        if prepared.use_cache is not None:
            model.config.use_cache = prepared.use_cache
        model.save_pretrained(directory.model)
        prepared.tokenizer.save_pretrained(directory.model)
        save_task(directory.model, plan, prepared.precision, prepared.manifest["task"])
        if "test" in results:
            pairs = zip(results["test"].predictions, results["test"].references, strict=True)
            write_jsonl(directory.predictions, ({**public(p), "reference": r} for p, r in pairs))
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
            "tuned": tuned,
        }
        write_json(directory.manifest, manifest)
        write_card(directory, plan, metrics, manifest)
        if not training.keep_checkpoints:
            shutil.rmtree(directory.checkpoints, ignore_errors=True)
    accelerator.wait_for_everyone()
    return Run(directory.path, plan.spec, task, model, prepared.tokenizer, accelerator)
