"""The trials that several processes share: an Optuna study in a database, SQLite in a file or any other by its URL."""

from __future__ import annotations

import math
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taskzoo.durable import lock
from taskzoo.errors import Interrupted, MachineError, RequestError
from taskzoo.option_names import option_name
from taskzoo.runs.execute import Stop, never

DATABASE, CLAIMS, CONCLUDING = "study.db", ".claims", ".concluding"
CLAIMED = "claimed"
"""Fact of a trial: its number, once its process has given a sign of life."""
HEARTBEAT, GRACE = 5, 30
"""Seconds between signs of life of a running trial, and after which one that gives none is given up."""
RETRIES = 2
"""How often the settings of a trial whose process died are tried again."""
STARTUP = 4
"""Trials that must be complete before others are pruned (Optuna's median rule, Golovin et al. 2017)."""
COMPLETE, PRUNED, FAILED, RUNNING, WAITING = "complete", "pruned", "failed", "running", "waiting"
DIED, STOPPED, LATE = "its process died", "it was stopped", "the time for trials was over"
AGAIN = (DIED, STOPPED, LATE)
"""Reasons for which the settings of a trial are still to be tried."""
_STATES = {"COMPLETE": COMPLETE, "PRUNED": PRUNED, "FAIL": FAILED, "RUNNING": RUNNING, "WAITING": WAITING}


@dataclass(frozen=True, slots=True)
class Record:
    """One trial as the study has it.

    Args:
        number: from 0.
        state: complete, pruned, failed, running or waiting.
        score: of the validation rows; of a pruned trial the last one before it ended.
        settings: what was tried; empty for the default settings.
        is_default: whether it is the trial of the default settings.
        seconds: how long it took.
        reason: why it failed.
        same_as: the earlier trial with the same settings, whose outcome it has.
    """

    number: int
    state: str
    score: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_default: bool = False
    seconds: float | None = None
    reason: str = ""
    same_as: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it is one of those that were asked for: not yet to come, nor given up to be tried again."""
        return self.state != WAITING and self.reason not in AGAIN


@contextmanager
def alone(file: Path, pause: float = 0.02, stop: Stop = never) -> Iterator[None]:
    """Within the context, no other process is in one with the same file, which stays.

    Raises:
        Interrupted: somebody asked to stop while another process was.
    """
    with file.open("w") as opened:
        while True:
            try:
                lock(opened)
                break
            except BlockingIOError:
                if stop():
                    raise Interrupted("Stopped while another process was at work.") from None
                time.sleep(pause)
        yield


class Claimed:
    """A trial that this process has to make; a sign of life is given while :meth:`Store.alive`."""

    def __init__(self, trial: Any) -> None:
        self.optuna = trial
        self.number: int = trial.number
        self.is_default = bool(trial.user_attrs.get("default"))

    def note(self, **facts: Any) -> None:
        """Keep facts with the trial, JSON-serialisable, unless another process has given it up."""
        with _asking(load_optuna()), suppress(_given_up()):
            for name, value in facts.items():
                self.optuna.set_user_attr(name, value)

    def twin(self) -> Record | None:
        """An earlier trial with the same settings that is complete or was pruned: it would only be repeated."""
        with _asking(load_optuna()):
            earlier = self.optuna.study.get_trials(deepcopy=False)[: self.number]
        same = (_record(one) for one in earlier if one.params == self.optuna.params)
        return next((one for one in same if one.state in (COMPLETE, PRUNED)), None)

    def report(self, value: float, step: int) -> bool:
        """A score after a part of the training; whether other trials were better by then, so that it should end."""
        with _asking(load_optuna()), suppress(_given_up()):
            self.optuna.report(value, step)
            return bool(self.optuna.should_prune())
        return False


class Store:
    """The study in ``path``: who opens it first makes it, others join.

    Args:
        path: its directory.
        url: of the database; ``None``: SQLite in the directory.
        name: of the study in the database.
        higher_is_better: the direction of the score.
        seed: of what is tried.

    Raises:
        RequestError: Optuna or the database's driver is not installed, or the database cannot be opened.
    """

    def __init__(self, path: Path, url: str | None, name: str, *, higher_is_better: bool, seed: int) -> None:
        self._optuna, self._path, self._seed = load_optuna(), path, seed
        storages = self._optuna.storages
        with self._alone(), _opening(url, self._optuna), _quiet(self._optuna):
            self._storage = storages.RDBStorage(
                _driver(url or f"sqlite:///{(path / DATABASE).absolute()}"),
                engine_kwargs={"connect_args": {"timeout": 60}} if url is None else {"pool_pre_ping": True},
                heartbeat_interval=HEARTBEAT,
                grace_period=GRACE,
                heartbeat_stale_trial_callback=storages.RetryHeartbeatStaleTrialCallback(max_retry=RETRIES),
            )
            self._study = self._optuna.create_study(
                storage=self._storage,
                study_name=name,
                direction="maximize" if higher_is_better else "minimize",
                pruner=self._optuna.pruners.MedianPruner(n_startup_trials=STARTUP),
                load_if_exists=True,
            )

    def _alone(self) -> AbstractContextManager[None]:
        return alone(self._path / CLAIMS)

    def begin_with(self, params: Mapping[str, Any]) -> None:
        """The default settings are the first trial; ``params``: those that lie in what is searched."""
        with self._alone(), _quiet(self._optuna):
            if not self._study.get_trials(deepcopy=False):
                self._study.enqueue_trial(dict(params), user_attrs={"default": True})

    def claim(self, limit: int) -> Claimed | None:
        """The next trial, unless ``limit`` are made or being made; one whose process died is tried again first."""
        with self._alone(), _quiet(self._optuna):
            self._optuna.storages.fail_stale_trials(self._study)
            self._give_up_unclaimed()
            trials = self.records()
            if sum(trial.counts for trial in trials) >= limit:
                return None
            # a sampler for each trial: what it draws does not depend on which process asks, nor on a new start
            self._study.sampler = self._optuna.samplers.TPESampler(seed=self._seed + len(trials))
            trial = self._study.ask()
            self._storage.record_heartbeat(trial._trial_id)
            trial.set_user_attr(CLAIMED, trial.number)
            return Claimed(trial)

    def _give_up_unclaimed(self) -> None:
        """Trials whose process died before their first sign of life: what gives none at all is never stale."""
        retry = self._optuna.storages.RetryHeartbeatStaleTrialCallback(max_retry=RETRIES)
        for trial in self._study.get_trials(deepcopy=True, states=[self._optuna.trial.TrialState.RUNNING]):
            if trial.user_attrs.get(CLAIMED) != trial.number:  # of one tried again it is the earlier number
                self._study.tell(trial.number, state=self._optuna.trial.TrialState.FAIL)
                retry(self._study, trial)

    @contextmanager
    def alive(self, trial: Claimed) -> Iterator[None]:
        """Within the context, the database is told that the trial goes on."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(HEARTBEAT):
                with suppress(Exception):  # a database that is busy or away for a moment
                    self._storage.record_heartbeat(trial.optuna._trial_id)
            self._storage.remove_session()

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def finish(self, trial: Claimed, score: float) -> None:
        """It is complete."""
        self._tell(trial, score)

    def prune(self, trial: Claimed) -> None:
        """It was ended, since others were better by then."""
        self._tell(trial, None, self._optuna.trial.TrialState.PRUNED)

    def fail(self, trial: Claimed, reason: str) -> None:
        """It has no score; if the reason is one of :data:`AGAIN`, its settings are still to be tried."""
        trial.note(reason=reason)
        if not self._tell(trial, None, self._optuna.trial.TrialState.FAIL):
            return  # another process has given it up, and its settings are to be tried again
        if reason in AGAIN:
            with _quiet(self._optuna):
                retry = self._optuna.storages.RetryHeartbeatStaleTrialCallback()
                retry(self._study, self._study.get_trials(deepcopy=True)[trial.number])

    def _tell(self, trial: Claimed, score: float | None, state: Any = None) -> bool:
        """Whether it was still running."""
        with _quiet(self._optuna):
            running = self.records()[trial.number].state == RUNNING
            self._study.tell(trial.optuna, score, state=state, skip_if_finished=True)
        return running

    def records(self) -> list[Record]:
        """All trials so far, in order."""
        with _asking(self._optuna):
            return [_record(trial) for trial in self._study.get_trials(deepcopy=False)]

    def close(self) -> None:
        """Close the connections of this process."""
        self._storage.remove_session()
        self._storage.engine.dispose()


def _record(trial: Any) -> Record:
    facts, state = trial.user_attrs, _STATES[trial.state.name]
    score = trial.value
    if state == PRUNED and trial.intermediate_values:
        score = trial.intermediate_values[max(trial.intermediate_values)]
    return Record(
        trial.number,
        state,
        None if score is None or not math.isfinite(score) else float(score),
        dict(facts.get("settings", {})),
        bool(facts.get("default")),
        facts.get("seconds"),
        facts.get("reason", DIED) if state == FAILED else "",
        facts.get("same_as"),
    )


def load_optuna() -> Any:
    """The module.

    Raises:
        RequestError: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise RequestError(f"Tuning needs Optuna ({error}); install it with: pip install 'taskzoo[tune]'") from None
    return optuna


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Without Optuna's lines for each trial, and warnings that heartbeats may change."""
    before = optuna.logging.get_verbosity()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            with _asking(optuna):
                yield
        finally:
            optuna.logging.set_verbosity(before)


@contextmanager
def _asking(optuna: Any) -> Iterator[None]:
    """A database that does not answer any more, as a sentence."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError) as error:
        cause = error.__cause__ or error
        what = " ".join(str(getattr(cause, "orig", None) or cause).split())
        raise MachineError(
            f"The database of the search does not answer: {what:.200}. When it does, the same command with "
            f"{option_name('output')} continues."
        ) from error


def _given_up() -> type[Exception]:
    found: type[Exception] = load_optuna().exceptions.UpdateFinishedTrialError
    return found


def _driver(url: str) -> str:
    """PostgreSQL by the driver that is installed: psycopg2 is what a URL without one stands for."""
    import importlib.util

    scheme, separator, rest = url.partition("://")
    if scheme in ("postgresql", "postgres") and separator:
        has = importlib.util.find_spec
        scheme = "postgresql" if has("psycopg2") or not has("psycopg") else "postgresql+psycopg"
        return f"{scheme}://{rest}"
    return url


@contextmanager
def _opening(url: str | None, optuna: Any) -> Iterator[None]:
    """What goes wrong with the database as a sentence, without the password of its URL."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    shown = "study.db"
    try:
        shown = shown if url is None else make_url(url).render_as_string(hide_password=True)
        yield
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise RequestError(
            f"{option_name('storage')} is not the URL of a database; one is postgresql://USER@HOST/DATABASE, and "
            "without it a file in the directory is used."
        ) from None
    except ImportError:
        advice = (
            "pip install 'psycopg[binary]'" if str(url).startswith("postgres") else "see SQLAlchemy's documentation"
        )
        raise RequestError(f"The driver of the database {shown!r} is not installed: {advice}") from None
    except (MachineError, RuntimeError, optuna.exceptions.OptunaError) as error:
        cause = (error.__cause__ and error.__cause__.__cause__) or error.__cause__ or error
        what = " ".join(str(getattr(cause, "orig", None) or cause).split())
        raise RequestError(f"The database {shown!r} cannot be opened: {what:.300}") from None


def checked_storage(url: str | None) -> str | None:
    """The URL with the whole path of a file, which every process finds from wherever it was started.

    Raises:
        RequestError: SQLite without a file: no other process, and no later one, would see the trials.
    """
    if url is None or not url.startswith("sqlite"):
        return url
    scheme, _, place = url.partition(":///")
    file, mark, query = place.partition("?")
    if file in ("", ":memory:") or "mode=memory" in query:
        raise RequestError(
            f"{option_name('storage', url)} names no file, so no other process would see the trials; give "
            "sqlite:///FILE, or leave it out."
        )
    return f"{scheme}:///{Path(file).absolute()}{mark}{query}"
