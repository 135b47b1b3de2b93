"""What every task must get right, as plain functions: each raises ``AssertionError`` with a reason a person can use."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from taskzoo.errors import TaskZooError

from ..bench import Bench, NoRun
from .common import NotApplicable
from .explanations import check_evidence
from .learning import check_accumulation, check_gradients, check_loss, check_packing, check_probe, check_run
from .predictions import check_batching, check_metrics, check_predictions
from .promise import Check, Follows
from .rows import check_encoding, check_fit, check_long_inputs, check_rows, check_token_ids
from .spec import check_import, check_members, check_options, check_spec
from .storage import check_plain_transformers, check_plain_use, check_save_and_load, check_state

CHECKS: tuple[Check, ...] = (
    *(check_spec, check_import, check_members),
    *(check_rows, check_fit, check_encoding, check_long_inputs, check_token_ids),
    *(check_loss, check_packing, check_probe, check_gradients),
    *(check_run, check_options, check_batching, check_accumulation),
    *(check_state, check_predictions, check_metrics, check_evidence),
    *(check_plain_transformers, check_save_and_load, check_plain_use),
)
"""All checks, in an order in which each comes after those it builds on."""


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one check.

    Args:
        check: which.
        status: ``ok``, ``failed``, ``follows`` if it failed and so did one that it builds on, ``skipped`` where the
            task does not need it, or ``not run`` after something failed.
        reason: why, unless it is ok.
        seconds: how long it took.
    """

    check: Check
    status: str
    reason: str
    seconds: float


def run_checks(bench: Bench, chosen: Sequence[Check] = ()) -> Iterator[Result]:
    """Run all checks, or those chosen, one after the other; one that breaks has failed with the error as its reason."""
    for check in chosen or CHECKS:
        began = time.perf_counter()
        status, reason = _outcome(check, bench)
        yield Result(check, status, " ".join(reason.split()), round(time.perf_counter() - began, 3))


def _outcome(check: Check, bench: Bench) -> tuple[str, str]:
    try:
        check(bench)
    except NotApplicable as reason:
        return "skipped", str(reason)
    except NoRun as reason:
        return "not run", str(reason)
    except Follows as error:
        return "follows", str(error)
    except AssertionError as error:
        return "failed", str(error) or "an assertion failed"
    except (Exception, SystemExit) as error:
        words = str(error) if isinstance(error, TaskZooError) else f"{type(error).__name__}: {error}"
        return "failed", f"{words}{_place(error, bench)}"
    return "ok", ""


def _place(error: BaseException, bench: Bench) -> str:
    """The innermost three lines of the task's own code that an error came through."""
    while error.__cause__ is not None:
        error = error.__cause__
    folder = bench.code_folder
    frames = [f for f in traceback.extract_tb(error.__traceback__) if folder and f.filename.startswith(folder)]
    lines = [f"{f.filename.removeprefix(folder)}:{f.lineno} in {f.name}(): {f.line}" for f in frames[-3:]]
    return f" [{'; '.join(lines)}]" if lines else ""
