"""``zoo check``: whether a task keeps its contract."""

from __future__ import annotations

from typing import Annotated

import typer


def check(
    task: Annotated[str, typer.Argument(help="A task; `zoo tasks` lists them.")],
    family: Annotated[
        str | None, typer.Option(help="Architecture of the tiny model (default: that of the task's default model).")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A setting or task option as name=value, e.g. lora=true.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Train a tiny model on a few demo rows of TASK and check that the task keeps its contract."""
    import os
    import tempfile

    from taskzoo import registry
    from taskzoo.config import make_training, parse_assignments, split_settings
    from taskzoo.errors import UnknownNameError

    from .output import print_json

    spec = registry.task(task)
    settings = parse_assignments(set_ or [])
    training, options = split_settings(settings, spec)
    make_training(training)
    spec.resolve_options(options)

    os.environ.setdefault("OMP_NUM_THREADS", "1")  # more are slower on models this small
    from taskzoo.models.loading import quiet_transformers
    from taskzoo.testing.bench import Bench
    from taskzoo.testing.checks import run_checks
    from taskzoo.testing.tiny_models import FAMILIES

    if family is not None and family not in FAMILIES:
        raise UnknownNameError("tiny model family", family, FAMILIES, f"There are {', '.join(FAMILIES)}.")
    quiet_transformers()
    results = []
    with tempfile.TemporaryDirectory(prefix="taskzoo-check-", ignore_cleanup_errors=True) as folder:
        for result in run_checks(Bench(task, folder, family=family, settings=settings)):
            results.append(result)
            if not as_json:
                print(f"{'ok' if result.ok else 'FAILED':<8}{result.check:<20}{result.reason}".rstrip(), flush=True)
    failed = sum(not result.ok for result in results)
    if as_json:
        print_json(
            [{"check": r.check, "ok": r.ok, "reason": r.reason, "seconds": round(r.seconds, 3)} for r in results]
        )
    else:
        print(f"{len(results) - failed} of {len(results)} checks passed.")
    if failed:
        raise typer.Exit(1)
