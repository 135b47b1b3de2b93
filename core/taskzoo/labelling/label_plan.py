"""Which rows are checked, and by which model: those of a finished run, or those that are named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from taskzoo.config import split_settings
from taskzoo.errors import DataError, RequestError
from taskzoo.option_names import option_name
from taskzoo.runs.data import NONE, input_files
from taskzoo.runs.directory import TASK_FILE, RunDirectory
from taskzoo.runs.exported import is_export
from taskzoo.runs.identity import check_contract, find_task
from taskzoo.runs.plan import Plan, make_plan
from taskzoo.runs.request import DataRequest, Resolved, RunRequest, resolve_request, resolve_saved
from taskzoo.runs.saved_config import saved_config

METHOD = "linear-probe"
"""What options are chosen for: the backbone stays as it is."""


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """What is to be checked.

    Args:
        name: a run directory, or a task.
        data: the rows, of which those for training are checked; a run has its own.
        model: whose vectors the probe is fitted on; by default that on which the run, or a run of the task, is based.
        settings: further settings.
        trust_remote_code: whether code of the checkpoint may be run.
    """

    name: str
    data: DataRequest = field(default_factory=DataRequest)
    model: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    trust_remote_code: bool = False


def is_run(name: str) -> bool:
    """Whether this is a directory that a run or an export made, and not the name of a task."""
    path = Path(name)
    return any((path / file).is_file() for file in ("manifest.json", "export.json", TASK_FILE, f"model/{TASK_FILE}"))


def make_label_plan(request: LabelRequest) -> Plan:
    """All training rows of the request, with none split off.

    Raises:
        RequestError: a run that has no training rows or no encoder to judge by, or a task that generates.
        DataError: the rows cannot be read.
    """
    resolved = _of_run(request) if is_run(request.name) else _of_task(request)
    if resolved.entry.load().generates:
        raise RequestError(
            f"{resolved.entry.name} generates texts, and there is no probe that tells right ones from wrong ones; "
            "labels that can be checked are classes, several labels, numbers and entities."
        )
    if resolved.ref.is_scratch:
        raise RequestError(
            f"The model {resolved.ref.name!r} starts untrained, so it cannot judge labels; name a pretrained one "
            f"({option_name('model')})."
        )
    plan = make_plan(resolved)
    if added := plan.splits.made.get("added_rows"):  # names of labels, which nobody gave
        train = plan.splits.examples["train"][:-added]
        plan = replace(plan, splits=replace(plan.splits, examples={**plan.splits.examples, "train": train}))
    return plan


def files_of(plan: Plan) -> list[Path]:
    """The files that the rows are read from, and the folder where they are named by one."""
    data = plan.config.data
    folder = [Path(data.name)] if data.name and Path(data.name).is_dir() else []
    return [*folder, *input_files(plan.spec, plan.task, data.files.get("train", ()))]


def _of_task(request: LabelRequest) -> Resolved:
    if Path(request.name).is_dir():
        raise RequestError(f"{request.name!r} is not a finished run; name one, or a task with {option_name('train')}.")
    if request.data.train is None and request.data.name is None:
        options = f"{option_name('train', 'FILE')} or {option_name('data', 'NAME')}"
        raise RequestError(f"Which labels? Give {options} with the task, or a run instead of it.")
    data = replace(request.data, validation=NONE, test=NONE)
    return resolve_request(
        RunRequest(
            request.name,
            request.model,
            data,
            {"method": METHOD, **request.settings},
            trust_remote_code=request.trust_remote_code,
        )
    )


def _of_run(request: LabelRequest) -> Resolved:
    """The run's own configuration, with its base model: its own weights know the labels that are to be checked."""
    path = Path(request.name)
    if is_export(path) or is_export(path / "model"):
        raise RequestError(
            f"{request.name!r} is an export, which names no training rows; give the run it was made of, or its task "
            f"with {option_name('train', 'FILE')}."
        )
    directory = RunDirectory(path)
    manifest = directory.read_manifest()
    check_contract(manifest["task"])
    config = saved_config(directory)
    given = request.data
    own = replace(
        config.data, validation=NONE, test=NONE, holdout="", shots=0, unlabelled=None, fold="", test_columns={}
    )
    if given.files.get("train") or given.name:
        train = [str(Path(file).absolute()) for file in given.files.get("train", ())]
        own = replace(own, name=given.name, train=(train if len(train) != 1 else train[0]) or None)
    own = replace(
        own,
        columns=dict(given.columns or own.columns),
        format=given.format or own.format,
        group_by=given.group_by or own.group_by,
        skip_bad_rows=own.skip_bad_rows if given.skip_bad_rows is None else given.skip_bad_rows,
    )
    spec = find_task(config.task, manifest["task"]).spec
    settings, options = split_settings(request.settings, spec)
    values = spec.resolve_options(options)
    options = {**config.options, **{name: values[name] for name in options}}
    training = replace(config.training, baseline=False, evaluate_modules="", **{"method": METHOD, **settings})
    resolved = resolve_saved(
        replace(config, data=own, options=options, training=training, track=[], model=request.model or config.model),
        manifest if request.model is None else {**manifest, "model": {"revision": None}},
        trust_remote_code=request.trust_remote_code,
    )
    _check_there(request.name, resolved)
    return resolved


def _check_there(name: str, resolved: Resolved) -> None:
    """Refuse a run whose training rows are no longer where they were."""
    for pattern in resolved.config.data.files.get("train", ()):
        if not Path(pattern).exists() and not any(sign in pattern for sign in "*?["):
            raise DataError(
                f"the training rows of {name} are not there any more; say where they are ({option_name('train')}).",
                file=pattern,
            )
