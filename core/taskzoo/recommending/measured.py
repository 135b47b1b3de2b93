"""Measured results that forecasts rest on: what a probe said of some rows, and what a method then reached.

``measured.csv`` has a line for each data set, number of rows, method and seed; ``benchmarks/recommend.py`` writes it
from ``docs/results.csv``.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("measured.csv")
FEWEST = 6
"""Data sets without which nothing is forecast: the spread between fewer is hardly known."""
FACTOR = 3.0
"""How far the number of training rows may be from that of a measured result."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One training.

    Args:
        data_set: where the rows are from.
        task: bare name of the task.
        metric: of both scores.
        rows: training rows.
        model: name in the catalogue.
        method: training method.
        seed: of rows and training.
        unit: what the probe is of: ``text`` or ``token``.
        probe: the score of a linear probe by cross-validation over the training rows; ``probe_error``: its standard
            error.
        score: on the test rows, after training with ``method``; ``score_error``: its standard error.
    """

    data_set: str
    task: str
    metric: str
    rows: int
    model: str
    method: str
    seed: int
    unit: str
    probe: float
    probe_error: float
    score: float
    score_error: float

    @property
    def gain(self) -> float:
        """What the method reached beyond the probe; the rows of both are others, so their errors are independent."""
        return self.score - self.probe

    @property
    def variance(self) -> float:
        """Of the sampling error of :attr:`gain`."""
        return self.probe_error**2 + self.score_error**2


def read_measured(path: Path) -> list[Measured]:
    """The lines of a file."""
    kinds = {"int": int, "float": float, "str": str}
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Measured(**{field.name: kinds[str(field.type)](line[field.name]) for field in fields(Measured)})
            for line in csv.DictReader(file)
        ]


@cache
def shipped() -> tuple[Measured, ...]:
    """The results that come with the package."""
    return tuple(read_measured(FILE)) if FILE.is_file() else ()


def comparable(known: Iterable[Measured], method: str, unit: str, rows: int) -> list[Measured]:
    """Of each data set one result of the method: that with the nearest number of training rows, none beyond a factor.

    One and not the mean of several: the training to come is a single one, too.
    """
    nearest: dict[str, Measured] = {}
    for one in known:
        distance = _distance(one, rows)
        if one.method != method or one.unit != unit or distance > math.log(FACTOR):
            continue
        best = nearest.get(one.data_set)
        if best is None or (distance, one.seed) < (_distance(best, rows), best.seed):
            nearest[one.data_set] = one
    return list(nearest.values())


def _distance(one: Measured, rows: int) -> float:
    return abs(math.log(one.rows / rows))
