"""What a search for settings found."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from taskzoo.types import Score

from .reruns import BEST, DEFAULT, Reruns
from .store import Record

FILE, RECIPE, TABLE, CARD = "tune.json", "recipe.yaml", "trials.csv", "README.md"


@dataclass(frozen=True)
class Tuned:
    """A finished search.

    Args:
        path: its directory.
        score: what settings were chosen by.
        rows: how many rows each split has.
        trials: all of them.
        best: the trial with the best score.
        default: that of the default settings; ``None``: it has no score.
        space: name -> what was searched, in words.
        reruns: ``best`` and ``default`` -> their runs with other seeds, or why there are none.
        sentences: what all of this says, the most important last.
    """

    path: Path
    score: Score
    rows: Mapping[str, int]
    trials: Sequence[Record]
    best: Record
    default: Record | None
    space: Mapping[str, str]
    reruns: Mapping[str, Reruns | str] = field(default_factory=dict)
    sentences: Sequence[str] = ()

    @property
    def gain(self) -> float | None:
        """By how much the best settings are better than the default ones, on average over the same new seeds."""
        best, default = self.reruns.get(BEST), self.reruns.get(DEFAULT)
        if not isinstance(best, Reruns) or not isinstance(default, Reruns):
            return None
        sign = 1 if self.score.higher_is_better else -1
        return sign * float(np.mean(best.validation) - np.mean(default.validation))

    @property
    def spread(self) -> float | None:
        """How much another seed alone changes the score: the standard deviation over seeds, of both settings."""
        made = [one for one in self.reruns.values() if isinstance(one, Reruns)]
        if not made or any(len(one.validation) < 2 for one in made):
            return None
        return float(np.sqrt(np.mean([np.var(one.validation, ddof=1) for one in made])))

    @property
    def noise(self) -> float | None:
        """What a gain must exceed: the spread and the standard error of the rows, added in squares.

        That is the one-standard-error rule (Breiman et al. 1984, "Classification and Regression Trees", 3.4.3), which
        takes the simplest choice within one standard error of the best; here seeds are a further source of error.
        """
        best = self.reruns.get(BEST)
        if not isinstance(best, Reruns) or self.spread is None:
            return None
        return math.hypot(self.spread, best.rows_error)

    @property
    def recommended(self) -> str:
        """``best`` or ``default``: the best settings only where new seeds leave a gain of more than ``noise``."""
        if self.best.is_default:
            return DEFAULT
        if isinstance(self.reruns.get(BEST), Reruns) and isinstance(self.reruns.get(DEFAULT), str):
            return BEST  # the default settings fail
        gain, noise = self.gain, self.noise
        return BEST if gain is not None and noise is not None and gain > noise else DEFAULT

    @property
    def recipe(self) -> Path:
        """The configuration of the recommended settings, as ``zoo run --config`` takes it."""
        return self.path / RECIPE

    @property
    def settings(self) -> dict[str, Any]:
        """The recommended settings that differ from the default ones."""
        return dict(self.best.settings) if self.recommended == BEST else {}

    def to_dict(self) -> dict[str, Any]:
        """The content of ``tune.json`` besides the request."""
        runs = {
            name: {
                "directory": one.directory.name,
                "seeds": list(one.seeds),
                "validation": list(one.validation),
                "test": list(one.test),
            }
            if isinstance(one, Reruns)
            else {"failed": one}
            for name, one in self.reruns.items()
        }
        return {
            "metric": self.score.name,
            "rows": dict(self.rows),
            "space": dict(self.space),
            "recommended": self.recommended,
            "settings": self.settings,
            "gain": self.gain,
            "spread": self.spread,
            "noise": self.noise,
            "best": _shown(self.best),
            "default": None if self.default is None else _shown(self.default),
            "reruns": runs,
            "sentences": list(self.sentences),
            "trials": [_shown(trial) for trial in self.trials],
        }


def _shown(record: Record) -> dict[str, Any]:
    return {
        "number": record.number,
        "state": record.state,
        "score": record.score,
        "seconds": record.seconds,
        "default": record.is_default,
        "reason": record.reason,
        "settings": dict(record.settings),
    }


def table_of(trials: Sequence[Record], names: Sequence[str], base: Mapping[str, Any], metric: str) -> str:
    """``trials.csv``: a line for each trial, with the value of everything that is searched; ``base``: the default."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["number", "state", f"validation_{metric}", "seconds", *names, "reason"])
    for trial in trials:
        values = {**base, **trial.settings} if trial.settings or trial.is_default else {}
        told = [values.get(name, "") for name in names]
        table.writerow([trial.number, trial.state, trial.score, trial.seconds, *told, trial.reason])
    return file.getvalue()
