"""Disks, damage, memory, processes and signals: what is done, what must come of it, and what came."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psutil
from child import Ended, fail_from, kill_at, start, zoo
from trials import SETUPS, Whole, differences, go_on, status, undisturbed

SETUP = next(setup for setup in SETUPS if setup.name == "classification full")
PATIENCE = 90.0
"""Seconds after which a command that should have ended hangs."""


NOT_FINITE = 8
"""The step whose loss is not finite in the case of that name."""
NOT_TRIED = "not tried"
"""How the outcome of a case begins that this machine or user does not allow."""


@dataclass(frozen=True, slots=True)
class Case:
    """One fault.

    Args:
        name: what was done.
        must: what must come of it.
        play: does it in the folder ``scene.run`` and raises ``AssertionError`` with what is wrong.
    """

    name: str
    must: str
    play: Callable[[Scene], None]


@dataclass(slots=True)
class Scene:
    """Where a case is played."""

    work: Path
    run: Path
    whole: Whole
    said: list[str] = field(default_factory=list)

    def go(self, **disturbed: object) -> Ended:
        """Run, or resume what is there."""
        ended = go_on(SETUP, self.work, self.run, **disturbed)
        self.said.append(ended.said)
        return ended

    def command(self, *arguments: object) -> Ended:
        """Any other command."""
        ended = zoo(list(arguments), self.run)
        self.said.append(ended.said)
        return ended

    def killed_late(self) -> None:
        """A run that was killed after several checkpoints and evaluations."""
        checkpoints = self.run / "checkpoints"
        for number in range(int(0.6 * self.whole.training), self.whole.training, 5):
            self.go(event=kill_at(number))  # resumes where that was in the middle of saving
            if (checkpoints / "before").is_dir() and (checkpoints / "last").is_dir():
                return
        raise AssertionError("there never were two states")

    def ends_equal(self) -> None:
        """Resume; it must end as the undisturbed run."""
        ended = self.go()
        assert ended.code == 0, f"resuming ended with {ended.code}: {ended.said.strip()[-300:]}"
        different = differences(self.run, self.whole.content)
        assert not different, f"not equal: {', '.join(different)}"

    def tells(self, ended: Ended, *words: str, code: int | None = None) -> None:
        """It ended with a sentence that has these words, and no traceback."""
        assert not ended.traceback, "a traceback"
        assert ended.code == code if code is not None else ended.code != 0, f"exit code {ended.code}"
        for word in words:
            assert word in " ".join(ended.said.split()), f"it does not say {word!r}: {ended.said.strip()[-300:]}"


def play_all(work: Path) -> Iterator[tuple[Case, str]]:
    """Each case with what is wrong (empty: nothing)."""
    whole = undisturbed(SETUP, work)
    for number, case in enumerate(CASES):
        scene = Scene(work, work / "cases" / str(number), whole)
        scene.run.parent.mkdir(exist_ok=True)
        try:
            case.play(scene)
            wrong = ""
        except (AssertionError, TimeoutError) as error:
            wrong = str(error)
        shutil.rmtree(scene.run, ignore_errors=True)
        yield case, wrong


# --- damage ---------------------------------------------------------------------------------------------------------


def cut(file: Path) -> None:
    """As a power cut may leave a file."""
    file.write_bytes(file.read_bytes()[:-7])


def empty(file: Path) -> None:
    """No bytes."""
    file.write_bytes(b"")


def flip(file: Path) -> None:
    """One bit, in the middle."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2 + 1] ^= 4
    file.write_bytes(content)


def _damaged(name: str, damage: Callable[[Path], None]) -> Callable[[Scene], None]:
    def play(scene: Scene) -> None:
        scene.killed_late()
        damage(scene.run / "checkpoints" / "last" / name)
        scene.ends_equal()
        assert name in scene.said[-1], "it does not say which file is damaged"

    return play


def both_damaged(scene: Scene) -> None:
    """Nothing can be resumed."""
    scene.killed_late()
    for folder in ("last", "before"):
        cut(scene.run / "checkpoints" / folder / "model.safetensors")
    scene.tells(scene.go(), "last/model.safetensors", "before/model.safetensors", "start it again")


def best_damaged(scene: Scene) -> None:
    """In the middle of training."""
    scene.killed_late()
    flip(scene.run / "checkpoints" / "best.safetensors")
    ended = scene.go()
    if ended.code:  # they were those of an earlier step and are lost
        scene.tells(ended, "best weights so far are damaged")
    else:  # they were those of the saved state, and were written again
        assert not differences(scene.run, scene.whole.content), "not equal"


def weights_damaged(scene: Scene) -> None:
    """After the run."""
    assert scene.go().code == 0
    flip(scene.run / "model" / "model.safetensors")
    scene.tells(scene.command("predict", scene.run, "a text"), "model.safetensors")


# --- disks ----------------------------------------------------------------------------------------------------------


def _disk(code: int, words: str, *, at_the_end: bool = False) -> Callable[[Scene], None]:
    def play(scene: Scene) -> None:
        begin, end = (scene.whole.training, scene.whole.operations) if at_the_end else (0, scene.whole.training)
        ended = scene.go(event=fail_from((begin + end) // 2, code))
        scene.tells(ended, words, "resume it with: zoo resume")
        scene.ends_equal()

    return play


def full_at_first(scene: Scene) -> None:
    """There is no directory yet."""
    scene.tells(scene.go(event=fail_from(1, errno.ENOSPC)), "no space is left on the disk")
    assert not (scene.run / "manifest.json").exists(), "something was left"
    shutil.rmtree(scene.run, ignore_errors=True)
    scene.ends_equal()


def small_disk(scene: Scene) -> None:
    """A real one."""
    scene.run.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(scene.run)]
    if subprocess.run(mount, capture_output=True).returncode:
        raise AssertionError(f"{NOT_TRIED}: a small file system can be mounted by root only")
    try:
        run = scene.run / "run"
        ended = zoo(SETUP.arguments(scene.work, run), run)
        scene.tells(ended, "no space is left on the disk")
        subprocess.run(["mount", "-o", "remount,size=50m", str(scene.run)], check=True)
        resumed = Scene(scene.work, run, scene.whole)
        resumed.ends_equal()
    finally:
        subprocess.run(["umount", "-l", str(scene.run)], check=True)


def folder_deleted(scene: Scene) -> None:
    """With all that is in it."""

    def delete(count: int, name: str) -> None:
        if count == scene.whole.training // 2:
            subprocess.run(["rm", "-rf", str(scene.run)], check=True)

    scene.tells(scene.go(event=delete), "was removed while the run went on", "start it again")
    assert not scene.run.exists(), "parts of it were written again"


# --- memory, numbers ------------------------------------------------------------------------------------------------


def out_of_memory(scene: Scene) -> None:
    """As CUDA says it."""

    def prepare() -> None:
        import torch
        from transformers.models.bert import modeling_bert

        forward = modeling_bert.BertEncoder.forward

        def short_of_memory(self: torch.nn.Module, hidden: torch.Tensor, *more: object, **others: object) -> object:
            if self.training and len(hidden) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return forward(self, hidden, *more, **others)

        modeling_bert.BertEncoder.forward = short_of_memory

    arguments = [a for a in SETUP.arguments(scene.work, scene.run) if a != "--quiet"]
    ended = zoo(arguments, scene.run, prepare=prepare)
    assert ended.code == 0, ended.said[-300:]
    assert "the memory ran out with 4 examples at once: going on with 2" in " ".join(ended.said.split())


def not_finite(scene: Scene) -> None:
    """From one step on, as of a model that does not survive its learning rate."""

    def prepare() -> None:
        import torch
        from transformers.models.bert import modeling_bert

        forward, passes = modeling_bert.BertEncoder.forward, count()

        def broken(self: torch.nn.Module, hidden: torch.Tensor, *more: object, **others: object) -> object:
            broken = self.training and next(passes) >= NOT_FINITE - 1
            return forward(self, hidden * torch.nan if broken else hidden, *more, **others)

        modeling_bert.BertEncoder.forward = broken

    ended = zoo(SETUP.arguments(scene.work, scene.run), scene.run, prepare=prepare)
    scene.tells(ended, f"not finite at step {NOT_FINITE} (rows ", "Lower learning_rate", code=1)
    assert status(scene.run) == "failed"
    scene.ends_equal()


# --- signals and processes ------------------------------------------------------------------------------------------


def _signalled(number: int) -> Callable[[Scene], None]:
    def play(scene: Scene) -> None:
        ended = scene.go(event=kill_at(scene.whole.training // 2, number))
        scene.tells(ended, "the state is saved", "zoo resume", code=130)
        assert status(scene.run) == "stopped", status(scene.run)
        scene.ends_equal()

    return play


def same_second(scene: Scene) -> None:
    """Without ``--output``: each makes its own directory."""
    scene.run.mkdir()
    arguments = SETUP.arguments(scene.work, scene.run)
    at = arguments.index("--output")
    del arguments[at : at + 2]
    children = [start(arguments, scene.run, prepare=lambda: os.chdir(scene.run)) for _ in range(3)]
    codes = [child.wait().code for child in children]
    runs = list((scene.run / "runs").iterdir())
    assert codes == [0, 0, 0], f"exit codes {codes}"
    assert len(runs) == 3, f"{len(runs)} directories"
    assert not any(differences(run, scene.whole.content) for run in runs), "not equal"


def same_output(scene: Scene) -> None:
    """Started at once."""
    arguments = SETUP.arguments(scene.work, scene.run)
    ended = [child.wait() for child in [start(arguments, scene.run) for _ in range(2)]]
    assert sorted(one.code for one in ended) == [0, 2], f"exit codes {[one.code for one in ended]}"
    assert not differences(scene.run, scene.whole.content), "not equal"


def two_resumes(scene: Scene) -> None:
    """Started at once."""
    scene.killed_late()
    ended = [child.wait() for child in [start(["resume", scene.run, "--quiet"], scene.run) for _ in range(2)]]
    assert sorted(one.code for one in ended) == [0, 2], f"exit codes {[one.code for one in ended]}"
    refused = next(one for one in ended if one.code == 2)
    assert "going on in another process" in refused.said or "nothing to resume" in refused.said, refused.said
    assert not differences(scene.run, scene.whole.content), "not equal"


def _two_processes(scene: Scene) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """The command in two processes, once they train."""
    words = [str(a) for a in SETUP.arguments(scene.work, scene.run)]
    words[words.index("max_steps=20")] = "max_steps=2000"
    command = [sys.executable, "-m", "taskzoo", *words, "--processes", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    main = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment)
    deadline = time.monotonic() + PATIENCE
    history = scene.run / "history.jsonl"
    while not (history.is_file() and '"loss"' in history.read_text(encoding="utf-8")):
        assert main.poll() is None, f"it ended too early: {main.stderr.read() if main.stderr else ''}"
        assert time.monotonic() < deadline, "it does not begin"
        time.sleep(0.05)
    return main, psutil.Process(main.pid).children()


def rank_dead(scene: Scene) -> None:
    """As by the system where the memory runs out."""
    main, (_, second) = _two_processes(scene)
    second.kill()
    try:
        _, said = main.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        main.kill()
        raise AssertionError(f"it still runs {PATIENCE:.0f} s after one of its processes was killed") from None
    scene.tells(Ended(main.returncode, said, 0, 0.0), "Process 2 of 2 was killed", f"zoo resume {scene.run}")
    assert status(scene.run) == "stopped", f"the status is {status(scene.run)!r}"


def parent_dead(scene: Scene) -> None:
    """The processes are asked to stop by the system."""
    main, children = _two_processes(scene)
    main.kill()
    main.communicate()
    _, alive = psutil.wait_procs(children, timeout=PATIENCE)
    for child in alive:
        child.kill()
    assert not alive, "its processes go on"
    assert status(scene.run) == "stopped", f"the status is {status(scene.run)!r}"


# --- changed between ------------------------------------------------------------------------------------------------


def settings_changed(scene: Scene) -> None:
    """In ``config.yaml``."""
    scene.killed_late()
    config = scene.run / "config.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("batch_size: 4", "batch_size: 5"), encoding="utf-8")
    scene.tells(scene.go(), "atch_size (4 is now 5)", code=2)
    config.write_text(text, encoding="utf-8")
    scene.ends_equal()


CASES = (
    *(
        Case(f"`last/{name}` {how}", "the state before it serves, said; ends equal", _damaged(name, damage))
        for name, how, damage in (
            ("model.safetensors", "cut short", cut),
            ("optimizer.safetensors", "a bit flipped", flip),
            ("random.safetensors", "empty", empty),
            ("state.json", "cut short", cut),
            ("model.safetensors", "deleted", Path.unlink),
        )
    ),
    Case("both states damaged", "refused: which files, and what to do", both_damaged),
    Case("best weights: a bit flipped", "refused, or written again from the state", best_damaged),
    Case("weights of a finished run: a bit flipped", "`zoo predict` refuses", weights_damaged),
    Case("disk full in mid-run", "one sentence; resumes equal", _disk(errno.ENOSPC, "no space is left on the disk")),
    Case("disk full from the first file on", "one sentence, nothing left; runs again", full_at_first),
    Case("a file system of 900 kB", "one sentence; resumes equal with more room", small_disk),
    Case("disk becomes read-only", "one sentence; resumes equal", _disk(errno.EROFS, "the file system is read-only")),
    Case("disk fails (EIO)", "one sentence; resumes equal", _disk(errno.EIO, "the disk failed")),
    Case(
        "disk fails while the model is written",
        "one sentence; resumes equal",
        _disk(errno.EIO, "the disk failed", at_the_end=True),
    ),
    Case("directory deleted in mid-run", "one sentence that names it", folder_deleted),
    Case("out of memory above 2 examples (simulated)", "half the micro-batch, said; ends", out_of_memory),
    Case("loss not finite", "one sentence with the rows; resumes equal from the last good state", not_finite),
    *(
        Case(f"{number.name} in training", "state saved, exit 130; resumes equal", _signalled(number))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ),
    Case("three runs in one second without `--output`", "three directories, all equal", same_second),
    Case("two runs with one `--output`", "one is refused; the other ends equal", same_output),
    Case("two `zoo resume` at once", "one is refused; the other ends equal", two_resumes),
    Case("one of two processes killed", "ends with a sentence, no hang", rank_dead),
    Case("parent of two processes killed", "they save and end", parent_dead),
    Case("a setting changed before `zoo resume`", "refused; undone, it ends equal", settings_changed),
)
