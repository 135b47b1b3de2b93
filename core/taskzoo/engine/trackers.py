"""Trackers of experiments (``--track tensorboard,wandb``): what ``history.jsonl`` gets is also sent to them.

Each is started, fed and ended by its class in ``accelerate.tracking``. No rows and no names of files are sent.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import uuid
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, ClassVar

from taskzoo.callbacks import Callback, RunFacts
from taskzoo.errors import RequestError

FILE = "trackers.json"
"""In the run directory: as which run each tracker knows it, and up to which step it was told of what."""
PROJECT = "taskzoo"
"""The project, or experiment, where the tracker's own variable names no other."""


class Tracker(Callback):
    """Sends steps, evaluations and final scores on.

    A resumed run goes on as the same run of the tracker. What was sent before it stopped is not sent again: the
    repeated steps are the same.
    """

    package: ClassVar[str]

    @classmethod
    def check(cls) -> None:
        """Raise :class:`RequestError` if the package is not installed."""
        if importlib.util.find_spec(cls.package) is None:
            raise RequestError(
                f"--track {cls.package} needs a package that is not installed: pip install 'taskzoo[{cls.package}]'"
            )

    @abstractmethod
    def start(self, run: RunFacts, identity: str) -> Any:
        """The tracker of ``accelerate``, for the run that it knows, or is to know, by ``identity``; not yet started."""

    def known_as(self, tracker: Any, identity: str) -> str:
        """The identity by which a started tracker finds the run again."""
        return identity

    # events

    def run_started(self, run: RunFacts) -> None:
        self._run, self._file, self._tracker = run, run.path / FILE, None
        self._state: dict[str, Any] = _read(self._file).get(self.package, {"id": "", "sent": {}})
        self._last = max(self._state["sent"].values(), default=0)

    def training_started(self, step: int) -> None:
        self._started()

    def fitted(self, values: Mapping[str, Any]) -> None:
        self._send("fitted", values)

    def step(self, values: Mapping[str, float]) -> None:
        self._send("step", values)

    def evaluation(self, values: Mapping[str, float]) -> None:
        self._send("evaluation", values)

    def finished(self, run: RunFacts, metrics: Mapping[str, Any]) -> None:
        """The scores of ``metrics.json`` as ``final/SPLIT_NAME``, at the last step."""
        scores = {split: metrics[split] for split in ("validation", "test") if split in metrics}
        found = {f"final/{split}_{name}": value for split, of in scores.items() for name, value in of.items()}
        self._send("finished", {"step": self._last, **found})
        self._end()

    def failed(self, error: BaseException) -> None:
        self._end()

    # what they do

    def _started(self) -> Any:
        if self._tracker is None:
            identity = self._state["id"] or uuid.uuid4().hex[:8]
            with redirect_stdout(sys.stderr):
                tracker = self.start(self._run, identity)
                tracker.start()
                self._state["id"] = self.known_as(tracker, identity)
                self.describe(tracker, _settings(self._run.config))
            self._tracker = tracker
            self._keep()
        return self._tracker

    def describe(self, tracker: Any, settings: Mapping[str, Any]) -> None:
        """Tell a started tracker the settings, unless it was told when it was made."""

    def _send(self, kind: str, values: Mapping[str, Any]) -> None:
        tracker, step = self._started(), int(values["step"])
        self._last = max(self._last, step)
        if step <= self._state["sent"].get(kind, -1):
            return
        with redirect_stdout(sys.stderr):  # some print on the stream that has the results
            tracker.log(_numbers(values), step=step)
        self._state["sent"][kind] = step
        self._keep()

    def _end(self) -> None:
        if self._tracker is not None:
            with redirect_stdout(sys.stderr):
                self._tracker.finish()

    def _keep(self) -> None:
        fresh = self._file.with_name(f"{FILE}.new")
        fresh.write_text(json.dumps({**_read(self._file), self.package: self._state}), encoding="utf-8")
        os.replace(fresh, self._file)


class TensorBoard(Tracker):
    """Event files in ``RUN/tensorboard``."""

    package = "tensorboard"

    def start(self, run: RunFacts, identity: str) -> Any:
        from accelerate.tracking import TensorBoardTracker

        return TensorBoardTracker("tensorboard", run.path)

    def describe(self, tracker: Any, settings: Mapping[str, Any]) -> None:
        """As a table of text: what ``accelerate`` writes for them would be another run on the page."""
        rows = "".join(f"| {name} | {value} |\n" for name, value in settings.items())
        tracker.tracker.add_text("settings", f"| setting | value |\n|---|---|\n{rows}", global_step=0)


class WandB(Tracker):
    """Weights & Biases; ``WANDB_MODE=offline`` keeps all of it in ``RUN/wandb``."""

    package = "wandb"

    def start(self, run: RunFacts, identity: str) -> Any:
        from accelerate.tracking import WandBTracker

        folder = {} if "WANDB_DIR" in os.environ else {"dir": str(run.path)}
        return WandBTracker(
            os.environ.get("WANDB_PROJECT", PROJECT),
            name=os.environ.get("WANDB_NAME", run.path.name),
            id=identity,
            resume="allow",
            reinit="create_new",  # the caller's own run, if there is one, is left alone
            config=_settings(run.config),
            settings={"console": "off"},
            **folder,
        )


class MLflow(Tracker):
    """MLflow at ``MLFLOW_TRACKING_URI``, else in the working directory."""

    package = "mlflow"

    def start(self, run: RunFacts, identity: str) -> Any:
        import mlflow
        from accelerate.tracking import MLflowTracker

        return MLflowTracker(
            PROJECT,
            run_id=self._state["id"] or None,
            run_name=run.path.name,
            nested_run=mlflow.active_run() is not None,
        )

    def known_as(self, tracker: Any, identity: str) -> str:
        return str(tracker.tracker.info.run_id)

    def describe(self, tracker: Any, settings: Mapping[str, Any]) -> None:
        if not self._state["sent"]:
            tracker.store_init_configuration(dict(settings))


class Trackio(Tracker):
    """Trackio, in a local database (``TRACKIO_DIR``) or a Space."""

    package = "trackio"

    def start(self, run: RunFacts, identity: str) -> Any:
        from accelerate.tracking import TrackioTracker

        return TrackioTracker(
            os.environ.get("TRACKIO_PROJECT", PROJECT),
            name=f"{run.path.name}-{identity}",
            resume="allow",
            config=_settings(run.config),
            embed=False,
        )


class SwanLab(Tracker):
    """SwanLab; ``SWANLAB_MODE=offline`` or ``local`` keeps all of it in ``RUN/swanlog``."""

    package = "swanlab"

    def start(self, run: RunFacts, identity: str) -> Any:
        from accelerate.tracking import SwanLabTracker

        folder = {} if "SWANLAB_LOG_DIR" in os.environ else {"log_dir": str(run.path / "swanlog")}
        return SwanLabTracker(
            os.environ.get("SWANLAB_PROJECT", PROJECT),
            name=run.path.name,
            id=identity,
            resume="allow",
            config=_settings(run.config),
            **folder,
        )


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Task, model, options and training settings, as plain values without the folders of files."""
    found: dict[str, Any] = {"task": Path(config["task"]).name, "model": Path(config["model"]).name}
    for section in ("options", "training"):
        for name, value in config[section].items():
            plain = value if isinstance(value, bool | int | float) else "" if value is None else str(value)
            found[name] = Path(plain).name if isinstance(plain, str) and os.path.isabs(plain) else plain
    return found


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among values and in mappings among them, without the step."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= {f"{name}_{key}": one for key, one in _numbers(value).items()}
        elif name != "step" and isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = value
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
