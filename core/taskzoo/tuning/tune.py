"""``taskzoo.tune``: search settings by validation score, and see what is left of the best with other seeds."""

from __future__ import annotations

import json
import math
import multiprocessing
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from taskzoo.config import write_config
from taskzoo.durable import write_text
from taskzoo.errors import Interrupted, PluginError, RequestError, TrainingError
from taskzoo.option_names import option_name
from taskzoo.runs.directory import RunDirectory, new_run, read_json, write_json
from taskzoo.runs.execute import keep_memory_rows, never
from taskzoo.runs.finetune import as_reporter
from taskzoo.runs.offered_settings import offers_settings
from taskzoo.runs.plan import make_plan
from taskzoo.runs.repeats import leaves
from taskzoo.runs.request import DataRequest, Resolved, RunRequest, resolve_request
from taskzoo.runs.wording import changed_data

from .reruns import BEST, DEFAULT, Reruns, rerun
from .result import CARD, FILE, RECIPE, TABLE, Tuned, table_of
from .space import Given, default_space, parse_space
from .store import CLAIMS, CONCLUDING, RUNNING, Store, alone, checked_storage, load_optuna
from .trial import Trials, Watching, run_directory, strip
from .wording import card_of, sentences_of
from .worker import FEWEST_SEEDS, Work, best_of, default_of, helpers, make_trials, seconds_of_reruns

if TYPE_CHECKING:
    from taskzoo.registry import TaskReference
    from taskzoo.runs.finetune import Report
    from taskzoo.runs.request import Rows

TRIALS, SEEDS = 20, 3
MARGIN = 1.1
"""What a run with another seed is taken to need, of what the trial took, once no further trial is made."""


@dataclass(frozen=True)
class TuneRequest:
    """A search as somebody asks for it.

    Args:
        run: the run whose settings are searched.
        space: name -> what is searched; empty: what suits the method.
        trials: how many are made; ``None``: 20, or as many as there is time for.
        minutes: how long all may take, the runs with other seeds included.
        seeds: with how many the best is run again.
        jobs: processes that make trials.
        storage: URL of a database.
    """

    run: RunRequest
    space: Mapping[str, Given] = field(default_factory=dict)
    trials: int | None = None
    minutes: float | None = None
    seeds: int = SEEDS
    jobs: int = 1
    storage: str | None = None

    def check(self) -> None:
        """Refuse numbers that cannot be used, and a missing Optuna.

        Raises:
            RequestError: one of these.
        """
        least = {"trials": (self.trials, 1), "seeds": (self.seeds, FEWEST_SEEDS), "jobs": (self.jobs, 1)}
        for name, (value, minimum) in least.items():
            if value is not None and value < minimum:
                raise RequestError(f"{option_name(name)} is {value}; give {minimum} or more.")
        if self.minutes is not None and not (math.isfinite(self.minutes) and self.minutes > 0):
            raise RequestError(f"{option_name('minutes')} is {self.minutes:g}; give minutes above 0.")
        load_optuna()


@offers_settings
def tune(  # noqa: PLR0913 - the public API
    task: TaskReference,
    *,
    model: str | Path | None = None,
    data: str | None = None,
    train: Rows | None = None,
    validation: Rows | None = None,
    test: Rows | None = None,
    columns: Mapping[str, str] | None = None,
    config: str | Path | None = None,
    space: Mapping[str, Given] | None = None,
    trials: int | None = None,
    minutes: float | None = None,
    seeds: int = SEEDS,
    jobs: int = 1,
    storage: str | None = None,
    output: str | Path | None = None,
    reporter: Report = None,
    **settings: Any,
) -> Tuned:
    """Search settings of ``task`` by validation score; then run the best again with other seeds, next to the default.

    Test rows are not read before these last runs. A search in ``output`` is joined, and continued where it stopped.

    Args:
        task: as for :func:`taskzoo.finetune`, as are model, data, train, validation, test, columns and config.
        model: registry name, hub id or local directory; default: the task's own.
        data: a data set by name, a directory with split files, or ``"hub:ID"``.
        train: a file, files, or rows in memory.
        validation: the same; by default split off the training rows.
        test: the same.
        columns: role -> column name or position.
        config: a ``config.yaml`` to start from.
        space: setting or option -> ``(low, high)``, ``(low, high, "log")`` or a list of values, or the words of the
            command line (``"1e-5:5e-4:log"``); default: what suits the method, around the recipe's values.
        trials: how many; default 20, or as many as ``minutes`` allow.
        minutes: how long all may take.
        seeds: with how many other seeds the best and the default settings are run again, 2 or more.
        jobs: processes that make trials.
        storage: URL of a database, such as ``"postgresql://user@host/name"``; default: SQLite in the directory.
        output: the directory; default ``runs/TASK-tune-MODEL-TIME``.
        reporter: as for :func:`taskzoo.finetune`.
        **settings: engine settings and task options; those given are not searched by default.

    Raises:
        RequestError: the request cannot be met, or the directory holds another search.
        PluginError: the task's code fails with the default settings.
        TrainingError: no trial has a score.
        Interrupted: stopped; the same call with the same ``output`` continues.
    """
    rows = DataRequest(data, train, validation, test, columns=columns)
    run = RunRequest(task, None if model is None else str(model), rows, settings, config)
    request = TuneRequest(run, space or {}, trials, minutes, seeds, jobs, storage)
    return tuned(request, Watching(as_reporter(reporter), never), output)


def tuned(request: TuneRequest, watching: Watching, output: str | Path | None = None) -> Tuned:
    """:func:`tune` for a whole request."""
    began = time.time()
    ends = math.inf if request.minutes is None else began + 60 * request.minutes
    request.check()
    request = replace(request, storage=checked_storage(request.storage))
    if request.jobs > 1 and getattr(multiprocessing.current_process(), "_inheriting", False):
        guard = 'if __name__ == "__main__":'
        raise RequestError(f"A script that tunes with several jobs is read again by each; put the call under {guard}")
    resolved = resolve_request(request.run)
    space = parse_space(request.space, resolved.entry.spec)
    with _directory(output, resolved) as path, _removed_if_refused(path) as ours:
        if memory := request.run.data.memory:
            ours += [path] * (not path.is_dir())
            path.mkdir(parents=True, exist_ok=True)
            kept = keep_memory_rows(make_plan(resolved, memory, counted=False), RunDirectory(path.absolute()))
            resolved = replace(resolved, config=kept)
        trials = Trials(resolved, reporter=watching.reporter)
        score = trials.score()
        trials.space = space or default_space(trials.plan, request.run.settings)
        study = _join(path, trials, request, ours)
        limit = request.trials or (TRIALS if request.minutes is None else 10**9)
        trusted = request.run.trust_remote_code
        work = Work(path, request.storage, study, trials.space, limit, began, ends, request.seeds, trusted)
        with closing(work.open(score, trials.base.training.seed)) as store, _said_how_to_continue(path):
            for one in trials.space:
                watching.reporter.say(f"search    {one.name}: {one}")
            store.begin_with(trials.default_params())
            with helpers(work, request.jobs - 1):
                make_trials(work, trials, store, watching)
            return _conclude(work, trials, store, watching)


@contextmanager
def _removed_if_refused(path: Path) -> Iterator[list[Path]]:
    """A directory that this process has begun is removed where not even the default settings could be tried.

    It is what the list holds then.
    """
    ours: list[Path] = []
    try:
        yield ours
    except (RequestError, PluginError):
        if ours and path.is_dir() and not any((path / "trials").glob("*/manifest.json")):
            shutil.rmtree(path)
        raise


@contextmanager
def _said_how_to_continue(path: Path) -> Iterator[None]:
    try:
        yield
    except (Interrupted, KeyboardInterrupt):
        again = f"the same command with {option_name('output', str(path))}"
        raise Interrupted(f"Stopped; what is finished is kept. To continue, give {again}.") from None


@contextmanager
def _directory(output: str | Path | None, resolved: Resolved) -> Iterator[Path]:
    """A new directory, or that of a search that was begun."""
    if output is not None and (Path(output) / FILE).is_file():
        yield Path(output)
        return
    with new_run(output, f"{resolved.title}-tune", resolved.config.model) as path:
        yield path


def _join(path: Path, trials: Trials, request: TuneRequest, ours: list[Path]) -> str:
    """Begin the search in ``path``, which ``ours`` gets then, or find that it is the same one; the name of its study.

    Raises:
        RequestError: the directory holds a search with other settings, rows or another space.
    """
    config = json.loads(json.dumps(trials.base.to_dict()))
    space = {one.name: str(one) for one in trials.space}
    sources = {split: source for split, source in trials.plan.splits.sources.items() if split != "test"}
    begun = {
        "request": {"config": config, "space": space, "storage": _place(request.storage)},
        "data": json.loads(json.dumps(sources, default=str)),
        "study": f"{path.absolute().name}-{uuid4().hex[:12]}",  # another database may have one of this folder's name
    }
    path.mkdir(parents=True, exist_ok=True)
    file = path / FILE
    with alone(path / CLAIMS):
        if not file.is_file():
            write_config(trials.base, path / "config.yaml")
            write_json(file, begun)
            ours.append(path)
            return str(begun["study"])
    before = read_json(file)
    changed = sorted(leaves(before["request"]).items() ^ leaves(begun["request"]).items())
    changes = [changed[0][0].removeprefix("config.")] if changed else changed_data(before["data"], sources)
    if changes:
        raise RequestError(
            f"The directory {str(path)!r} holds a search with other settings or rows ({changes[0]}); give the same "
            f"ones to continue, or choose another {option_name('output')}."
        )
    return str(before["study"])


def _place(storage: str | None) -> str | None:
    """What tells one database from another, without its password."""
    return None if storage is None else storage.rpartition("@")[2].rpartition("://")[2]


def _conclude(work: Work, trials: Trials, store: Store, watching: Watching) -> Tuned:
    """Run the best and the default settings again, unless another process does; write what was found."""
    path, score = work.path, trials.score()
    with alone(path / CONCLUDING, 0.5, watching.stop):
        records = store.records()
        for record in records:  # of one whose process was killed, everything is still there
            if record.state != RUNNING:
                strip(run_directory(path, record.number).path)
        best, default = best_of(records, score), default_of(records)
        if best is None:
            reasons = next((record.reason for record in reversed(records) if record.reason), "the time is over")
            raise TrainingError(f"No trial has a score; the last one: {reasons.rstrip('.')}.")
        each = seconds_of_reruns(records, score, MARGIN)
        fit = (work.ends - time.time()) / each if each and math.isfinite(work.ends) else work.seeds
        seeds = min(work.seeds, int(fit))
        reruns: dict[str, Reruns | str] = {}
        if seeds >= FEWEST_SEEDS:
            chosen = {DEFAULT: {}} if best.is_default else {BEST: best.settings, DEFAULT: {}}
            for name, settings in chosen.items():
                reruns[name] = rerun(trials.resolved, settings, path / name, seeds, score, watching)
        space = {one.name: str(one) for one in trials.space}
        rows = {split: len(examples) for split, examples in trials.plan.splits.examples.items()}
        rows["test"] = _test_rows(reruns)
        found = Tuned(path, score, rows, records, best, default, space, reruns)
        found = replace(found, sentences=sentences_of(found, work.seeds))
        _write(found, trials)
        return found


def _test_rows(reruns: Mapping[str, Reruns | str]) -> int:
    for one in reruns.values():
        if isinstance(one, Reruns) and one.test:
            metrics = read_json(RunDirectory(one.directory / "seed-1").metrics)
            return int(metrics["test"]["rows"])
    return 0


def _write(found: Tuned, trials: Trials) -> None:
    """``recipe.yaml``, ``trials.csv``, ``README.md`` and, last, ``tune.json``."""
    path = found.path
    base = {**trials.base.options, **vars(trials.base.training)}
    write_text(path / TABLE, table_of(found.trials, list(found.space), base, found.score.name))
    config = path / found.recommended / "seed-1" / "config.yaml"
    source = config if config.is_file() else path / "config.yaml"
    said = "".join(f"# {sentence}\n" for sentence in found.sentences)
    write_text(path / RECIPE, said + source.read_text(encoding="utf-8"))
    write_text(path / CARD, card_of(found, trials.resolved.title))
    write_json(path / FILE, {**read_json(path / FILE), "result": found.to_dict()})
