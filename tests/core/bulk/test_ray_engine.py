"""Shards on a cluster of Ray: the same bytes, also where a worker is killed."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.core.runs.kit import zoo

from taskzoo.bulk.job import Inputs, Output, Summary
from taskzoo.bulk.loading import Loading
from taskzoo.bulk.ray_engine import Cluster, predict_with_ray
from taskzoo.bulk.shards import ShardJob
from taskzoo.errors import DataError, RequestError

from .kit import digests, write


def test_without_ray_the_message_says_what_to_install(
    finished: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RequestError, match=r"pip install 'taskzoo\[ray\]'"):
        predict_with_ray(Loading(str(finished)), ShardJob(Inputs((str(table),)), Output(tmp_path / "out")), Cluster())


@pytest.fixture(scope="module")
def cluster() -> Any:
    """Two processors on this machine."""
    ray = pytest.importorskip("ray")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, log_to_driver=False, logging_level="error", include_dashboard=False)
    yield ray
    ray.shutdown()


def workers() -> list[int]:
    """The process ids of those that do a part."""
    import psutil

    names = {p.pid: " ".join(p.cmdline()) for p in psutil.Process().children(recursive=True)}
    return [pid for pid, name in names.items() if name.startswith("ray::do_part")]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_workers_of_which_one_is_killed(cluster: Any, finished: Path, table: Path, tmp_path: Path) -> None:
    zoo("predict", finished, "--input", table, "--output", f"{tmp_path}/alone/", "--shard-rows", 2, "--quiet")
    folder, done = tmp_path / "out", list[Summary]()
    job = ShardJob(Inputs((str(table),)), Output(folder, shard_rows=2))
    driver = threading.Thread(
        target=lambda: done.append(predict_with_ray(Loading(str(finished)), job, Cluster(workers=2)))
    )
    driver.start()
    while len(list(folder.glob("part-*"))) < 20:
        assert driver.is_alive()
        time.sleep(0.005)
    os.kill(workers()[0], signal.SIGKILL)
    there = len(list(folder.glob("part-*")))
    driver.join()
    assert there < 498
    assert [(one.rows, one.bad, one.shards) for one in done] == [(993, 2, 498)]
    assert done[0].there_before > 0
    assert digests(folder) == digests(tmp_path / "alone")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_a_worker_refuses_is_said_as_here(cluster: Any, finished: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "in.csv", "id,title\n1,a\n")
    job = ShardJob(Inputs((str(path),)), Output(tmp_path / "out"))
    with pytest.raises(DataError, match=r"in\.csv:1: .*text"):
        predict_with_ray(Loading(str(finished)), job, Cluster(workers=2))
