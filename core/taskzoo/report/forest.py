"""Differences with their intervals, one under the other, on both sides of zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from .markup import html, joined, name
from .ticks import labelled_ticks, limits

WIDTH, ROW, TOP, BOTTOM = 640, 26, 24, 34
LEFT, RIGHT = 200, 12
LABEL = 28
"""Characters of a label that are shown."""


@dataclass(frozen=True, slots=True)
class Forest:
    """A picture of differences, with a sentence for those who do not see it.

    Args:
        anchor: unique on the page.
        summary: what is to be seen.
        left: what it means that a difference is below zero.
        right: and above.
        rows: label, difference and the two ends of its interval, equal where there is none.
    """

    anchor: str
    summary: str
    left: str
    right: str
    rows: Sequence[tuple[str, float, float, float]]

    @property
    def svg(self) -> Markup:
        """The drawing."""
        low, high = limits([end for row in self.rows for end in row[1:]], zero=True)
        height = TOP + ROW * len(self.rows) + BOTTOM

        def x(value: float) -> str:
            return f"{LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low):.1f}"

        bottom, parts = height - BOTTOM, []
        for value, label in labelled_ticks(low, high, percent=False):
            parts.append(html('<path class="grid" d="M{} {}V{}"/>', x(value), TOP, bottom))
            parts.append(html('<text class="tick middle" x="{}" y="{}">{}</text>', x(value), bottom + 16, label))
        parts.append(html('<path class="stroke" d="M{} {}V{}"/>', x(0), TOP, bottom))
        parts.append(html('<text class="tick end" x="{}" y="14">← {}</text>', float(x(0)) - 6, name(self.left, LABEL)))
        parts.append(html('<text class="tick" x="{}" y="14">{} →</text>', float(x(0)) + 6, name(self.right, LABEL)))
        for number, (label, value, *ends) in enumerate(self.rows):
            y = TOP + ROW * (number + 0.5)
            parts.append(html('<text class="axis end" x="{}" y="{}">{}</text>', LEFT - 10, y + 4, name(label, LABEL)))
            parts.append(html('<path class="whisker" d="M{} {}H{}"/>', x(ends[0]), y, x(ends[1])))
            parts.append(html('<circle class="mark" cx="{}" cy="{}" r="4"/>', x(value), y))
        return html(
            '<svg viewBox="0 0 {} {}" role="img" aria-labelledby="{}-desc"><desc id="{}-desc">{}</desc>'
            '<g class="s0">{}</g></svg>',
            *(WIDTH, height, self.anchor, self.anchor, self.summary, joined(parts)),
        )
