"""``--engine ray``: the processes of a run are on a Ray cluster, and this one shows what the first of them says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from taskzoo.errors import RequestError

if TYPE_CHECKING:
    from taskzoo.engine.progress import Reporter
    from taskzoo.runs.on_ray import Group, Order
    from taskzoo.runs.request import Resolved, RunRequest


def asked_group(engine: str, processes: int, at_least: int | None) -> Group | None:
    """The processes that ``--engine`` and its companions ask for; ``None``: they are to run here.

    Raises:
        UnknownNameError: another engine.
        RequestError: options that do not go together, or Ray is not installed.
    """
    from .target import ray_address

    if (address := ray_address(engine)) is None:
        if at_least is not None:
            raise RequestError("--min-processes is for --engine ray; without it, a run keeps its processes.")
        return None
    if "WORLD_SIZE" in os.environ:
        raise RequestError(
            "--engine ray starts the processes of the run, and a launcher such as torchrun has started this one; leave "
            "one of them out."
        )
    if at_least is not None and at_least > processes:
        raise RequestError(f"--min-processes is {at_least}, and --processes only {processes}.")
    from taskzoo.runs.ray_cluster import import_ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to others
    import_ray()
    from taskzoo.runs.on_ray import Group

    return Group(processes, at_least, address)


def train_on_ray(group: Group, path: Path, asked: tuple[RunRequest, Resolved], reporter: Reporter) -> None:
    """Make a new run in ``path``, as it was asked for and resolved here.

    Raises:
        RequestError: what can be known without the cluster is wrong, so that nothing is started.
        TaskZooError: as :func:`taskzoo.runs.on_ray.run_on_ray`.
    """
    from taskzoo import registry
    from taskzoo.methods.base import refuse_processes
    from taskzoo.registry.catalogue import FILE_VARIABLE
    from taskzoo.runs.on_ray import Order
    from taskzoo.runs.plan import make_plan

    request, resolved = asked
    refuse_processes(registry.method(resolved.config.training.method), group.processes)
    make_plan(resolved, reporter=reporter)
    named = os.environ.get(FILE_VARIABLE)
    environment = {FILE_VARIABLE: str(Path(named).absolute())} if named else {}
    order = Order(path.absolute(), request, request.trust_remote_code, environment=environment)
    _carry_out(order, group, reporter)


def resume_on_ray(group: Group, path: Path, *, trust_remote_code: bool, force: bool, reporter: Reporter) -> None:
    """Go on with the run in ``path``."""
    from taskzoo.runs.on_ray import Order

    _carry_out(Order(path.absolute(), None, trust_remote_code, force), group, reporter)


def _carry_out(order: Order, group: Group, reporter: Reporter) -> None:
    from taskzoo.runs.on_ray import run_on_ray

    from .process import stop_on_signal
    from .results import explain_interrupt

    with explain_interrupt(order.path), stop_on_signal() as stop:
        run_on_ray(order, group, reporter=reporter, stop=stop)
