"""Runs whose processes Ray Train starts: the same results, also where a machine is lost, and the same sentences."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from taskzoo.engine.progress import Bar
from taskzoo.errors import DataError, Interrupted, MachineError, RequestError, TrainingError, UnknownNameError
from taskzoo.runs import on_ray
from taskzoo.runs.directory import RunDirectory
from taskzoo.runs.on_ray import Failure, Line, Mailbox, Order, Shown
from taskzoo.runs.request import RunRequest

from .kit import digest, read, read_lines, text_rows, write_csv, zoo
from .test_launched import NAMES

STEPS = 120
DEADLINE = 800


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--engine", "rya"], "There is no engine named 'rya'. Did you mean 'ray'?"),
        (["--min-processes", "2"], "--min-processes is for --engine ray"),
        (["--engine", "ray", "--processes", "2", "--min-processes", "3"], "--min-processes is 3, and --processes only"),
        (["--engine", "ray"], "--engine ray needs ray, which is not installed: pip install 'taskzoo[ray]'."),
        (["--engine", "ray", "--seeds", "2"], "--seeds makes several runs in one process, and --engine is for one"),
    ],
)
def test_what_is_refused(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_checkpoint: Any
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    done = zoo("run", "ner", "--model", tiny_checkpoint(), "--output", tmp_path / "run", *words)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_below_a_launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_checkpoint: Any) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    done = zoo("run", "ner", "--model", tiny_checkpoint(), "--output", tmp_path / "run", "--engine", "ray")
    assert done.code == 2
    assert "a launcher such as torchrun has started this one; leave one of them out." in done.err


@pytest.fixture
def without_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Ray were installed; nothing may get as far as to start it."""
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace())
    monkeypatch.setattr("taskzoo.runs.ray_cluster.import_ray", lambda: None)
    monkeypatch.setattr(on_ray, "connected", None)


@pytest.mark.usefixtures("without_cluster")
def test_mistakes_are_said_before_anything_is_started(tmp_path: Path, tiny_checkpoint: Any) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("text,label\na,x\nb\n", encoding="utf-8")
    words = ["run", "classification", "--model", tiny_checkpoint(), "--train", file, "--output", tmp_path / "run"]
    alone, ray = zoo(*words), zoo(*words, "--engine", "ray", "--processes", 2)
    assert (ray.code, ray.err) == (2, alone.err)
    assert "rows.csv:3" in ray.err
    ray = zoo(
        "run", "ner", "--model", tiny_checkpoint(), "--engine", "ray", "--processes", 2, "--method", "linear-probe"
    )
    assert ray.code == 2
    assert "method=linear-probe runs in one process; leave --processes at 1." in ray.err


class Pad:
    """A reporter that notes what it is to show."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    def say(self, message: str) -> None:
        self.lines.append(message)

    def bar(self, title: str, total: int) -> Any:
        pad = self.lines

        class Noted(Bar):
            def __enter__(self) -> Bar:
                pad.append((title, total))
                return self

            def __exit__(self, *_: object) -> None:
                pad.append("end")

            def update(self, completed: int, note: str = "") -> None:
                pad.append((completed, note))

        return Noted()


def test_what_the_first_process_says_is_shown_as_if_it_were_here() -> None:
    mailbox, pad = Mailbox(), Pad()
    shown = Shown(pad)

    def show() -> dict[int, Failure]:
        events, failures, silence = mailbox.take()
        assert silence < 60
        for name, values in pickle.loads(pickle.dumps(events)):
            getattr(shown, name)(*values)
        return failures

    line = Line(mailbox.exchange)
    with line.open():
        assert mailbox.begin() == 0
        line.say("model     m")
        with line.bar("train", 9) as bar:
            bar.update(3, "loss 1")
            with line.bar("validation", 2) as inner:
                inner.update(1)
        assert not shown.training
        assert not line.stop()
        mailbox.stop()
        while not line.stop():
            time.sleep(0.01)
    show()
    assert pad.lines == ["model     m", ("train", 9), (3, "loss 1"), ("validation", 2), (1, ""), "end", "end"]
    assert shown.training
    del pad.lines[:]
    mailbox.exchange([("open", ("train", 9))])  # of a process that is lost while it trains
    failures = [Failure.of(MachineError("stopped")), Failure(MachineError, "The run stopped", "the disk is full")]
    for number, failure in enumerate(failures):
        mailbox.fail(number, failure)
    assert show() == dict(enumerate(failures))
    assert mailbox.begin() == 1
    assert show() == {}
    assert not shown.training
    assert pad.lines[:2] == [("train", 9), "end"]
    assert "the disk is full; Ray has started all processes again (1 of at most 5 times)" in pad.lines[2]
    assert mailbox.begin() == 2
    show()
    assert "a process or its machine was lost; Ray has started all processes again (2 of at" in pad.lines[-1]


class Actor:
    """Stands in for the handle of an actor: what it is asked to do is done at once."""

    def __init__(self, of: object) -> None:
        self._of = of

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(remote=getattr(self._of, name))


def follow(rounds: list[Any], *, stop_at: int = -1, room: float = 2) -> tuple[dict[int, Failure], Mailbox, Pad, int]:
    """What is found where in each round the processes do what a function of the mailbox does; ``None``: they are done.

    Besides: the mailbox, what was shown, and the number of rounds. A stop is asked for in the round ``stop_at``.
    """
    mailbox, pad, count = Mailbox(), Pad(), 0

    def wait(tasks: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        nonlocal count
        act = rounds[min(count, len(rounds) - 1)]
        count += 1
        if act is None:
            return tasks, []
        act(mailbox)
        return [], tasks

    cluster = {"cluster_resources": lambda: {"GPU": room}, "available_resources": lambda: {"GPU": 0.0}}
    ray = SimpleNamespace(wait=wait, get=lambda value: value, **cluster)
    watch = on_ray._Watch(on_ray.Group(8), "GPU", pad)
    failures = on_ray._follow(ray, Actor(mailbox), "task", watch, lambda: count - 1 == stop_at)
    return failures, mailbox, pad, count


def test_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "GRACE", 0.0)
    wrong, lost = Failure(RequestError, "no model"), Failure(MachineError, "lost")
    nothing, begin = lambda mailbox: None, Mailbox.begin

    def fails(number: int, failure: Failure) -> Any:
        return lambda mailbox: mailbox.fail(number, failure)

    assert follow([begin, nothing, None])[0] == {}
    assert follow([begin, fails(0, wrong), nothing])[0::3] == ({0: wrong}, 2)
    assert follow([begin, fails(1, wrong), nothing])[0] == {1: wrong}  # the first process waits for this one in vain
    assert follow([begin, fails(1, lost), begin, nothing, None])[0::3] == ({}, 5)
    assert follow([begin, fails(0, lost), None])[0] == {0: lost}

    def opened(mailbox: Mailbox) -> None:
        mailbox.exchange([("open", ("train", 9)), ("listens", ())])

    _, mailbox, pad, _ = follow([begin, opened, nothing, None], stop_at=2)
    assert mailbox.exchange([]) is True
    assert pad.lines == [("train", 9), "end"]
    with pytest.raises(KeyboardInterrupt):  # nobody listens yet
        follow([begin, nothing, None], stop_at=1)


def test_a_person_is_told_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "PATIENCE", 0.05)

    def quiet(mailbox: Mailbox) -> None:
        time.sleep(0.06)

    _, _, pad, _ = follow([quiet, quiet, Mailbox.begin, quiet, None])
    said = "waiting   for the processes: 8 need 8 GPUs, and the cluster has 2, of which 0 are free."
    assert pad.lines == [said, said]


class GoneError(Exception):
    """Stands in for an error of Ray."""


LOST, WRONG = Failure(MachineError, "the disk is full"), Failure(RequestError, "no model")


@pytest.mark.parametrize(
    ("found", "answer", "raised"),
    [
        ({}, "", None),
        ({0: WRONG, 1: LOST}, "not asked", (RequestError, "^no model$")),
        ({1: LOST}, "", None),  # of processes that were started again
        ({1: LOST}, "workers failed", (MachineError, "^the disk is full$")),
        (
            {},
            "no such cluster",
            (MachineError, r"^Ray gave the run up \(no such cluster\). When .* resume it with: zoo"),
        ),
        (GoneError("no head"), "", (MachineError, r"^Ray gave the run up \(GoneError: no head\). When that is solved")),
    ],
)
def test_how_it_ends(found: Any, answer: str, raised: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def follow(*_: object) -> Any:
        if isinstance(found, Exception):
            raise found
        return found

    def gone(*_: object, **more: object) -> None:
        raise GoneError

    def remote(*_: object) -> Any:
        return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=lambda *_: "reference"))

    context = SimpleNamespace(get_node_id=lambda: "node")
    ray = SimpleNamespace(
        remote=remote,
        get=lambda reference: answer,
        cancel=gone,
        kill=gone,
        cluster_resources=dict,
        get_runtime_context=lambda: context,
        exceptions=SimpleNamespace(RayError=GoneError),
    )
    strategies = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node, soft: node)
    for name, module in {"ray": ray, "ray.util": strategies, "ray.util.scheduling_strategies": strategies}.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(on_ray, "connected", lambda address: nullcontext(ray))
    monkeypatch.setattr(on_ray, "_follow", follow)
    order = Order(tmp_path / "run")
    with pytest.raises(raised[0], match=raised[1]) if raised else nullcontext():
        on_ray.run_on_ray(order, on_ray.Group(2), reporter=Pad(), stop=lambda: False)


@pytest.mark.parametrize(
    ("error", "kind", "final"),
    [
        (DataError("no column", file="a.csv", line=3), RequestError, True),
        (UnknownNameError("task", "nre", ["ner"]), RequestError, True),
        (TrainingError("not finite"), TrainingError, True),
        (Interrupted("stopped"), Interrupted, True),
        (MachineError("the disk"), MachineError, False),
        (OSError(28, "No space left on device"), MachineError, False),
        (KeyError("x"), RuntimeError, False),
    ],
)
def test_a_failure_is_the_same_to_a_person(error: Exception, kind: type[Exception], final: bool) -> None:
    failure = pickle.loads(pickle.dumps(Failure.of(error)))
    assert (failure.kind, failure.final) == (kind, final)
    assert str(failure.error()) == str(error) or kind in (MachineError, RuntimeError)
    assert type(failure.error()) is kind


def test_what_processes_that_are_started_again_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, new = tmp_path / "run", RunRequest("ner")
    directory = RunDirectory(path)
    assert on_ray._todo(Order(path, new), 0) == on_ray.RUN
    assert on_ray._todo(Order(path, new), 1) == on_ray.RUN  # lost before it had a directory
    path.mkdir()
    directory.manifest.write_text('{"status": "running"}', encoding="utf-8")
    assert on_ray._todo(Order(path), 0) == on_ray.RESUME
    assert on_ray._todo(Order(path, new), 0) == on_ray.RUN  # which is refused: the run is another's
    assert [on_ray._todo(Order(path, request), 1) for request in (new, None)] == [on_ray.RESUME] * 2
    directory.manifest.write_text('{"status": "finished"}', encoding="utf-8")
    assert [on_ray._todo(Order(path, request), 2) for request in (new, None)] == [on_ray.NOTHING] * 2
    with directory.held():  # by a process whose machine is gone, until the file system knows
        monkeypatch.setattr(on_ray, "RELEASE", 0.0)
        with pytest.raises(RequestError, match="is going on in another process"):
            on_ray._todo(Order(path, new), 1)
    monkeypatch.setattr(on_ray, "RELEASE", 60.0)
    held = directory.held()
    held.__enter__()
    threading.Timer(0.5, held.__exit__, (None, None, None)).start()
    assert on_ray._todo(Order(path, new), 1) == on_ray.NOTHING


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A Ray cluster on this machine: two nodes with one processor each, and one with none that keeps the books."""
    pytest.importorskip("ray.train.torch")
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"USAGE_STATS_ENABLED": "0", "AUTH_MODE": "disabled", "worker_niceness": "0"}.items():
            patch.setenv(f"RAY_{name}", value)
        small = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
        made.add_one = lambda: made.add_node(num_cpus=1, object_store_memory=80 * 2**20)
        for _ in range(2):
            made.add_one()
        yield made
        made.shutdown()


@pytest.fixture(scope="module")
def request_(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The arguments of a run with dropout, whose random numbers have to be those that were saved."""
    from taskzoo.testing import make_tiny_checkpoint

    folder = tmp_path_factory.mktemp("ray")
    texts = [row["text"] for row in text_rows(200, 9)]
    model = make_tiny_checkpoint(folder / "m", "bert", texts, vocabulary=200, dropout=0.2)
    table = write_csv(folder / "rows.csv", text_rows(60, 1))
    values = f"max_steps={STEPS} log_every=1 evaluate_every=40 checkpoint_every=5 batch_size=7 learning_rate=0.001"
    words = [word for value in values.split() for word in ("--set", value)]
    words += ["--method", "full", "--precision", "fp32", "--no-baseline"]
    return ["run", "classification", "--model", str(model), "--train", str(table), *words]


def start(words: list[object], address: str = "") -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    environment |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"} | ({"RAY_ADDRESS": address} if address else {})
    command = [sys.executable, "-m", "taskzoo", *map(str, words)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = process.communicate(timeout=DEADLINE)
    return process.returncode, out, errors


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def whole(request_: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run in two processes without Ray and without interruption."""
    run = tmp_path_factory.mktemp("whole") / "run"
    code, _, errors = finish(start([*request_, "--output", run, "--processes", 2]))
    assert code == 0, errors
    (run.parent / "said").write_text(errors, encoding="utf-8")
    return run


def writes(node: Any, run: Path) -> bool:
    """Whether a process of this node holds the directory of ``run``."""
    import psutil

    raylet = node.all_processes["raylet"][0].process.pid
    opened = [file.path for process in psutil.Process(raylet).children() for file in process.open_files()]
    return str(run / ".lock") in opened


def check_same(run: Path, whole: Path) -> None:
    """The weights bit for bit, each step once with its loss, and each row's prediction."""
    assert read(run / "manifest.json")["status"] == "finished"
    assert read(run / "manifest.json")["processes"] == 2
    assert digest(run / "model" / "model.safetensors") == digest(whole / "model" / "model.safetensors")
    histories = [
        [(line["step"], line.get("loss"), line.get("grad_norm")) for line in read_lines(path / "history.jsonl")]
        for path in (run, whole)
    ]
    assert histories[0] == histories[1]
    assert (run / "predictions.jsonl").read_text() == (whole / "predictions.jsonl").read_text()
    assert not (run / "checkpoints").exists()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_nodes(cluster: Any, request_: list[str], whole: Path, tmp_path: Path) -> None:
    words = ["--output", tmp_path / "run", "--engine", "ray", "--processes", 2]
    code, out, errors = finish(start([*request_, *words], cluster.address))
    assert code == 0, errors
    check_same(tmp_path / "run", whole)
    assert out.count("SCORE") == 1
    assert f"zoo predict {tmp_path / 'run'}" in out
    said = (whole.parent / "said").read_text(encoding="utf-8")
    ours, theirs = ([line for line in text.splitlines() if "memory" not in line] for text in (errors, said))
    assert [line for line in ours if not line.startswith("waiting")] == theirs


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("first", [True, False])
def test_a_node_is_lost(first: bool, cluster: Any, request_: list[str], whole: Path, tmp_path: Path) -> None:
    """That of the first process, which writes, or the other one."""
    run = tmp_path / "run"
    process = start([*request_, "--output", run, "--engine", "ray", "--processes", 2], cluster.address)
    wait_for(run / "checkpoints" / "before", process)
    lost = [node for node in cluster.worker_nodes if writes(node, run) == first]
    assert len(lost) == 1
    cluster.remove_node(lost[0], allow_graceful=False)
    stopped = len(read_lines(run / "history.jsonl"))
    cluster.add_one()
    code, _, errors = finish(process)
    assert code == 0, errors
    assert 5 < stopped < STEPS
    assert "Ray has started all processes again (1 of at most 5 times)" in errors
    assert "Resuming after step" in errors
    assert "Traceback" not in errors
    assert not [line for line in errors.splitlines() if line.startswith(("[", "(", "20"))]  # of Ray's logs
    check_same(run, whole)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_fewer_processes_where_a_node_does_not_come_back(cluster: Any, request_: list[str], tmp_path: Path) -> None:
    """In the end in one process, with each step once."""
    run = tmp_path / "run"
    words = ["--output", run, "--engine", "ray", "--processes", 2, "--min-processes", 1]
    process = start([*request_, *words], cluster.address)
    wait_for(run / "checkpoints" / "before", process)
    assert read(run / "manifest.json")["processes"] == 2
    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
    code, _, errors = finish(process)
    cluster.add_one()
    assert code == 0, errors
    assert "the run was made by 2 processes so far and goes on with 1: the same rows for each step" in errors
    assert read(run / "manifest.json")["processes"] == 1
    assert [line["step"] for line in read_lines(run / "history.jsonl") if "loss" in line] == list(range(1, STEPS + 1))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_stopped_and_resumed(cluster: Any, request_: list[str], whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start([*request_, "--output", run, "--engine", "ray", "--processes", 2], cluster.address)
    wait_for(run / "checkpoints" / "before", process)
    process.send_signal(signal.SIGTERM)
    code, _, errors = finish(process)
    assert code == 130, errors
    assert "; the state is saved. Resume it with: zoo resume" in errors.splitlines()[-1]
    assert read(run / "manifest.json")["status"] == "stopped"
    code, _, errors = finish(start(["resume", run, "--engine", "ray"], cluster.address))
    assert code == 0, errors
    check_same(run, whole)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_what_only_the_processes_find_is_said_as_here(cluster: Any, request_: list[str], tmp_path: Path) -> None:
    model = Path(request_[request_.index("--model") + 1])
    broken = tmp_path / "m"
    broken.mkdir()
    for file in model.iterdir():
        content = file.read_bytes()
        (broken / file.name).write_bytes(content[:1000] if file.suffix == ".safetensors" else content)
    words = [str(broken) if word == str(model) else word for word in request_]
    alone = zoo(*words, "--output", tmp_path / "run")
    done = finish(start([*words, "--output", tmp_path / "run", "--engine", "ray", "--processes", 2], cluster.address))
    assert (done[0], done[1]) == (2, "")
    assert done[2].splitlines()[-1] == alone.err.splitlines()[-1]
    assert "Traceback" not in done[2]
    assert "started all processes again" not in done[2]
    assert not (tmp_path / "run").exists()
