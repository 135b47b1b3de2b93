"""Processes that make the trials of one study, each one after the other, until there are enough or the time is over."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from taskzoo.errors import Interrupted, TaskZooError
from taskzoo.runs.finetune import Lines
from taskzoo.runs.request import RunRequest, resolve_request
from taskzoo.types import Score

from .space import Dimension
from .store import COMPLETE, LATE, RUNNING, STOPPED, Claimed, Record, Store
from .trial import Outcome, OutOfTime, Trials, Watching, run_directory, run_trial
from .wording import trial_line

FEWEST_SEEDS = 2
"""With fewer there is no spread to compare a gain with."""
RESERVE = 1.3
"""How much longer than a trial a run takes that is also scored on test rows."""
LOOK = 0.5
"""Seconds between looks at the trials of other processes."""
GRACE = 60.0
"""Seconds that other processes get to end after they were asked to."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a process needs to know.

    Args:
        path: the directory, with the configuration of the default settings.
        storage: URL of the database; ``None``: SQLite in the directory.
        study: its name there.
        space: what is searched.
        limit: how many trials are made, by all processes together.
        began: when the time began, as :func:`time.time` counts.
        ends: when all must be over.
        seeds: with how many the best is run again.
        trusted: whether code of the checkpoint may be run.
    """

    path: Path
    storage: str | None
    study: str
    space: tuple[Dimension, ...]
    limit: int
    began: float
    ends: float
    seeds: int
    trusted: bool

    def trials_end(self, records: list[Record], score: Score) -> float:
        """When the time for trials is over: the rest is for runs with other seeds.

        These have half of it at most, unless that is too little for the fewest seeds.
        """
        each = seconds_of_reruns(records, score)
        return self.ends - min(self.seeds * each, max((self.ends - self.began) / 2, FEWEST_SEEDS * each))

    def open(self, score: Score, seed: int) -> Store:
        """The study."""
        return Store(self.path, self.storage, self.study, higher_is_better=score.higher_is_better, seed=seed)


def best_of(records: list[Record], score: Score) -> Record | None:
    """The complete trial with the best score, the earliest of equals; the default settings win a tie."""
    best: Record | None = None
    for record in sorted(records, key=lambda one: (not one.is_default, one.number)):
        if record.state != COMPLETE or record.score is None:
            continue
        if best is None or best.score is None or score.better(record.score, best.score):
            best = record
    return best


def default_of(records: list[Record]) -> Record | None:
    """The complete trial of the default settings."""
    return next((record for record in records if record.is_default and record.state == COMPLETE), None)


def seconds_of_reruns(records: list[Record], score: Score, reserve: float = RESERVE) -> float:
    """``reserve`` times what one seed of the best and of the default settings takes; 0 if no trial is complete yet."""
    best, default = best_of(records, score), default_of(records)
    one = default or best
    if one is None or best is None:
        return 0.0
    return reserve * ((one.seconds or 0.0) + max(one.seconds or 0.0, best.seconds or 0.0))


def make_trials(work: Work, trials: Trials, store: Store, watching: Watching) -> None:
    """Make trials until there are enough of them or the time is over, and wait for those of other processes.

    Raises:
        Interrupted: somebody asked to stop.
        RequestError, PluginError, MachineError: as :func:`~taskzoo.tuning.trial.run_trial`.
    """
    score = trials.score()
    while True:
        records = store.records()
        ends = work.trials_end(records, score)
        times = [record.seconds for record in records if record.state == COMPLETE and record.seconds]
        if time.time() + min(times, default=0.0) > ends:
            return
        if watching.stop():
            raise Interrupted("Stopped between two trials.")
        claimed = store.claim(work.limit)
        if claimed is not None:
            _make(claimed, work, trials, store, watching, ends)
        elif any(record.state == RUNNING for record in store.records()):
            time.sleep(LOOK)
        else:
            return


def _make(claimed: Claimed, work: Work, trials: Trials, store: Store, watching: Watching, ends: float) -> None:
    path = run_directory(work.path, claimed.number).path
    with store.alive(claimed):
        try:
            outcome = run_trial(trials, claimed, path, watching, ends)
        except OutOfTime:
            store.fail(claimed, LATE)
            return
        except BaseException:
            store.fail(claimed, STOPPED)
            raise
        _tell(outcome, claimed, store)
    records = store.records()
    best = best_of(records, trials.score())
    watching.reporter.say(trial_line(records[claimed.number], best, trials.score().name))


def _tell(outcome: Outcome, claimed: Claimed, store: Store) -> None:
    if outcome.score is not None:
        store.finish(claimed, outcome.score)
    elif outcome.pruned:
        store.prune(claimed)
    else:
        store.fail(claimed, outcome.reason)


@contextmanager
def helpers(work: Work, number: int) -> Iterator[None]:
    """Within the context, ``number`` more processes make trials, and this one has its share of the threads.

    They end by themselves when there is nothing left to do, and are asked to when the context is left by an error.
    """
    if not number:
        yield
        return
    import torch

    before = torch.get_num_threads()
    threads = before if "OMP_NUM_THREADS" in os.environ else max(1, before // (number + 1))
    spawn = multiprocessing.get_context("spawn")
    started = [spawn.Process(target=_help, args=(work, place, threads)) for place in range(1, number + 1)]
    for process in started:
        process.start()
    torch.set_num_threads(threads)
    try:
        yield
    except BaseException:
        for process in started:
            process.terminate()
        raise
    finally:
        torch.set_num_threads(before)
        for process in started:
            process.join(GRACE)
            process.kill()
            process.join()


def _help(work: Work, place: int, threads: int) -> None:
    """The whole life of another process, the ``place``-th: it ends with the one that started it."""
    _take_device(place)
    import torch

    from taskzoo.engine.cpu import keep_memory
    from taskzoo.engine.interrupt import StopRequest
    from taskzoo.models.loading import quiet_transformers

    torch.set_num_threads(threads)
    quiet_transformers()
    keep_memory()
    parent = os.getppid()
    reporter = Lines(lambda line: print(line, file=sys.stderr, flush=True))
    try:
        resolved = resolve_request(RunRequest(config=work.path / "config.yaml", trust_remote_code=work.trusted))
        trials = Trials(resolved, work.space, reporter)
        store = work.open(trials.score(), trials.base.training.seed)
        with StopRequest() as asked:
            make_trials(work, trials, store, Watching(reporter, lambda: asked() or os.getppid() != parent))
    except (Interrupted, KeyboardInterrupt):
        sys.exit(Interrupted.exit_code)
    except TaskZooError as error:
        reporter.say(f"warning   a process that makes trials ended: {error}")
        sys.exit(error.exit_code)


def _take_device(place: int) -> None:
    """Of several CUDA devices each process has one, the first process the first."""
    import torch

    count = torch.cuda.device_count()
    if count > 1:
        names = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(count)))).split(",")
        os.environ["CUDA_VISIBLE_DEVICES"] = names[place % count]
