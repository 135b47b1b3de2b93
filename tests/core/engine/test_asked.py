"""What processes ask for is done by all in the same step, at once or one step late."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from taskzoo.callbacks import Callback
from taskzoo.engine import bookkeeping
from taskzoo.engine.asked import NOTHING, Agreement, Asked
from taskzoo.engine.checkpoint import TrainingState
from taskzoo.errors import Interrupted

from .kit import fit, make_features, make_tagger, same, weights

STOP, SAVE = Asked(stop=True, save=False), Asked(stop=False, save=True)
SUMS = torch.tensor([1.5, 2.0], dtype=torch.float64)

PROCESS = """
import datetime, json, torch
from taskzoo.engine import precision
from taskzoo.engine.asked import Agreement, Asked

precision.PATIENCE = datetime.timedelta(minutes=7)  # gloo by itself waits for half an hour
accelerator = precision.make_accelerator("fp32", cpu=True)
rank, found = accelerator.process_index, {}
with accelerator.active():
    for late in (False, True):
        agreement = Agreement(accelerator, late=late)
        steps = [
            agreement.of(
                torch.tensor([1.0 + rank, 2.0]), Asked(stop=rank == 1 and step == 1, save=rank == 0 and step == 2)
            )
            for step in range(4)
        ]
        found[str(late)] = [[sums.tolist(), asked.stop, asked.save] for sums, asked in steps]
    group = torch.distributed.distributed_c10d._get_default_group()
    seconds = group._get_backend(torch.device("cpu")).options._timeout.total_seconds()
print(json.dumps([found, seconds]))
"""


def processes(number: int, reduce: Any = None) -> Any:
    """Stands for an accelerator of so many processes."""
    return SimpleNamespace(num_processes=number, reduce=reduce)


def two(late: bool) -> Agreement:
    """An agreement with another process that has the same sums and asks for the same."""
    return Agreement(processes(2, lambda sums, reduction: 2 * sums), late)


@pytest.mark.parametrize("late", [False, True])
def test_one_process_does_what_it_asks_for_at_once(late: bool) -> None:
    sums, asked = Agreement(processes(1), late).of(SUMS, STOP)
    assert sums is SUMS
    assert asked is STOP


@pytest.mark.parametrize("late", [False, True])
def test_sums_are_those_of_the_step_and_wishes_may_be_late(late: bool) -> None:
    agreement, found = two(late), []
    for asked in (NOTHING, STOP, SAVE, NOTHING):
        sums, agreed = agreement.of(SUMS, asked)
        assert sums.tolist() == [3.0, 4.0]
        found.append(agreed)
    assert found == ([NOTHING, NOTHING, STOP, SAVE] if late else [NOTHING, STOP, SAVE, NOTHING])


def test_what_was_done_is_not_done_again() -> None:
    agreement, both = two(late=True), Asked(stop=True, save=True)
    agreement.of(SUMS, SAVE)
    assert agreement.of(SUMS, both)[1] == SAVE
    agreement.saved()
    assert agreement.of(SUMS, SAVE)[1] == STOP
    assert agreement.of(SUMS, NOTHING)[1] == SAVE
    at_once = two(late=False)
    at_once.saved()
    assert at_once.of(SUMS, SAVE)[1] == SAVE


def test_two_processes_stop_in_the_same_step_and_wait_as_long_as_they_are_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    given = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    given |= {"LOCAL_WORLD_SIZE": "2", "CUDA_VISIBLE_DEVICES": ""}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS],
            env={**os.environ, **given, "RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    one, other = [json.loads(process.communicate(timeout=120)[0].splitlines()[-1]) for process in processes]
    assert one == other
    sums = [3.0, 4.0]
    assert one[0]["False"] == [[sums, False, False], [sums, True, False], [sums, False, True], [sums, False, False]]
    assert one[0]["True"] == [[sums, False, False], [sums, False, False], [sums, True, False], [sums, False, True]]
    assert one[1] == 7 * 60


@pytest.mark.parametrize("late", [False, True])
def test_a_late_stop_saves_the_step_that_was_made_and_a_late_save_comes_once(
    late: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    features, values = make_features(38), {"batch_size": 8, "epochs": 3, "optimizer": "adamw"}
    saves: list[int] = []
    steps = 0

    def other(wanted: str) -> Any:
        """Another process without losses that asks for something from the third step on, until it is done."""
        nonlocal steps
        steps = 0

        def reduce(sums: torch.Tensor, reduction: str) -> torch.Tensor:
            nonlocal steps
            steps += 1
            asks = steps >= 3 and not saves
            return sums + torch.tensor([0.0, 0.0, asks and wanted == "stop", asks and wanted == "save"])

        return lambda *_, **__: Agreement(processes(2, reduce), late)

    whole, parts = make_tagger(), make_tagger()
    for name in ("whole", "parts", "saved"):
        (tmp_path / name).mkdir()
    fit(whole, features, tmp_path / "whole", **values)
    with monkeypatch.context() as patched:
        patched.setattr(bookkeeping, "Agreement", other("stop"))
        with pytest.raises(Interrupted, match=f"Stopped after step {3 + late} of 15"):
            fit(parts, features, tmp_path / "parts", **values)
    assert TrainingState(tmp_path / "parts" / "checkpoints").saved_step() == 3 + late
    parts = make_tagger()
    fit(parts, features, tmp_path / "parts", **values)
    assert same(weights(whole), weights(parts))

    monkeypatch.setattr(bookkeeping, "Agreement", other("save"))
    monkeypatch.setattr(TrainingState, "save", lambda self, model, progress, **_: saves.append(progress["step"]))
    fit(make_tagger(), features, tmp_path / "saved", checkpoint_every=100, **values)
    assert saves == [3 + late]


@pytest.mark.parametrize("patience", [0, 1])
def test_a_stop_in_the_last_step_saves_it(patience: int, tmp_path: Any) -> None:
    """What follows the training will be stopped, and is all that is left to do."""

    class Stops(Callback):
        def step(self, values: Any) -> None:
            steps.append(values["step"])
            if values["step"] == last:
                signal.raise_signal(signal.SIGTERM)

    steps: list[int] = []
    last = 10 if patience else 15
    values = {"batch_size": 8, "epochs": 3, "log_every": 1, "early_stopping": patience}
    values["evaluate"] = lambda model: {"score": 0.5, "loss": 1.0}
    fit(make_tagger(), make_features(38), tmp_path, callbacks=[Stops()], **values)
    assert TrainingState(tmp_path / "checkpoints").saved_step() == last
    before = list(steps)
    fit(make_tagger(), make_features(38), tmp_path, callbacks=[Stops()], **values)
    assert before == steps == list(range(1, last + 1))
