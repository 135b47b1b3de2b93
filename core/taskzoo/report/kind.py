"""What there is to show of predictions, by their form: a task says by its predictions what it predicts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, TypeGuard

from markupsafe import Markup

from .answers import Answer
from .finished import Finished
from .markup import cut, html, joined, name, percent
from .section import Group, Section, Shown
from .top import Top

WORST = 50
"""Errors that are shown first, the worst of all."""
LONGEST = 600
"""Characters of a text that are shown."""
MOST_SHOWN = 5
"""Probabilities that are shown of a row."""


class Kind(ABC):
    """Collects what a report says of rows. Rows pass by once, so only counts and numbers of rows are kept.

    Args:
        run: whose predictions they are.
    """

    worst_title: ClassVar[str] = "Most confident errors"
    """What the worst errors are."""
    hint: ClassVar[str] = ""
    """How to read them."""

    def __init__(self, run: Finished) -> None:
        self.run = run
        self.worst = Top(WORST)
        self.rows = self.errors = 0

    @staticmethod
    @abstractmethod
    def fits(answer: Answer) -> bool:
        """Whether predictions are of this kind, by the first of them."""

    @abstractmethod
    def add(self, answer: Answer) -> None:
        """Count a row."""

    def sections(self) -> list[Section]:
        """What there is to say of all rows."""
        return []

    def groups(self) -> list[Group]:
        """Rows to show besides the worst."""
        return []

    def title(self, answer: Answer) -> str:
        """Behind the number of a row that is shown: what is gold and what was predicted, where that is short."""
        return ""

    @abstractmethod
    def lines(self, answer: Answer) -> list[tuple[str, object]]:
        """Terms and values that show a row besides its texts and :meth:`title`."""

    def show(self, answer: Answer) -> Shown:
        """A row as it is shown: by default the texts that the model was given, then :meth:`lines`."""
        inputs: list[tuple[str, object]] = [
            (role.replace("_", " "), cut(value, LONGEST)) for role, value in answer.inputs.items()
        ]
        return Shown(answer, self.title(answer), [*inputs, *self.lines(answer)])

    def count(self, answer: Answer, *, wrong: bool, badness: float) -> None:
        """Count a row; of wrong ones, those with the greatest ``badness`` are shown."""
        self.rows += 1
        if wrong:
            self.errors += 1
            self.worst.add(badness, answer.row)


def probabilities(scores: object, gold: tuple[str, ...]) -> Markup:
    """The likeliest labels with their probabilities as bars; gold ones are marked."""
    if not isinstance(scores, Mapping):
        return Markup()
    known = [(label, value) for label, value in scores.items() if is_number(value)]
    lines = [
        html(
            '<li{}><span class="track"><span class="fill" style="--s:{}"></span></span> {} <b>{}</b>{}</li>',
            Markup(' class="gold"') if label in gold else "",
            f"{min(1.0, max(0.0, value)):.3f}",
            percent(value),
            name(label),
            " (gold)" if label in gold else "",
        )
        for label, value in sorted(known, key=lambda item: -item[1])[:MOST_SHOWN]
    ]
    return html('<ul class="probabilities">{}</ul>', joined(lines)) if lines else Markup()


def is_number(value: Any) -> TypeGuard[float]:
    """Whether a value is a number, and finite."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")
