"""``zoo run --seeds N`` and ``--folds N``: several runs of one request, summed up."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from taskzoo.runs.repeats import Repeats
    from taskzoo.runs.request import Resolved
    from taskzoo.runs.summary import Summary


def asked_repeats(seeds: int | None, folds: int | None, single: Mapping[str, bool]) -> Repeats | None:
    """What ``--seeds`` and ``--folds`` ask for; ``None``: a single run.

    Args:
        seeds: their number.
        folds: their number.
        single: options that are for a single run -> whether they were given.

    Raises:
        RequestError: options that do not go together.
    """
    from taskzoo.errors import RequestError
    from taskzoo.runs.repeats import Repeats

    if seeds is None and folds is None:
        return None
    if seeds is not None and folds is not None:
        raise RequestError("--seeds and --folds exclude each other; give one of them.")
    option = "--seeds" if seeds is not None else "--folds"
    if "WORLD_SIZE" in os.environ:
        raise RequestError(f"{option} makes one run after another in one process; start it without torchrun.")
    if given := [name for name, is_given in single.items() if is_given]:
        raise RequestError(f"{option} makes several runs in one process, and {given[0]} is for one; leave it out.")
    return Repeats("seeds", seeds) if seeds is not None else Repeats("folds", folds or 0)


def run_and_show(resolved: Resolved, repeats: Repeats, output: str | None, *, as_json: bool, quiet: bool) -> None:
    """Make the runs that are missing, and print what all of them say."""
    from taskzoo.runs.repeats import repeats_directory

    with repeats_directory(output, resolved, repeats) as path:
        from taskzoo.engine.progress import Silent, Terminal
        from taskzoo.runs.repeats import run_repeats

        from .output import print_json
        from .process import set_up_process, stop_on_signal

        set_up_process()
        reporter = Silent() if quiet else Terminal()
        with stop_on_signal() as stop:
            summary = run_repeats(resolved, repeats, path, reporter=reporter, stop=stop)
    if as_json:
        print_json({"directory": str(path), **summary.to_dict()})
    else:
        _print(summary, path)


def _print(summary: Summary, path: Path) -> None:
    from taskzoo.escapes import visible
    from taskzoo.runs.summary import SEEDS
    from taskzoo.runs.wording_of_repeats import folds_verdict, seeds_verdict

    from .output import print_table

    scores, shown = summary.facts["scores"], _shown
    print()
    for name, said in summary.facts.get("verdicts", {}).items():
        for sentence in said:
            print(f"{name}: {visible(sentence)}\n")
    if summary.kind == SEEDS:
        rows = [
            [name, shown(one["mean"]), shown(one["sd"]), _ends(one["t_ci95"]), _ends(one.get("ci95"))]
            for name, one in scores.items()
        ]
        print_table(["score", "mean", "sd of seeds", "95%, these rows", "95%, other rows"], rows)
        sentences = seeds_verdict(summary)
    else:
        rows = [
            [name, shown(one["value"]), _ends(one["ci95"]), shown(one.get("low")), shown(one.get("high"))]
            for name, one in scores.items()
        ]
        print_table(["score", "all rows", "95%", "lowest fold", "highest fold"], rows)
        sentences = folds_verdict(summary)
    print()
    for sentence in sentences:
        print(sentence)
    print(f"\nRuns      {path}/{summary.parts[0].directory} to {summary.parts[-1].directory}")
    print(f"Summary   {path}/summary.json")
    print(f"Compare   zoo compare {path} OTHER")


def _shown(value: Any) -> str:
    from taskzoo.score_text import score_text

    return score_text(value)


def _ends(interval: Any) -> str:
    from taskzoo.score_text import ends_text

    return ends_text(interval) if interval else "-"
