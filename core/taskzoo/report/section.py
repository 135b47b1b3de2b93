"""A part of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .answers import Answer
from .markup import text


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its content.

    Args:
        anchor: unique on the page.
        title: of the heading.
        template: the file in ``templates`` that shows the content.
        content: what the template calls ``content``.
    """

    anchor: str
    title: str
    template: str
    content: Any


@dataclass(frozen=True, slots=True)
class Group:
    """Rows to show together.

    Args:
        anchor: unique on the page.
        title: what they have in common.
        rows: their numbers, the most telling first.
        total: how many such rows there are.
    """

    anchor: str
    title: str
    rows: Sequence[int]
    total: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A row as it is shown.

    Args:
        answer: the row.
        title: behind its number, may be empty.
        lines: terms with their values, which are HTML or plain text.
    """

    answer: Answer
    title: str
    lines: Sequence[tuple[str, object]]

    @property
    def html_lines(self) -> list[tuple[str, object]]:
        """The lines that have anything to show."""
        return [(term, text(value)) for term, value in self.lines if value not in ("", None)]
