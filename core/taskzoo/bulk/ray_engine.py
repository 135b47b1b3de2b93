"""Shards on a Ray cluster: each worker does a part of them, as processes with ``--shard`` do.

Workers read the input and write the folder themselves, so both must be where all machines see them. A worker that dies
is started again by Ray and goes on with the shards that are not there yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from taskzoo.errors import TaskZooError
from taskzoo.runs.ray_cluster import connected

from .job import Summary
from .loading import Loading
from .meter import Meter
from .part import Part
from .shards import ShardJob, check_folder, predict_to_folder

RETRIES = 5
"""How often Ray starts a part again whose worker died."""

_EVERY = 15.0  # seconds between two reports


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where shards are done.

    Args:
        address: of the cluster (``ray://HOST:10001``); ``""``: that of ``RAY_ADDRESS``, else one on this machine.
        workers: parts that are done at once; ``None``: one per GPU or, without any, per CPU.
    """

    address: str = ""
    workers: int | None = None


def predict_with_ray(
    loading: Loading, job: ShardJob, cluster: Cluster, say: Callable[[str], object] = lambda message: None
) -> Summary:
    """Write the shards that are not there yet, on a cluster.

    Args:
        loading: the run, by a path that the workers see, too.
        job: the shards.
        cluster: does them.
        say: is told now and then how many are there.

    Raises:
        RequestError: ray is not installed, or the cluster does not answer; and what a worker refuses.
        TaskZooError: a worker failed again and again.
    """
    check_folder(job.output.path)
    with connected(cluster.address) as ray:
        try:
            return _run(ray, *_absolute(loading, job), cluster.workers, say)
        except ray.exceptions.RayTaskError as error:
            known = isinstance(error.cause, TaskZooError)
            raise (error.cause if known else TaskZooError(f"A worker failed: {error.cause}")) from None
        except ray.exceptions.RayError as error:
            reason = " ".join(str(error).split())
            raise TaskZooError(
                f"A worker died {RETRIES + 1} times ({reason:.200}). The same command goes on with the shards not done."
            ) from None


def _run(ray: Any, loading: Loading, job: ShardJob, workers: int | None, say: Callable[[str], object]) -> Summary:
    resources: Mapping[str, float] = ray.cluster_resources()
    gpus = int(resources.get("GPU", 0))
    count = workers or gpus or int(resources.get("CPU", 1))
    task = ray.remote(num_cpus=1, num_gpus=1 if gpus else 0, max_retries=RETRIES)(do_part)
    parts = [task.remote(loading, job, Part(number, count)) for number in range(1, count + 1)]
    waiting, total = parts, Summary()
    while waiting:
        done, waiting = ray.wait(waiting, num_returns=1, timeout=_EVERY)
        for one in ray.get(done):
            total = total + one
        say(f"{len(list(job.output.path.glob('part-*'))):,} shards are there")
    return total


def do_part(loading: Loading, job: ShardJob, part: Part) -> Summary:
    """What a worker does."""
    with loading.load() as model, Meter(shown=False) as meter:
        return predict_to_folder(model, job, part, meter)


def _absolute(loading: Loading, job: ShardJob) -> tuple[Loading, ShardJob]:
    """The same with whole paths: a worker has another working directory."""
    files = tuple(str(Path(file).absolute()) for file in job.inputs.files)
    output = replace(job.output, path=job.output.path.absolute())
    if Path(loading.run).exists():  # or it is a name on the hub
        loading = replace(loading, run=str(Path(loading.run).absolute()))
    return loading, replace(job, inputs=replace(job.inputs, files=files), output=output)
