"""The runs that are disturbed, and what of a run must not depend on a disturbance."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from child import Ended, zoo

TIMES = ("seconds", "tokens_per_second", "rows_per_second", "peak_memory")
"""Keys whose values are another in every run."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A kind of run: small, with several checkpoints and evaluations.

    ``in_background``: these are written while it goes on, as those of a run on a GPU.
    """

    task: str
    method: str
    family: str = "bert"
    more: tuple[str, ...] = ()
    in_background: bool = False

    @property
    def name(self) -> str:
        return f"{self.task} {self.method}" + " (in the background)" * self.in_background

    def arguments(self, work: Path, output: Path) -> list[Any]:
        """Of ``zoo run``."""
        settings = ["checkpoint_every=2", "evaluate_every=5", "log_every=1", "max_steps=20"]
        fixed = [word for setting in settings for word in ("--set", setting)]
        model = ["--model", work / self.family, "--method", self.method]
        common = ["--batch-size", 4, "--output", output, "--quiet", "--no-baseline"]
        return ["run", self.task, *model, *common, *fixed, *self.more]


SETUPS = (
    Setup("ner", "full"),
    Setup("ner", "full", in_background=True),
    Setup("ner", "lora"),
    Setup("classification", "full", more=("--set", "optimizer=adam")),
    Setup("classification", "auto"),
    Setup("classification", "auto", in_background=True),
    Setup("classification", "linear-probe"),
    Setup("classification", "contrastive"),
    Setup("sentiment", "full", family="gpt2", more=("--set", "optimizer=momentum")),
    Setup("sentiment", "lora"),
    Setup("translation", "full", family="marian"),
    Setup("translation", "lora", family="t5"),
    Setup("summarization", "full", family="bart", more=("--set", "max_target_length=12", "--set", "num_beams=1")),
)


def make_models(work: Path) -> None:
    """Write the tiny checkpoints that the runs start from; with dropout, so that random numbers count."""
    from taskzoo.testing import make_tiny_checkpoint

    texts = [f"word{number} and a little text about {number} things" for number in range(200)]
    for family in sorted({setup.family for setup in SETUPS}):
        make_tiny_checkpoint(work / family, family, texts, vocabulary=300, dropout=0.1)


def content(run: Path) -> dict[str, str]:
    """Name of a file -> digest of what must be equal; and that nothing is left behind."""
    found = {}
    for file in sorted(run.rglob("*")):
        name = str(file.relative_to(run))
        if file.suffix == ".safetensors" or file.name in ("predictions.jsonl", "task.json", "config.json"):
            found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
        elif file.name in ("metrics.json", "history.jsonl"):
            lines = file.read_text(encoding="utf-8").splitlines()
            values = [json.loads(line) for line in lines] if file.suffix == ".jsonl" else json.loads("".join(lines))
            found[name] = json.dumps(_without_times(values), sort_keys=True)
        elif file.name in (".lock", "checkpoints") or file.name.endswith(".new"):
            found[name] = "left behind"
    found["card"] = str((run / "README.md").is_file())
    return found


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(item) for name, item in value.items() if name not in TIMES}
    return [_without_times(item) for item in value] if isinstance(value, list) else value


def differences(run: Path, whole: dict[str, str]) -> list[str]:
    """The files in which a run differs from the undisturbed one."""
    here = content(run)
    names = sorted(name for name in here.keys() | whole.keys() if here.get(name) != whole.get(name))
    return [f"{name} {_where(here.get(name, ''), whole.get(name, ''))}" for name in names]


def _where(here: str, there: str) -> str:
    """Both from shortly before they part."""
    pairs = enumerate(zip(here, there, strict=False))
    at = max(next((i for i, (a, b) in pairs if a != b), 0) - 60, 0)
    return f"({here[at : at + 120]!r}, {there[at : at + 120]!r})"


def status(run: Path) -> str:
    """Of the manifest; empty: there is none."""
    manifest = run / "manifest.json"
    return str(json.loads(manifest.read_text(encoding="utf-8"))["status"]) if manifest.is_file() else ""


def go_on(setup: Setup, work: Path, run: Path, **disturbed: Any) -> Ended:
    """Resume a run, or begin again one that was stopped before it began."""
    begun = status(run)
    command = ["resume", run] if begun else setup.arguments(work, run)
    return zoo(command, run, prepare=write_in_background if setup.in_background else None, **disturbed)


def write_in_background() -> None:
    """Within this process, states are written while the training goes on."""
    from taskzoo.engine.checkpoint import TrainingState

    writing = TrainingState.writing
    TrainingState.writing = lambda self, in_background: writing(self, in_background=True)  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class Whole:
    """An undisturbed run; ``training`` are those of its ``operations`` that come before its model is written."""

    content: dict[str, str]
    operations: int
    training: int
    seconds: float


def undisturbed(setup: Setup, work: Path) -> Whole:
    """Run it once.

    Raises:
        RuntimeError: it failed.
    """
    run = work / "whole" / setup.name.replace(" ", "-")
    run.parent.mkdir(exist_ok=True)
    shutil.rmtree(run, ignore_errors=True)
    trained = run.with_suffix(".trained")
    trained.unlink(missing_ok=True)

    def note(number: int, name: str) -> None:
        if not trained.exists() and (run / "model.new").is_dir():
            trained.write_text(str(number), encoding="utf-8")

    ended = go_on(setup, work, run, event=note)
    if ended.code:
        raise RuntimeError(f"{setup.name} fails undisturbed: {ended.said[-2000:]}")
    return Whole(content(run), ended.operations, int(trained.read_text(encoding="utf-8")), ended.seconds)
