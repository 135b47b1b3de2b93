"""Runs killed at any moment, gone on with, and compared with the undisturbed run, bit for bit."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from child import Ended, kill_at
from trials import SETUPS, Setup, Whole, differences, go_on, status, undisturbed

AT_FILE, AT_TIME = "at a file operation", "at a moment"
ATTEMPTS = 8


@dataclass(slots=True)
class Trial:
    """One run that was killed once or several times."""

    setup: Setup
    kills: list[str] = field(default_factory=list)
    """What it was killed at, and the status of its manifest then."""
    wrong: str = ""
    """What is not as in the undisturbed run; empty: nothing."""


def campaign(work: Path, kills: int, seed: int) -> Iterator[Trial]:
    """Trials over all setups in turn until ``kills`` processes were killed."""
    draw = random.Random(seed)
    wholes: dict[str, Whole] = {}
    done = number = 0
    while done < kills:
        setup = SETUPS[number % len(SETUPS)]
        if setup.name not in wholes:
            wholes[setup.name] = undisturbed(setup, work)
        run = work / "killed" / str(number)
        run.parent.mkdir(exist_ok=True)
        trial = _trial(setup, work, run, whole=wholes[setup.name], draw=draw)
        shutil.rmtree(run, ignore_errors=True)
        done, number = done + len(trial.kills), number + 1
        yield trial


def _trial(setup: Setup, work: Path, run: Path, *, whole: Whole, draw: random.Random) -> Trial:
    trial, again = Trial(setup), 1.0
    for _ in range(ATTEMPTS):
        if draw.random() < again:
            ended, place = _disturbed(setup, work, run, whole=whole, draw=draw)
            again = 0.3
            if ended.code == -9:
                trial.kills.append(f"{place}, {status(run) or 'not begun'}")
                continue
        else:
            ended = go_on(setup, work, run)
        if ended.code == 2 and "nothing to resume" in ended.said and status(run) == "finished":
            break
        if ended.code:
            trial.wrong = f"exit code {ended.code}: {ended.said.strip().splitlines()[-1] if ended.said else ''}"
            return trial
        break
    if status(run) != "finished":
        trial.wrong = f"it does not end: {status(run)}"
    elif different := differences(run, whole.content):
        trial.wrong = f"not equal: {', '.join(different)}"
    return trial


def _disturbed(setup: Setup, work: Path, run: Path, *, whole: Whole, draw: random.Random) -> tuple[Ended, str]:
    """The command with a kill planted, which it may outrun."""
    if draw.random() < 0.6:
        number = draw.randint(1, whole.operations)
        return go_on(setup, work, run, event=kill_at(number)), f"{AT_FILE} ({number})"
    seconds = draw.uniform(0.1, whole.seconds)
    return go_on(setup, work, run, kill_after=seconds), f"{AT_TIME} ({seconds:.1f} s)"
