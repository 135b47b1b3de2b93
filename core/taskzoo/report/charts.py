"""Charts as inline SVG: lines and points over two axes, and bars along the bottom.

Colours are classes of the page's style, and each series also has a dash and a mark of its own, so that none is told by
its colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from .markup import html, joined
from .ticks import labelled_ticks, limits

WIDTH, HEIGHT = 400, 250
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 26, 42
MOST_POINTS = 400
"""A longer series is thinned out."""
MOST_MARKS = 40
"""A line with more points has no marks."""
BARS = 0.22
"""The part of the height that the longest bar takes."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One side of a chart.

    Args:
        label: what it shows, with the unit.
        low: where it begins.
        high: where it ends, above ``low``.
        percent: whether shares are written as percentages.
    """

    label: str
    low: float = 0.0
    high: float = 1.0
    percent: bool = False

    @classmethod
    def around(cls, label: str, values: Sequence[float], *, zero: bool = False) -> Axis:
        """From a round number below the values to one above."""
        return cls(label, *limits(values, zero=zero))


@dataclass(frozen=True, slots=True)
class Series:
    """What belongs together in a chart.

    Args:
        name: for the legend.
        points: x and y of each, in order of x.
        line: whether they are joined.
        marks: whether each has a mark.
        whiskers: the interval of each y, as long as ``points``, or empty.
    """

    name: str
    points: Sequence[tuple[float, float]]
    line: bool = True
    marks: bool = False
    whiskers: Sequence[tuple[float, float]] = ()

    def sample(self, index: int) -> Markup:
        """Its mark, for the legend."""
        return mark(index, 14, 6)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, with a sentence for those who do not see it.

    Args:
        anchor: unique on the page.
        title: what it shows.
        summary: what is to be seen.
        x: the horizontal axis.
        y: the vertical axis.
        series: at most four.
        bars: from, to and height of each, in units of x; the highest fills the lower part.
        diagonal: whether both axes are the same and equal values are marked.
        at: a place on x that is marked, with its name.
        header: of a table with the same numbers.
        rows: of that table.
        note: what it leaves out.
    """

    anchor: str
    title: str
    summary: str
    x: Axis
    y: Axis
    series: Sequence[Series]
    bars: Sequence[tuple[float, float, float]] = ()
    diagonal: bool = False
    at: tuple[float, str] | None = None
    header: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    note: str = ""

    @property
    def svg(self) -> Markup:
        """The drawing."""
        return html(
            '<svg viewBox="0 0 {} {}" role="img" aria-labelledby="{}-title {}-desc">'
            '<title id="{}-title">{}</title><desc id="{}-desc">{}</desc>{}</svg>',
            *(WIDTH, HEIGHT, self.anchor, self.anchor, self.anchor, self.title, self.anchor, self.summary),
            joined([self._axes(), self._bars(), *map(self._series, range(len(self.series))), self._place()]),
        )

    def _x(self, value: float) -> float:
        return _between(value, self.x, LEFT, WIDTH - RIGHT)

    def _y(self, value: float) -> float:
        return _between(value, self.y, HEIGHT - BOTTOM, TOP)

    def _axes(self) -> Markup:
        bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
        parts = [
            html('<text class="axis" x="{}" y="{}">{}</text>', 4, 14, self.y.label),
            html('<text class="axis middle" x="{}" y="{}">{}</text>', (LEFT + right) / 2, HEIGHT - 6, self.x.label),
        ]
        for value, label in labelled_ticks(self.y.low, self.y.high, percent=self.y.percent):
            y = _short(self._y(value))
            parts.append(html('<path class="grid" d="M{} {}H{}"/>', LEFT, y, right))
            parts.append(html('<text class="tick end" x="{}" y="{}">{}</text>', LEFT - 6, float(y) + 4, label))
        for value, label in labelled_ticks(self.x.low, self.x.high, percent=self.x.percent):
            x = _short(self._x(value))
            parts.append(html('<path class="stroke" d="M{} {}v4"/>', x, bottom))
            parts.append(html('<text class="tick middle" x="{}" y="{}">{}</text>', x, bottom + 17, label))
        parts.append(html('<path class="stroke" d="M{} {}H{}"/>', LEFT, bottom, right))
        if self.diagonal:
            low, high = max(self.x.low, self.y.low), min(self.x.high, self.y.high)
            ends = [_short(place) for value in (low, high) for place in (self._x(value), self._y(value))]
            parts.append(html('<path class="diagonal" d="M{} {}L{} {}"/>', *ends))
        return joined(parts)

    def _bars(self) -> Markup:
        highest = max((height for _, _, height in self.bars), default=0) or 1
        bottom, room, parts = HEIGHT - BOTTOM, (HEIGHT - BOTTOM - TOP) * BARS, []
        for low, high, height in self.bars:
            left, width, tall = self._x(low) + 0.5, self._x(high) - self._x(low) - 1, room * height / highest
            place = map(_short, (left, bottom - tall, max(0.5, width), tall))
            parts.append(html('<rect class="bar" x="{}" y="{}" width="{}" height="{}"/>', *place))
        return joined(parts)

    def _series(self, index: int) -> Markup:
        series = self.series[index]
        points = [(_short(self._x(x)), _short(self._y(y))) for x, y in thinned(series.points)]
        parts = []
        for (x, _), ends in zip(points, series.whiskers, strict=False):
            low, high = (_short(self._y(end)) for end in ends)
            parts.append(html('<path class="whisker" d="M{} {}V{}"/>', x, low, high))
        if series.line and len(points) > 1:
            path = "M" + "L".join(f"{x} {y}" for x, y in points)
            parts.append(html('<path class="line" d="{}"/>', path))
        if (series.marks and not (series.line and len(points) > MOST_MARKS)) or len(points) == 1:
            parts += [mark(index, x, y) for x, y in points]
        return html('<g class="s{}">{}</g>', index, joined(parts))

    def _place(self) -> Markup:
        if self.at is None or not self.x.low <= self.at[0] <= self.x.high:
            return Markup()
        x = self._x(self.at[0])
        right = x < (LEFT + WIDTH) / 2
        near = min(self.series[0].points, key=lambda point: abs(self._x(point[0]) - x), default=(0.0, 0.0))
        free = TOP + 10 if self._y(near[1]) > (TOP + HEIGHT - BOTTOM) / 2 else HEIGHT - BOTTOM - 6
        line = html('<path class="at" d="M{} {}V{}"/>', _short(x), TOP, HEIGHT - BOTTOM)
        side, place = ("", x + 5) if right else (" end", x - 5)
        return line + html('<text class="tick{}" x="{}" y="{}">{}</text>', side, _short(place), free, self.at[1])


def mark(index: int, x: object, y: object) -> Markup:
    """The mark of a series: a circle, a square, a triangle or a cross."""
    shapes = ("M-3.2 0a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0-6.4 0", "M-3-3h6v6h-6z", "M0-4L4 3H-4z", "M-3-3L3 3M-3 3L3-3")
    return html('<path class="mark" transform="translate({} {})" d="{}"/>', x, y, shapes[index % len(shapes)])


def thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most :data:`MOST_POINTS` of the points, evenly, the last one included."""
    if len(points) <= MOST_POINTS:
        return list(points)
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(i * step)] for i in range(MOST_POINTS)]


def _between(value: float, axis: Axis, start: float, end: float) -> float:
    share = (min(max(value, axis.low), axis.high) - axis.low) / ((axis.high - axis.low) or 1.0)
    return start + share * (end - start)


def _short(value: float) -> str:
    return f"{value:.1f}"
