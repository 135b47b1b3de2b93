"""A run that is resumed in another number of processes sees the rows that it would have seen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from taskzoo.config import make_training
from taskzoo.engine.plan import own_share, plan_steps
from taskzoo.testing import make_tiny_checkpoint
from taskzoo.types import Feature

from .kit import read, read_lines, text_rows, write_csv, zoo
from .test_interruption import launch, signal_at

STEPS = 60
DEADLINE = 300


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (2, 3), (4, 3)])
def test_each_row_once_in_every_epoch(before: int, after: int) -> None:
    """64 rows in steps of 7: the last step of an epoch has one, fewer than there are processes."""
    features = [Feature(row, row % 13 + 1, {}) for row in range(64)]
    plan = plan_steps(features, make_training({"batch_size": 7, "epochs": 3.0}))
    wanted, stopped = list(plan.after(0)), 14
    for number, step in enumerate(wanted):
        world = before if number < stopped else after
        shares = [own_share(step, 2, world, rank) for rank in range(world)]
        seen = [i for share in shares for part, stand_in in share if not stand_in for i in part]
        assert sorted(seen) == sorted(step)
        assert len({len(share) for share in shares}) == 1
    assert list(plan.after(stopped)) == wanted[stopped:]
    for epoch in range(3):
        assert sorted(i for step in wanted[10 * epoch : 10 * (epoch + 1)] for i in step) == list(range(64))


@pytest.fixture(scope="module")
def request_(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """The arguments of a run without dropout."""
    folder = tmp_path_factory.mktemp("other")
    texts = [row["text"] for row in text_rows(200, 9)]
    model = make_tiny_checkpoint(folder / "m", "bert", texts, vocabulary=200, dropout=0.0)
    table = write_csv(folder / "rows.csv", text_rows(64, 1))
    values = f"max_steps={STEPS} log_every=1 evaluate_every=20 checkpoint_every=3 batch_size=7 learning_rate=0.0005"
    words = [word for value in values.split() for word in ("--set", value)]
    return ["run", "classification", "--model", model, "--train", table, "--precision", "fp32", *words]


@pytest.fixture(scope="module", params=["full", "auto"])
def whole(request_: list[object], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run in one process without interruption; ``auto`` begins with a probe."""
    run = tmp_path_factory.mktemp(request.param) / request.param
    assert zoo(*request_, "--method", request.param, "--output", run, "--quiet").code == 0
    return run


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (2, 3)])
def test_resumed_in_another_number_of_processes(
    before: int, after: int, request_: list[object], whole: Path, tmp_path: Path
) -> None:
    method = whole.name
    if method == "auto" and before > 1:
        pytest.skip("it begins with a probe in one process alone")
    run, errors = tmp_path / "run", tmp_path / "errors"
    process = launch([*request_, "--method", method, "--processes", before], run, errors)
    assert signal_at(process, run, 8, signal.SIGINT) == 130, errors.read_text(encoding="utf-8")
    stopped = len([line for line in read_lines(run / "history.jsonl") if "loss" in line])
    assert 8 <= stopped < STEPS
    command = [sys.executable, "-m", "taskzoo", "resume", str(run), "--processes", str(after)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=DEADLINE)
    assert done.returncode == 0, done.stderr
    said = f"the run was made by {before} process{'es' * (before > 1)} so far and goes on with {after}: the same rows"
    assert said in done.stderr
    assert ("the new ones draw dropout anew" in done.stderr) == (after > before)
    assert f"Resuming after step {stopped} of {STEPS}" in done.stderr
    assert read(run / "manifest.json")["processes"] == after
    ones, others = (read_lines(path / "history.jsonl") for path in (whole, run))
    assert [line["step"] for line in others] == [line["step"] for line in ones]
    for one, other in zip(ones, others, strict=True):
        assert other.get("loss", 0) == pytest.approx(one.get("loss", 0), rel=0.01)
        assert other.get("validation_loss", 0) == pytest.approx(one.get("validation_loss", 0), rel=0.01)
    facts = [read(path / "manifest.json").get("auto") for path in (whole, run)]
    assert facts[0] == facts[1] or (facts[0]["kept"], facts[0]["restarted"]) == (
        facts[1]["kept"],
        facts[1]["restarted"],
    )
