"""``zoo check``: whether a task keeps its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskzoo.escapes import visible

from .options import OptionalTask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskzoo.testing.bench import Bench
    from taskzoo.testing.checks import Result
    from taskzoo.testing.checks.promise import Check

WIDTH = 20
"""Of the column of names."""


def check(
    task: OptionalTask = None,
    family: Annotated[
        str | None, typer.Option(help="Architecture of the tiny model (default: that of the task's default model).")
    ] = None,
    families: Annotated[
        str | None, typer.Option(help="Several, as bert,gpt2,t5, or `all` that suit the task: one column for each.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A setting or task option as name=value, e.g. method=lora.")
    ] = None,
    data: Annotated[str, typer.Option(help="A variant of the demo set, such as stars for demo/stars.")] = "",
    size: Annotated[int, typer.Option(help="Number of training rows to use.", min=8)] = 24,
    list_: Annotated[bool, typer.Option("--list", help="List the checks, why they matter and what to do.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Train a tiny model on a few demo rows of TASK and check that the task keeps its contract."""
    import os
    import tempfile
    from functools import partial

    from taskzoo import registry
    from taskzoo.config import make_training, parse_assignments, split_settings
    from taskzoo.errors import RequestError

    from .output import print_json
    from .process import set_up_process

    os.environ.setdefault("OMP_NUM_THREADS", "1")  # more are slower on models this small
    if list_:
        _list(as_json)
        return
    if task is None:
        raise RequestError("Which task is to be checked? `zoo tasks` lists them; `zoo check --list` lists the checks.")
    if family and families:
        raise RequestError("--family and --families exclude each other; name all architectures in --families.")
    settings, spec = parse_assignments(set_ or []), registry.task(task)
    training, options = split_settings(settings, spec)
    make_training(training)
    spec.resolve_options(options)

    from taskzoo.testing.bench import Bench

    chosen = _families(families, spec.kinds) if families else [_known(family)]
    set_up_process()
    found: list[tuple[str, Result]] = []
    with tempfile.TemporaryDirectory(prefix="taskzoo-check-", ignore_cleanup_errors=True) as folder:
        make = partial(Bench, task, settings=settings, size=size, data=data)
        benches = [make(os.path.join(folder, str(name)), family=name) for name in chosen]
        for bench in benches:
            bench.check_request()
        for bench in benches:
            found += _checked(bench, quiet=as_json or len(benches) > 1)
    if as_json:
        print_json([_facts(name, result) for name, result in found])
    elif len(benches) > 1:
        _print_families(found)
    else:
        _print_counts([result for _, result in found])
    if any(result.status == "failed" for _, result in found):
        raise typer.Exit(1)


def _known(family: str | None) -> str | None:
    from taskzoo.errors import UnknownNameError
    from taskzoo.testing.tiny_models import FAMILIES

    if family is not None and family not in FAMILIES:
        raise UnknownNameError("tiny model family", family, FAMILIES, f"There are {', '.join(FAMILIES)}, and all.")
    return family


def _families(asked: str, kinds: Sequence[str]) -> list[str | None]:
    """Those of a list with commas, or all of these kinds of model."""
    from taskzoo.testing.tiny_families import RECIPES

    if asked == "all":
        return [name for name, recipe in RECIPES.items() if recipe.kind in kinds]
    return list(dict.fromkeys(_known(name.strip()) for name in asked.split(",")))


def _checked(bench: Bench, *, quiet: bool) -> list[tuple[str, Result]]:
    """All results of one bench; each is printed as it is known, or, if ``quiet``, counted on stderr."""
    import sys

    from taskzoo.testing.checks import CHECKS, run_checks

    found = []
    for number, result in enumerate(run_checks(bench), 1):
        found.append((bench.family, result))
        if not quiet:
            _print_result(result)
        elif sys.stderr.isatty():
            print(f"\r{bench.family}: {number} of {len(CHECKS)} checks\033[K", end="", file=sys.stderr, flush=True)
    if quiet and sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    if quiet:
        failed = [result.check.name for _, result in found if result.status == "failed"]
        told = f"FAILED {', '.join(failed)}" if failed else "ok"
        print(visible(f"{bench.family}: {told}, {sum(r.seconds for _, r in found):.0f} s"), file=sys.stderr, flush=True)
    return found


def _print_result(result: Result) -> None:
    word = "FAILED" if result.status == "failed" else result.status
    print(visible(f"{word:<8}{result.check.name:<{WIDTH}}{result.reason}".rstrip()), flush=True)
    if result.status == "failed":
        _print_advice(result.check)


def _print_advice(check: Check) -> None:
    for name, text in (("why", check.why), ("to do", check.fix)):
        print(visible(f"{'':8}{name:>{WIDTH - 2}}  {text}"), flush=True)


def _print_counts(results: Sequence[Result]) -> None:
    from collections import Counter

    counts = Counter(result.status for result in results)
    statuses = ("skipped", "follows", "not run")
    others = "".join(f", {counts[status]} {status}" for status in statuses if counts[status])
    print(f"{counts['ok']} of {len(results)} checks passed{others}.")


def _print_families(found: Sequence[tuple[str, Result]]) -> None:
    """A line per check and a column per family, then what was found where a check failed."""
    from .output import print_table

    names = list(dict.fromkeys(name for name, _ in found))
    by_check: dict[str, list[str]] = {}
    for _, result in found:
        by_check.setdefault(result.check.name, []).append("FAILED" if result.status == "failed" else result.status)
    print_table(["check", *names], [[check, *statuses] for check, statuses in by_check.items()])
    failed = [(name, result) for name, result in found if result.status == "failed"]
    for check in {result.check.name: result.check for _, result in failed}.values():
        print()
        for name, result in failed:
            if result.check is check:
                print(visible(f"FAILED  {check.name:<{WIDTH}}{name}: {result.reason}"))
        _print_advice(check)
    passed = [name for name in names if all(name != other for other, _ in failed)]
    print(f"\n{len(passed)} of {len(names)} families passed.")


def _facts(family: str, result: Result) -> dict[str, Any]:
    check, good = result.check, result.status in ("ok", "skipped")
    told = {"status": result.status, "reason": result.reason, "seconds": result.seconds}
    return {"check": check.name, "family": family, "ok": good, **told, "why": check.why, "fix": check.fix}


def _list(as_json: bool) -> None:
    from taskzoo.testing.checks import CHECKS

    from .output import print_json

    if as_json:
        names = ("name", "holds", "why", "fix", "after")
        print_json([{name: getattr(check, name) for name in names} for check in CHECKS])
        return
    for check in CHECKS:
        print(f"{check.name:<{WIDTH}}{check.holds}")
        for name, text in (("why", check.why), ("to do", check.fix)):
            print(f"{name:>{WIDTH - 2}}  {text}")
