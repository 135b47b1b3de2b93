"""Scores of parts of the test rows: by the length of the input, and by columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from taskzoo.metrics.intervals import bootstrap_intervals
from taskzoo.metrics.parts import groups_of, ranges
from taskzoo.metrics.words import split_tokens
from taskzoo.runs.given_columns import GivenColumns
from taskzoo.score_text import score_text
from taskzoo.types import Metric

from .answers import Answer
from .charts import mark
from .finished import Finished
from .markup import html, name
from .section import Section

MOST_ROWS, MOST_NUMBERS = 100_000, 2_000_000
"""Rows and statistics of them that are looked at; more take minutes."""
CHUNK = 500
FEW = 30
"""Scores of fewer rows are marked."""
SCORES = 2


@dataclass(frozen=True, slots=True)
class Line:
    """A part of the rows.

    Args:
        label: which.
        rows: how many.
        scores: value, low and high of each score; NaN where it is undefined.
    """

    label: str
    rows: int
    scores: list[tuple[float, float, float]]

    @property
    def shown(self) -> list[str]:
        """Each score with its interval."""
        return [_scored(*score) for score in self.scores]

    @property
    def few(self) -> bool:
        """Whether there are too few rows to say much."""
        return self.rows < FEW


@dataclass(frozen=True, slots=True)
class Table:
    """All parts by one criterion; ``low`` and ``high`` are the ends of the first score's intervals."""

    title: str
    criterion: str
    names: list[str]
    lines: list[Line]
    note: str = ""

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the greatest place that is drawn."""
        known = [place for line in self.lines for place in line.scores[0] if place == place]
        low, high = min(known, default=0.0), max(known, default=1.0)
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    @property
    def shown_ends(self) -> tuple[str, str]:
        """The same as text."""
        low, high = self.ends
        return f"{low:.3g}", f"{high:.3g}"

    def dots(self, line: Line) -> Markup:
        """The first score of a line as a dot, with its interval."""
        value, *interval = line.scores[0]
        if value != value:
            return Markup()
        low, high = self.ends
        known = [end for end in interval if end == end] or [value]  # a single row has no interval
        x, left, right = (f"{2 + 140 * (place - low) / (high - low):.1f}" for place in (value, known[0], known[-1]))
        drawn = html('<path class="whisker" d="M{} 8H{}"/>{}', left, right, mark(0, x, 8))
        return html('<svg class="dots s0" viewBox="0 0 144 16" aria-hidden="true">{}</svg>', drawn)


class Slices:
    """Collects statistics of rows with their length and the values of columns.

    Args:
        run: whose rows they are.
        given: columns to split by.
    """

    def __init__(self, run: Finished, given: GivenColumns | None) -> None:
        self._run, self._given = run, given
        self._metric = _judging_metric(run)
        self._waiting: list[Answer] = []
        self._statistics: list[np.ndarray] = []
        self._lengths: list[int] = []
        self._values: list[Sequence[str] | None] = []
        self._full = self._metric is None
        self.total = 0

    def add(self, answer: Answer) -> None:
        """Take a row into account, unless there were too many."""
        self.total += 1
        if self._full:
            return
        self._waiting.append(answer)
        self._lengths.append(len(split_tokens(" ".join(answer.inputs.values()))))
        self._values.append(self._given.of(answer.inputs, answer.reference) if self._given else None)
        if len(self._waiting) == CHUNK:
            self._reduce()

    def section(self) -> Section | None:
        """The tables; ``None`` where the scores cannot be had from ``predictions.jsonl``."""
        if self._waiting:
            self._reduce()
        if self._metric is None or not self._statistics:
            return None
        statistics = np.concatenate(self._statistics)
        names = self._known_names(self._metric, statistics)
        if not names:
            return None
        tables = [self._by_length(statistics, names), *self._by_columns(statistics, names)]
        content = {"tables": tables, "rows": len(statistics), "total": self.total, "few": FEW, "run": self._run}
        return Section("slices", "Slices", "slices.html", content)

    def _reduce(self) -> None:
        """Statistics in place of rows. A metric that is not of rows, or needs what is not in the file, gives none."""
        assert self._metric is not None
        predictions = [dict(answer.prediction) for answer in self._waiting]
        references = [dict(answer.reference) for answer in self._waiting]
        rows, self._waiting = len(self._waiting), []
        try:
            found = self._metric.statistics(predictions, references)
        except Exception:  # whatever a stranger's metric may raise for predictions without what begins with _
            found = []
        if not isinstance(found, np.ndarray) or found.ndim != 2 or len(found) != rows:
            self._metric, self._full = None, True
            return
        self._statistics.append(found)
        done = sum(map(len, self._statistics))
        self._full = done >= MOST_ROWS or done * found.shape[1] >= MOST_NUMBERS

    def _known_names(self, metric: Metric, statistics: np.ndarray) -> list[str]:
        """The scores that come out as in ``metrics.json``; those that need more than the file has do not."""
        scorer, scores = metric.scorer(statistics), self._run.scores
        found = metric.of_all(statistics)
        order = [self._run.judging, *(score.name for score in metric.scores), *found]
        names = [name for name in dict.fromkeys(order) if name in found and isinstance(scores.get(name), float)]
        if len(statistics) == self.total:
            return [name for name in names if abs(found[name] - scores[name]) <= 1e-3 * max(1.0, abs(scores[name]))][
                :SCORES
            ]
        ends = bootstrap_intervals(len(statistics), scorer, described=metric.scores)
        return [name for name in names if ends[name][0] <= scores[name] <= ends[name][1]][:SCORES]

    def _by_length(self, statistics: np.ndarray, names: list[str]) -> Table:
        groups = ranges(self._lengths)
        lines = [self._line(label, statistics[chosen], names) for label, chosen in groups.items()]
        return Table("By length of the input", "words", names, lines, "Characters count where a script has no spaces.")

    def _by_columns(self, statistics: np.ndarray, names: list[str]) -> list[Table]:
        tables = []
        for place, column in enumerate(self._given.columns if self._given else ()):
            values = [None if row is None else row[place] for row in self._values]
            groups = groups_of(values)
            lines = [self._line(label, statistics[chosen], names) for label, chosen in groups.items()]
            note = " ".join(self._given.notes if self._given else ())
            tables.append(Table(f"By {name(column)}", name(column), names, lines, note))
        return tables

    def _line(self, label: str, statistics: np.ndarray, names: list[str]) -> Line:
        assert self._metric is not None
        scorer, units = self._metric.scorer(statistics), len(statistics)
        found = scorer(np.ones(units))  # undefined where there is nothing to count
        ends = bootstrap_intervals(units, scorer, described=self._metric.scores)
        return Line(label, units, [(found[name], *ends[name]) for name in names])


def _scored(value: float, low: float, high: float) -> str:
    """``0.432 [0.401, 0.463]``, or a dash where it is undefined."""
    return score_text(value, None if low != low else (low, high), undefined="–")


def _judging_metric(run: Finished) -> Metric | None:
    metrics = run.task[0].metrics() if run.task else ()
    return next((one for one in metrics if any(score.describes(run.judging) for score in one.scores)), None)
