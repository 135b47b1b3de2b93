"""A comparison of runs as a page: verdicts, scores with their differences, and the rows that changed sides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from taskzoo.comparison.result import FIRST, SECOND, ChangedRow, Comparison, Difference, Pair
from taskzoo.comparison.wording import answer_text, difference_text, p_text
from taskzoo.durable import write_text
from taskzoo.runs.directory import check_output
from taskzoo.score_text import score_text

from .forest import Forest
from .markup import cut, render
from .word_diff import nearest, word_diff

ROWS = 30
"""Rows of each kind that are shown."""
TEXT = 600
"""Characters of a text that are shown."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def write_comparison(found: Comparison, output: str | Path) -> Path:
    """Write the page to ``output``; where it is.

    Raises:
        RequestError: it cannot be written there.
    """
    path = Path(output)
    check_output(path)
    write_text(path, comparison_page(found))
    return path


def comparison_page(found: Comparison) -> str:
    """The page as HTML."""
    letters = [LETTERS[i] if i < len(LETTERS) else f"run {i + 1}" for i in range(len(found.runs))]
    names = dict(zip(found.runs, letters, strict=True))
    return render(
        "comparison.html",
        title=" / ".join(Path(run).name for run in found.runs[:3]) + (" / …" if len(found.runs) > 3 else ""),
        found=found,
        runs=list(zip(letters, found.runs, strict=True)),
        scores=_scores(found),
        pairs=[_ShownPair(f"pair-{number}", pair, names) for number, pair in enumerate(found.pairs, start=1)],
        overview=_overview(found, names),
    )


def _scores(found: Comparison) -> list[tuple[str, list[str]]]:
    """A line for each score, with the value of each run."""
    firsts = found.pairs[: len(found.runs) - 1]  # the first run with each of the others
    return [
        (one.metric, [score_text(one.first), *(score_text(pair.differences[place].second) for pair in firsts)])
        for place, one in enumerate(firsts[0].differences)
    ]


def _overview(found: Comparison, names: dict[str, str]) -> Forest | None:
    """The differences of all pairs by the score that judges, where there are several pairs."""
    if len(found.pairs) < 2:
        return None
    rows = [(f"{names[pair.first]} − {names[pair.second]}", *_ends(pair.primary)) for pair in found.pairs]
    summary = "; ".join(f"{label}: {value:+.3g} from {low:+.3g} to {high:+.3g}" for label, value, low, high in rows)
    return Forest("overview", summary, "the second is higher", "the first is higher", _finite(rows))


def _ends(one: Difference) -> tuple[float, float, float]:
    low, high = one.ci95 or (one.value, one.value)
    return one.value, low, high


def _finite(rows: Sequence[tuple[str, float, float, float]]) -> list[tuple[str, float, float, float]]:
    return [row for row in rows if all(map(math.isfinite, row[1:]))]


@dataclass(frozen=True, slots=True)
class _ShownPair:
    """Two runs as the page shows them."""

    anchor: str
    pair: Pair
    names: dict[str, str]

    @property
    def title(self) -> str:
        return f"{self.names[self.pair.first]} and {self.names[self.pair.second]}"

    @property
    def forest(self) -> Forest | None:
        """The scores that are shares, on one axis."""
        shares = [one for one in self.pair.differences if max(abs(one.first), abs(one.second)) <= 1 and one.ci95]
        rows = _finite([(one.metric, *_ends(one)) for one in shares])
        if not rows:
            return None
        summary = "; ".join(f"{one.metric} {difference_text(one)}" for one in shares)
        second, first = (f"{self.names[run]} is higher" for run in (self.pair.second, self.pair.first))
        return Forest(f"{self.anchor}-scores", summary, second, first, rows)

    @property
    def lines(self) -> list[tuple[str, ...]]:
        """A line for each score."""
        return [
            (one.metric, score_text(one.first), score_text(one.second), difference_text(one), p_text(one.p))
            for one in self.pair.differences
        ]

    @property
    def p_mcnemar(self) -> str:
        return p_text(self.pair.sides.p) if self.pair.sides else ""

    @property
    def groups(self) -> list[tuple[str, str, int, list[_ShownRow]]]:
        """Anchor, title, number and the first rows of those with other answers, by whose answer is better."""
        titles = {
            FIRST: f"Better from {self.names[self.pair.first]}",
            SECOND: f"Better from {self.names[self.pair.second]}",
            "neither": "Other answers, neither better",
        }
        found = []
        for change, title in titles.items():
            rows = [row for row in self.pair.changed if row.change == change]
            if rows:
                shown = [_ShownRow(row) for row in rows[:ROWS]]
                found.append((f"{self.anchor}-{change}", title, len(rows), shown))
        return found


@dataclass(frozen=True, slots=True)
class _ShownRow:
    """A row with two answers."""

    row: ChangedRow

    @property
    def inputs(self) -> list[tuple[str, Markup]]:
        given = self.row.input
        return [
            (role, cut(value if isinstance(value, str) else " ".join(map(str, value)), TEXT))
            for role, value in given.items()
            if isinstance(value, str | list)
        ]

    @property
    def reference(self) -> Markup:
        return cut(answer_text(self.row.reference, self.row.input, TEXT), TEXT)

    @property
    def outputs(self) -> list[Markup]:
        """The answers; texts with what they lack of the nearest reference and what it lacks of them."""
        targets = self.row.reference.get("targets")
        if isinstance(targets, list) and all("text" in output for output in self.row.outputs):
            return [word_diff(output["text"], nearest(output["text"], targets)) for output in self.row.outputs]
        return [cut(answer_text(output, self.row.input, TEXT), TEXT) for output in self.row.outputs]
