"""What was asked for, and the configuration that follows: defaults < recipe < configuration file < arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo import registry
from taskzoo.config import DataConfig, RunConfig, Training, make_training, read_config, split_settings
from taskzoo.data.folds import parse_fold
from taskzoo.data.holdout import parse_holdout
from taskzoo.data.label_columns import as_spoken
from taskzoo.data.readers import parse_group
from taskzoo.errors import RequestError, UnknownNameError, shown
from taskzoo.models.refs import ModelRef, resolve_model
from taskzoo.option_names import option_name

from .data import NONE, REST, UNLABELLED
from .earlier_run import EarlierRun, read_earlier
from .identity import find_task

if TYPE_CHECKING:
    from taskzoo.registry import ResolvedRecipe, TaskEntry, TaskReference

    from .memory import MemoryRows

    Rows = str | Path | MemoryRows

KEPT = ("columns", "format", "group_by", "shots", "holdout", "test_columns", "skip_bad_rows")
"""What a configuration file still says of data when other data are named."""


@dataclass(frozen=True)
class DataRequest:
    """Where rows are to come from, as :func:`taskzoo.finetune` takes it; ``None``: not said."""

    name: str | None = None
    train: Rows | None = None
    validation: Rows | None = None
    test: Rows | None = None
    unlabelled: Rows | Sequence[str] | None = None
    columns: Mapping[str, str] | None = None
    format: str | None = None
    group_by: str | None = None
    shots: int | None = None
    holdout: str | float | None = None
    test_columns: Mapping[str, str] | None = None
    skip_bad_rows: bool | None = None

    def __post_init__(self) -> None:
        for name, columns in (("columns", self.columns), ("test_columns", self.test_columns)):
            if not isinstance(columns, Mapping | None):
                raise RequestError(f"{name}={shown(columns)} must be a mapping, such as {{'text': 'body'}}.")

    @property
    def splits(self) -> dict[str, Any]:
        """Split -> rows, a path, several, or a word such as ``none``, for the splits that were named or given."""
        given = {"train": self.train, "validation": self.validation, "test": self.test, UNLABELLED: self.unlabelled}
        named = {split: rows for split, rows in given.items() if rows is not None}
        paths = {split: _paths(rows, split != UNLABELLED) for split, rows in named.items()}
        if all(paths.values()):
            return named
        return {split: [] if paths[split] == [NONE] else rows for split, rows in named.items()}  # goes with rows too

    @property
    def files(self) -> dict[str, list[str]]:
        """Split -> paths, or the word, for the splits that were named."""
        return {split: paths for split, rows in self.splits.items() if (paths := _paths(rows, split != UNLABELLED))}

    @property
    def memory(self) -> dict[str, Any]:
        """Split -> rows, for the splits that were given as rows."""
        return {split: rows for split, rows in self.splits.items() if split not in self.files}


@dataclass(frozen=True)
class RunRequest:
    """A run as somebody asks for it; ``None`` leaves the choice to the configuration file, recipe and defaults."""

    task: TaskReference | None = None
    model: str | None = None
    data: DataRequest = field(default_factory=DataRequest)
    settings: Mapping[str, Any] = field(default_factory=dict)
    config: str | Path | None = None
    track: Sequence[str] | None = None
    trust_remote_code: bool = False
    from_run: str | Path | None = None


@dataclass(frozen=True)
class Resolved:
    """A checked configuration, before any row is read.

    Args:
        config: every value resolved.
        entry: the task.
        ref: the model.
        recipe: the values of recipes that took effect, and where they come from.
        earlier: the manifest of the run that the configuration file belongs to; empty if none.
        continued: the finished run from which training goes on.
        saved: whether this is a run that was made or begun before, and no new one.
    """

    config: RunConfig
    entry: TaskEntry
    ref: ModelRef
    recipe: ResolvedRecipe
    earlier: Mapping[str, Any] = field(default_factory=dict)
    continued: EarlierRun | None = None
    saved: bool = False

    @property
    def title(self) -> str:
        """What run directories are named by."""
        return self.entry.name if self.entry.distribution else self.entry.spec.id


def resolve_request(request: RunRequest) -> Resolved:
    """The configuration of a run. Nothing heavy is imported, and no row is read.

    Raises:
        UnknownNameError, RequestError: a name or value that cannot be used.
        PluginError: the task's plugin is missing or failed.
    """
    base = read_config(request.config) if request.config is not None else {}
    earlier = _manifest_beside(request.config) if request.config is not None else {}
    from_run = request.from_run or base.get("from_run")
    continued = None if from_run is None else read_earlier(from_run)
    if request.task is not None:
        entry = registry.task_entry(request.task)
    elif continued is not None:
        entry = continued.entry()
    elif base.get("task"):
        entry = find_task(base["task"], earlier.get("task", {}))
    else:
        raise RequestError("Which task? Name one, e.g. `zoo run ner`; `zoo tasks` lists them.")
    data = _data(request.data, base.get("data") or {})
    if continued is not None:
        continued.check(entry, request.model)
        model, ref = _model(str(continued.path), entry, data)
    else:
        model, ref = _model(request.model or base.get("model"), entry, data)
    ref = replace(ref, trusted=request.trust_remote_code)  # said each time, by nothing but the request

    training, options = _settings(request.settings, base, entry)
    if continued is not None:
        options = continued.options(entry, options)
    elif training.get("mix_old"):
        mix_old, names = option_name("mix_old", training["mix_old"]), option_name("from_run", "RUN")
        raise RequestError(f"{mix_old} mixes in training rows of an earlier run; name that run with {names}.")
    # a model without pretrained weights has none that a high rate would spoil
    named = ref.entry if continued is None else continued.catalogue_name()
    family = named or ("scratch" if ref.is_scratch else ref.family)
    method_name = str(training.get("method", Training.method))
    recipe = registry.recipe(entry, family, kind=ref.kind, method=method_name, parameters=ref.parameters)
    try:
        recipe_training, recipe_options = split_settings(recipe.values, entry.spec)
    except RequestError as error:
        raise RequestError(f"The recipe from {'; '.join(recipe.sources)} cannot be used: {error}") from None
    used = {k: v for k, v in recipe.values.items() if k not in training and k not in options}
    track = request.track if request.track is not None else base.get("track") or ()
    known = [entry.name for entry in registry.callbacks()] if track else []
    if unknown := [name for name in track if name not in known]:
        hint = f"There are {', '.join(known)}." if known else "No plugin here brings one."
        raise UnknownNameError("callback", unknown[0], known, hint)
    _check_callbacks(track)
    resolved = entry.spec.resolve_options({**recipe_options, **options})
    settings = make_training({**recipe_training, **training})
    settings = replace(settings, teacher=_absolute(settings.teacher or None) or "")
    path = None if continued is None else str(continued.path)
    config = RunConfig(entry.full_name, model, data, resolved, settings, list(track), path)
    method = registry.method(config.training.method)
    if (data.unlabelled or UNLABELLED in request.data.memory) and not method.takes_unlabelled:
        others = " and ".join(one.name for one in registry.methods() if one.load().takes_unlabelled)
        raise RequestError(f"method={method.name} has no use for {option_name('unlabelled')}; use it with {others}.")
    return Resolved(config, entry, ref, replace(recipe, values=used), earlier, continued)


def _check_callbacks(names: Sequence[str]) -> None:
    """Refuse a callback that says it cannot work here; one that fails otherwise is told of when it is made."""
    for entry in registry.callbacks() if names else ():
        if entry.name in names:
            try:
                entry.load().check()
            except RequestError:
                raise
            except Exception:  # whatever a stranger's module may raise
                continue


def resolve_saved(config: RunConfig, manifest: Mapping[str, Any], *, trust_remote_code: bool = False) -> Resolved:
    """The same for a run that exists, from its own files; refused if its task or model is not there any more."""
    entry = find_task(config.task, manifest["task"])
    ref = resolve_model(config.model, entry.spec.scratch_models)
    if (revision := manifest["model"]["revision"]) and not ref.is_local:
        ref = replace(ref, revision=revision)
    ref = replace(ref, trusted=trust_remote_code)
    continued = None if config.from_run is None else read_earlier(config.from_run)
    recipe = registry.ResolvedRecipe(**manifest["recipe"])
    return Resolved(config, entry, ref, recipe, continued=continued, saved=True)


def _manifest_beside(config: str | Path) -> dict[str, Any]:
    """The manifest beside a configuration file, if it is that of a run."""
    try:
        found: dict[str, Any] = json.loads(Path(config).with_name("manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and "task" in found else {}


def _settings(
    given: Mapping[str, Any], base: Mapping[str, Any], entry: TaskEntry
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Training settings and options of the task: those given over those of the file.

    A number of examples given now replaces a number of tokens from the file or a recipe, and a number of epochs the
    least number of steps.
    """
    training, options = split_settings(given, entry.spec)
    if training.get("batch_size") and training.get("batch_tokens"):
        raise RequestError(
            f"batch_size={training['batch_size']} and batch_tokens={training['batch_tokens']} exclude each other; "
            "give one of them."
        )
    before = dict(base.get("training") or {})
    for values in (before, training):
        if "batch_size" in values:
            values.setdefault("batch_tokens", 0)
        if "epochs" in values:
            values.setdefault("min_steps", 0)
    return {**before, **training}, {**(base.get("options") or {}), **options}


def _model(name: str | None, entry: TaskEntry, data: DataConfig) -> tuple[str, ModelRef]:
    """The model's name, absolute if it is a directory, and what it stands for."""
    if not name:
        name = registry.default_model(entry, demo=(data.name or "").partition("/")[0] == "demo")
    if not name:
        raise RequestError(
            f"The task {entry.name!r} names no default model; choose one with {option_name('model')}. Its models are "
            f"of the kind {' or '.join(entry.spec.kinds)}: `zoo models --kind {entry.spec.kinds[0]}` lists some."
        )
    ref = resolve_model(name, entry.spec.scratch_models)
    check_kind(entry, ref.name, ref.kind)
    return (str(Path(name).absolute()) if ref.entry is None and ref.is_local else name), ref


def check_kind(entry: TaskEntry, model: str, kind: str) -> None:
    """Refuse a model of a kind that does not suit the task; ``""`` is not known yet."""
    if kind and kind not in entry.spec.kinds:
        raise RequestError(
            f"The model {model!r} is of the kind {kind}, and the task {entry.name!r} needs one of the kind "
            f"{' or '.join(entry.spec.kinds)}; choose another {option_name('model')}."
        )


def _data(request: DataRequest, base: Mapping[str, Any]) -> DataConfig:
    """Where the rows come from; data named now replace those of the file."""
    files = request.files
    if request.memory and any(paths != [REST] for paths in files.values()):  # "rest" goes with either
        raise RequestError("Give all rows - train, validation, test, unlabelled - as files, or all of them in memory.")
    other = request.name is not None or request.splits.keys() - {UNLABELLED}
    named = {k: v for k, v in base.items() if k in KEPT or not other}
    name = request.name or named.get("name")
    source = DataConfig(
        name=_absolute(name) if name and Path(name).is_dir() else name,
        train=_one_or_several(files.get("train") or named.get("train")),
        validation=_one_or_several(files.get("validation") or named.get("validation")),
        test=_one_or_several(files.get("test") or named.get("test")),
        columns={str(k): as_spoken(v) for k, v in (request.columns or named.get("columns") or {}).items()},
        format=request.format or named.get("format"),
        group_by=request.group_by or named.get("group_by"),
        shots=named.get("shots") or 0 if request.shots is None else request.shots,
        holdout=str(named.get("holdout") or "" if request.holdout is None else request.holdout),
        unlabelled=_absolute(next(iter(files.get(UNLABELLED, ())), None) or named.get(UNLABELLED), REST),
        test_columns={str(k): str(v) for k, v in (request.test_columns or named.get("test_columns") or {}).items()},
        skip_bad_rows=bool(named.get("skip_bad_rows") if request.skip_bad_rows is None else request.skip_bad_rows),
        split_seed=named.get("split_seed"),
        fold=named.get("fold") or "",
    )
    parse_holdout(source.holdout)
    if source.fold:
        parse_fold(source.fold)
    if source.group_by:
        parse_group(source.group_by)
    if source.shots < 0:
        raise RequestError(f"shots={source.shots} must be 1 or more (0: all rows).")
    if source.unlabelled == REST and not source.shots:
        rest, shots = option_name("unlabelled", REST), option_name("shots")
        raise RequestError(f"{rest} takes the training rows left out by {shots}; give {shots}, or a file.")
    if request.memory or source.name or source.train:
        return source
    if source.validation or source.test:
        validation, test, train, name = map(option_name, ("validation", "test", "train", "data"))
        raise RequestError(f"{validation} and {test} need {train} (or {name}).")
    return replace(source, name="demo")


def _paths(rows: Any, several: bool) -> list[str]:
    """The paths that somebody named, or a word such as ``none``; nothing where ``rows`` are rows."""
    if isinstance(rows, str | Path):
        return [str(rows)]
    named = several and isinstance(rows, list) and all(isinstance(path, str | Path) for path in rows)
    return [str(path) for path in rows] if named else []


def _one_or_several(paths: str | Sequence[str] | None) -> str | list[str] | None:
    """Absolute paths; one alone as text, and with other paths ``none`` is an error."""
    several = [paths] if isinstance(paths, str) else list(paths or ())
    if len(several) > 1 and NONE in several:
        raise RequestError(f"{NONE} excludes {', '.join(path for path in several if path != NONE)}; give one of them.")
    found = [str(_absolute(path, NONE)) for path in several]
    return found if len(found) > 1 else next(iter(found), None)


def _absolute(path: str | None, word: str | None = None) -> str | None:
    """So that the run can be resumed and repeated from anywhere; ``word`` is no path and stays."""
    return path if path is None or path == word else str(Path(path).absolute())
