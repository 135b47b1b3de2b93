"""HTML from values that somebody else wrote: everything is escaped, and control characters are made visible."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from taskzoo.escapes import visible

NAME = 60
"""Characters of a label that are shown."""


def text(value: object) -> Markup:
    """A value as HTML in which nothing is mark-up; what is HTML already stays as it is."""
    return value if isinstance(value, Markup) else escape(visible(str(value)))


def html(pattern: str, *values: object) -> Markup:
    """``pattern``, which is HTML, with the values in place of ``{}``, as :func:`text`."""
    return Markup(pattern.format(*map(text, values)))


def joined(parts: list[Markup], by: str = "") -> Markup:
    """HTML from parts."""
    return Markup(by).join(parts)


def name(label: object, limit: int = NAME) -> str:
    """A label as it is shown, cut where it is long."""
    shown = str(label)
    return shown if len(shown) <= limit else f"{shown[:limit]}…"


def cut(value: str, limit: int) -> Markup:
    """A text, of which ``limit`` characters are shown, and how many more there are."""
    more = len(value) - limit
    return text(value) if more <= 0 else html('{}<span class="more">… {} more characters</span>', value[:limit], more)


def number(value: float | None, digits: int = 3) -> str:
    """``0.432``, ``1,204``, or a dash for what is not there."""
    if value is None or value != value:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}f}"


def percent(share: float | None) -> str:
    """``43.2%``, or a dash for what is not there."""
    return "–" if share is None or share != share else f"{share:.1%}"


def render(template: str, **values: Any) -> Markup:
    """A template of this package, with values as :func:`text`.

    Undefined names are an error.
    """
    return Markup(_environment().get_template(template).render(**values))


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("taskzoo.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=text,
    )
    made.filters |= {"name": name, "number": number, "percent": percent}
    return made
