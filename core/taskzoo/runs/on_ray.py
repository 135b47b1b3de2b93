"""A run whose processes Ray Train starts on a cluster, and starts again where one is lost.

The processes are told of each other as torchrun tells its own, and do what those do. Nothing is kept by Ray: processes
that are started again resume the run's directory, which has to be on a file system that all machines see.
"""

from __future__ import annotations

import os
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taskzoo.engine.launched import rank
from taskzoo.engine.progress import Bar, Reporter, Silent
from taskzoo.errors import Interrupted, MachineError, PluginError, RequestError, RunError, TaskZooError, TrainingError
from taskzoo.faults import PEER_GONE, machine_fault
from taskzoo.option_names import on_command_line

from .directory import RunDirectory
from .execute import Stop, never, start
from .finetune import resume
from .plan import make_plan
from .ray_cluster import connected
from .request import RunRequest, resolve_request

RESTARTS = 5
"""How often Ray Train starts the processes again."""
EVERY = 0.2
"""Seconds between two messages from the first process to the one that shows them."""
PATIENCE = 60.0
"""Seconds without a message after which a person is told what the processes may be waiting for."""
RELEASE = 120.0
"""Seconds until a file system knows that a process on a lost machine holds the run's directory no more."""
GRACE = 5.0
"""Seconds that the first process gets to say what is wrong, where another one has said so."""


@dataclass(frozen=True, slots=True)
class Group:
    """The processes of a run on a cluster.

    Args:
        processes: their number.
        at_least: with how many the run goes on where the cluster has no room for all; ``None``: it waits for room.
        address: of the cluster, as in :func:`.ray_cluster.connected`.
    """

    processes: int
    at_least: int | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What each process is to do; everything in it can be sent to another machine.

    Args:
        path: the run directory, absolute.
        request: a new run as it was asked for; ``None``: the one in ``path`` is resumed.
        trust_remote_code: as for :func:`taskzoo.resume`.
        force: the same.
        folder: the working directory in which it was asked for, which relative paths start from.
        environment: variables that options stand for.
    """

    path: Path
    request: RunRequest | None = None
    trust_remote_code: bool = False
    force: bool = False
    folder: Path = field(default_factory=Path.cwd)
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """What ended a process: an exception that is sure to arrive, since it has nothing but a text."""

    kind: type[Exception]
    text: str
    cause: str = ""
    """What was wrong with the machine, in words; nothing where another process was lost."""

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """The same to a person as ``error``."""
        kinds = (Interrupted, RequestError, TrainingError, PluginError, RunError, MachineError, TaskZooError)
        known = next((kind for kind in kinds if isinstance(error, kind)), None)
        fault, unknown = machine_fault(error) or "", f"{type(error).__name__}: {error}"
        if known is not None:
            return cls(known, str(error), "" if fault == PEER_GONE else fault)
        return (
            cls(MachineError, f"{fault[0].upper()}{fault[1:]}.", fault)
            if fault
            else cls(RuntimeError, unknown, unknown)
        )

    @property
    def final(self) -> bool:
        """Whether another start would end the same way: what a person asked for was wrong, or went wrong."""
        return issubclass(self.kind, TaskZooError) and not issubclass(self.kind, MachineError)

    def error(self) -> Exception:
        """To be raised."""
        return self.kind(self.text)


Event = tuple[str, tuple[Any, ...]]
"""The name of a member of :class:`Shown` with its arguments."""


class Mailbox:
    """An actor between the processes and the one that shows what they say and passes on a wish to stop."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._failures: dict[int, Failure] = {}
        self._stop, self._starts, self._heard = False, 0, time.monotonic()

    def begin(self) -> int:
        """A group of processes has been started; how many were before."""
        causes = [failure.cause for failure in self._failures.values() if failure.cause]
        self.exchange([("began", (self._starts, next(iter(causes), "")))])
        self._failures.clear()
        self._starts += 1
        return self._starts - 1

    def exchange(self, events: list[Event]) -> bool:
        """Leave ``events``; whether to stop."""
        self._events += events
        self._heard = time.monotonic()
        return self._stop

    def fail(self, number: int, failure: Failure) -> None:
        """A process has ended by ``failure``."""
        self._failures[number] = failure

    def stop(self) -> None:
        """Ask the processes to stop."""
        self._stop = True

    def take(self) -> tuple[list[Event], dict[int, Failure], float]:
        """The events since the last time, failures of the last group by number of the process, seconds of silence."""
        events, self._events = self._events, []
        return events, self._failures, time.monotonic() - self._heard


class Shown:
    """Shows on ``reporter`` what the first process says."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._bars: list[tuple[ExitStack, Bar]] = []
        self.training = False
        """Whether the processes listen to a wish to stop."""

    def began(self, starts: int, cause: str) -> None:
        """A group of processes has been started; ``starts`` were before, of which the last has ended by ``cause``."""
        self.end()
        if starts:
            what = cause or "a process or its machine was lost"
            self.say(f"warning   {what}; Ray has started all processes again ({starts} of at most {RESTARTS} times).")

    def end(self) -> None:
        """The processes are gone, with bars that may not have ended."""
        while self._bars:
            self.close()
        self.training = False

    def listens(self) -> None:
        """The processes train, and stop after a step if they are asked to."""
        self.training = True

    def say(self, message: str) -> None:
        """As :meth:`taskzoo.engine.progress.Reporter.say`."""
        self._reporter.say(message)

    def open(self, title: str, total: int) -> None:
        """A bar begins."""
        stack = ExitStack()
        self._bars.append((stack, stack.enter_context(self._reporter.bar(title, total))))

    def update(self, completed: int, note: str) -> None:
        """So much of the last bar is done."""
        self._bars[-1][1].update(completed, note)

    def close(self) -> None:
        """The last bar ends."""
        self._bars.pop()[0].close()


class Line:
    """The first process's end of the mailbox: a reporter, and whether to stop. It sends in a thread of its own."""

    def __init__(self, send: Callable[[list[Event]], bool]) -> None:
        self._send, self._events = send, queue.SimpleQueue[Event]()
        self._asked, self._listens = False, False
        self._over = threading.Event()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Within the context, messages are sent; at its end all have been."""
        thread = threading.Thread(target=self._exchange, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _exchange(self) -> None:
        over = False
        while not over:
            over = self._over.wait(EVERY)
            self._asked = self._send([self._events.get() for _ in range(self._events.qsize())])

    def stop(self) -> bool:
        """Whether a person asked to stop."""
        if not self._listens:
            self._listens = True
            self.put("listens")
        return self._asked

    def put(self, name: str, *values: Any) -> None:
        """Tell the one who shows."""
        self._events.put((name, values))

    def say(self, message: str) -> None:
        self.put("say", message)

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Bar]:
        self.put("open", title, total)
        try:
            yield _FarBar(self)
        finally:
            self.put("close")


class _FarBar(Bar):
    def __init__(self, line: Line) -> None:
        self._line = line

    def update(self, completed: int, note: str = "") -> None:
        self._line.put("update", completed, note)


def run_on_ray(order: Order, group: Group, *, reporter: Reporter, stop: Stop) -> None:
    """Carry out ``order`` on the cluster and wait for its end; the result is in the run's directory.

    Args:
        order: what to do.
        group: where, and in how many processes.
        reporter: where progress is shown, as that of a run in this process.
        stop: asked all the time; the processes stop after a step with the state saved, if they train already.

    Raises:
        RequestError: ray is not installed, the cluster does not answer, or as :func:`.execute.start`.
        PluginError, TrainingError, Interrupted: as there.
        KeyboardInterrupt: a stop was asked for before training.
        MachineError: processes were lost more than :data:`RESTARTS` times, or cannot be; the last checkpoint is kept.
    """
    stop()  # from now on
    with connected(group.address) as ray:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        node = ray.get_runtime_context().get_node_id()  # here, where none of the processes takes these two along
        place = {"num_cpus": 0, "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False)}
        mailbox = ray.remote(Mailbox).options(**place).remote()
        gpus = bool(ray.cluster_resources().get("GPU"))
        task = ray.remote(fit).options(**place, max_retries=0).remote(order, group, mailbox, gpus)
        failures, reason = dict[int, Failure](), ""
        try:
            failures = _follow(ray, mailbox, task, _Watch(group, "GPU" if gpus else "CPU", reporter), stop)
            reason = "" if any(failure.final for failure in failures.values()) else ray.get(task)
        except ray.exceptions.RayError as error:
            reason = f"{type(error).__name__}: {error}"
        finally:
            with suppress(ray.exceptions.RayError):  # the cluster may be gone
                ray.cancel(task, force=True)
                ray.kill(mailbox)
    final = {number: failure for number, failure in failures.items() if failure.final}
    if ended := final or (failures if reason else {}):
        raise ended[min(ended)].error()
    if reason:
        said = f"Ray gave the run up ({' '.join(reason.split()):.200})"
        raise MachineError(f"{said}. When that is solved, resume it with: zoo resume {order.path} --engine ray")


def _follow(ray: Any, mailbox: Any, task: Any, watch: _Watch, stop: Stop) -> dict[int, Failure]:
    """Show what is said until ``task`` is done, or another start would not change how it ends; the failures."""
    shown, ends = Shown(watch.reporter), None
    failures: dict[int, Failure]
    try:
        while True:
            done = ray.wait([task], timeout=EVERY)[0]  # before the last messages are taken
            events, failures, silence = ray.get(mailbox.take.remote())
            for name, values in events:
                getattr(shown, name)(*values)
            if done or (0 in failures and failures[0].final):
                return failures
            if ends is None and any(failure.final for failure in failures.values()):
                ends = time.monotonic() + GRACE
            if ends is not None and time.monotonic() > ends:
                return failures
            watch.look(ray, silence)
            if stop():
                if not shown.training:
                    raise KeyboardInterrupt
                mailbox.stop.remote()
    finally:
        shown.end()


@dataclass(slots=True)
class _Watch:
    """Says what processes of which nothing is heard may be waiting for."""

    group: Group
    resource: str
    reporter: Reporter
    told: bool = False

    def look(self, ray: Any, silence: float) -> None:
        if silence > PATIENCE and not self.told:
            count, name = self.group.processes, f"{self.resource}s"
            there, free = (
                found.get(self.resource, 0) for found in (ray.cluster_resources(), ray.available_resources())
            )
            room = f"{count} need {count} {name}, and the cluster has {there:g}, of which {free:g} are free"
            self.reporter.say(f"waiting   for the processes: {room}.")
        self.told = silence > PATIENCE


def fit(order: Order, group: Group, mailbox: Any, gpus: bool) -> str:
    """Let Ray Train start the processes, again and again if need be; why it gave up, or nothing."""
    from ray.train import FailureConfig, RunConfig, ScalingConfig, TrainingFailedError
    from ray.train.torch import TorchTrainer

    workers = group.processes if group.at_least is None else (group.at_least, group.processes)
    with tempfile.TemporaryDirectory(prefix="taskzoo-") as folder:  # for checkpoints, of which Ray gets none
        trainer = TorchTrainer(
            work,
            train_loop_config={"order": order, "mailbox": mailbox},
            scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpus),
            run_config=RunConfig(
                name=order.path.name, storage_path=folder, failure_config=FailureConfig(max_failures=RESTARTS)
            ),
        )
        try:
            trainer.fit()
        except TrainingFailedError as error:
            return str(error)
    return ""


def work(config: dict[str, Any]) -> None:
    """What each process does. It raises only what another start may cure; all else is told, and is the end."""
    import ray

    order, mailbox = config["order"], config["mailbox"]
    try:
        with on_command_line():
            _work(order, mailbox)
    except Exception as error:
        failure = Failure.of(error)
        if failure.kind is not Interrupted or not rank():  # where one is asked to stop, all of them are
            ray.get(mailbox.fail.remote(rank(), failure))
        if not failure.final:
            raise


def _work(order: Order, mailbox: Any) -> None:
    import ray
    from ray.train.collective import broadcast_from_rank_zero

    from taskzoo.engine.cpu import keep_memory
    from taskzoo.models.loading import quiet_transformers

    quiet_transformers()
    keep_memory()
    os.environ.update(order.environment)
    with suppress(OSError):  # another machine may not have it, which matters to relative paths only
        os.chdir(order.folder)
    line = Line(lambda events: bool(ray.get(mailbox.exchange.remote(events))))
    first = rank() == 0
    with line.open() if first else nullcontext():
        todo = broadcast_from_rank_zero(_todo(order, ray.get(mailbox.begin.remote())) if first else "")
        reporter, stop = (line, line.stop) if first else (Silent(), never)
        if todo == RUN and order.request is not None:
            plan = make_plan(resolve_request(order.request), reporter=reporter)
            start(plan, order.path, reporter=reporter, stop=stop)
        elif todo == RESUME:
            trusted, force = order.trust_remote_code, order.force
            resume(order.path, reporter=reporter, stop=stop, trust_remote_code=trusted, force=force)


RUN, RESUME, NOTHING = "run", "resume", "nothing"
"""What is to be done."""


def _todo(order: Order, starts: int) -> str:
    """What remains of ``order`` after so many ``starts``."""
    directory = RunDirectory(order.path)
    if starts and order.path.is_dir():
        _wait_for_release(directory)
    if order.request is not None and not (starts and directory.manifest.is_file()):
        return RUN
    return NOTHING if starts and directory.read_manifest()["status"] == "finished" else RESUME


def _wait_for_release(directory: RunDirectory) -> None:
    """Wait until nobody holds the directory; a :class:`RequestError` if somebody goes on doing so."""
    deadline = time.monotonic() + RELEASE
    while True:
        try:
            with directory.held():
                return
        except RequestError:
            if time.monotonic() > deadline:
                raise
        time.sleep(1)
