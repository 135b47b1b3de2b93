"""Which checks find which broken plugin, and docs/checks.md, which says so."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest import mock

from tests.contract.mutants import MUTANTS, UNHEARD, Mutant
from tests.contract.whole_task import WholeTask

from taskzoo.engine import scoring
from taskzoo.metrics.intervals import bootstrap_replicates
from taskzoo.testing import Bench, make_tiny_checkpoint
from taskzoo.testing.checks import CHECKS, run_checks
from taskzoo.testing.checks.promise import Check

FILE = Path(__file__).resolve().parents[2] / "docs" / "checks.md"
SIZE = 18
SHORT = {"method": "full", "max_steps": 4}


@dataclass(frozen=True)
class Verdict:
    """What the checks said of one mutant: names of the checks that failed, and of those that followed."""

    failed: tuple[str, ...]
    follows: tuple[str, ...]
    reasons: tuple[str, ...]


@cache
def shared_parts(folder: Path) -> dict[str, Any]:
    """Rows, whose targets are texts of several words, and checkpoint: the same for all mutants."""
    bench = Bench(WholeTask, folder, family="bert", size=SIZE)
    rows = {split: [_in_words(row) for row in rows] for split, rows in bench.raw.items()}
    texts = [row["text"] for split in rows.values() for row in split] + [" ".join([UNHEARD] * 20)]
    return {"raw": rows, "checkpoint": make_tiny_checkpoint(folder / "checkpoint", "bert", texts)}


def _in_words(row: Any) -> Any:
    return replace(row, fields={**row.fields, "label": f"it is about {row['label']}"})


def mutant_bench(mutant: type[WholeTask], folder: Path, shared: Path) -> Bench:
    """A bench for a mutant in ``folder``; what all have in common is in ``shared``."""
    bench = Bench(mutant, folder, family="bert", settings=SHORT, size=SIZE)
    bench.__dict__ |= deepcopy(shared_parts(shared))
    bench.__dict__["plugin_module"] = getattr(mutant, "plugin_module", "")
    return bench


def judge(mutant: type[WholeTask], folder: Path, shared: Path, chosen: Sequence[Check] = ()) -> Verdict:
    """Run ``chosen`` checks on a mutant."""
    results = list(run_checks(mutant_bench(mutant, folder, shared), chosen))
    failed, follows = ([r for r in results if r.status == status] for status in ("failed", "follows"))
    names = [tuple(r.check.name for r in found) for found in (failed, follows)]
    return Verdict(*names, tuple(r.reason for r in failed))


def verdicts() -> Iterator[tuple[str, Mutant, Verdict]]:
    """Check that must find it, mutant, and what was found, for all."""
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        few = partial(bootstrap_replicates, samples=20)
        with mock.patch.object(scoring, "bootstrap_replicates", few):
            for check, mutants in MUTANTS.items():
                for mutant in mutants:
                    yield check, mutant, judge(mutant, Path(folder) / mutant.__name__, Path(folder))


OPENING = """\
<!-- Written by docs/generate_checks.py from real results; do not edit. -->

# The checks of `zoo check`

`zoo check NAME` trains a tiny model on a few rows of the task's demo set and makes these checks ([how to use
them](plugins.md#checking-a-task)). Each has a reason, and says what to do if it fails. `zoo check --list` prints the
same.

## Each check
"""

TABLE = """\
## What finds what

Each check was tried on plugins with a single fault: subclasses of a task that passes every check. Checks build on one
another; where one fails after another that it builds on, `zoo check` says `follows` instead of `FAILED`, since the
same fault explains both. So exactly one check finds every fault below. The last column names the checks that followed;
those that need a finished run are `not run` where the run failed.
"""


def line(check: str, mutant: Mutant, verdict: Verdict) -> str:
    """The row of a mutant."""
    what = " ".join((mutant.__doc__ or "").split()).rstrip(".")
    return f"| {check} | {what} | {', '.join(verdict.failed) or 'nothing'} | {', '.join(verdict.follows)} |"


def opening() -> str:
    """The part of the page that needs no results."""
    described = []
    for check in CHECKS:
        after = f"\n\nBuilds on: {', '.join(check.after)}." if check.after else ""
        described.append(
            f"### {check.name}\n\n{check.holds}\n\n*Why:* {check.why}\n\n*What to do:* {check.fix}{after}\n"
        )
    return "\n".join([OPENING, *described, TABLE])


def page(found: Sequence[tuple[str, Mutant, Verdict]]) -> str:
    """All of docs/checks.md."""
    order = [check.name for check in CHECKS]
    rows = [line(*each) for each in sorted(found, key=lambda each: order.index(each[0]))]
    return "\n".join([opening(), "| check | broken plugin | caught by | follows |", "|---|---|---|---|", *rows, ""])
