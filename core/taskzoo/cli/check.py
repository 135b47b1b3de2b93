"""``zoo check``: whether a task keeps its contract."""

from __future__ import annotations

from typing import Annotated

import typer

from taskzoo.escapes import visible


def check(
    task: Annotated[str, typer.Argument(help="A task (`zoo tasks` lists them), or path/to/task.py:Class.")],
    family: Annotated[
        str | None, typer.Option(help="Architecture of the tiny model (default: that of the task's default model).")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A setting or task option as name=value, e.g. method=lora.")
    ] = None,
    data: Annotated[str, typer.Option(help="A variant of the demo set, such as stars for demo/stars.")] = "",
    size: Annotated[int, typer.Option(help="Number of training rows to use.", min=8)] = 24,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Train a tiny model on a few demo rows of TASK and check that the task keeps its contract."""
    import os
    import tempfile
    from collections import Counter
    from dataclasses import asdict

    from taskzoo import registry
    from taskzoo.config import make_training, parse_assignments, split_settings
    from taskzoo.errors import UnknownNameError

    from .output import print_json
    from .process import set_up_process

    settings, spec = parse_assignments(set_ or []), registry.task(task)
    training, options = split_settings(settings, spec)
    make_training(training)
    spec.resolve_options(options)

    os.environ.setdefault("OMP_NUM_THREADS", "1")  # more are slower on models this small
    from taskzoo.testing.bench import Bench
    from taskzoo.testing.checks import run_checks
    from taskzoo.testing.tiny_models import FAMILIES

    if family is not None and family not in FAMILIES:
        raise UnknownNameError("tiny model family", family, FAMILIES, f"There are {', '.join(FAMILIES)}.")
    set_up_process()
    results = []
    with tempfile.TemporaryDirectory(prefix="taskzoo-check-", ignore_cleanup_errors=True) as folder:
        bench = Bench(task, folder, family=family, settings=settings, size=size, data=data)
        bench.check_request()
        for result in run_checks(bench):
            results.append(result)
            if not as_json:
                word = "FAILED" if result.status == "failed" else result.status
                print(visible(f"{word:<8}{result.check:<20}{result.reason}".rstrip()), flush=True)
    counts = Counter(result.status for result in results)
    if as_json:
        print_json([{"check": r.check, "ok": r.status in ("ok", "skipped"), **asdict(r)} for r in results])
    else:
        others = "".join(f", {counts[status]} {status}" for status in ("skipped", "not run") if counts[status])
        print(f"{counts['ok']} of {len(results)} checks passed{others}.")
    if counts["failed"]:
        raise typer.Exit(1)
