"""What labels of sentiment may be - classes, stars, numbers - and which of them the training rows have."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import NoReturn

from taskzoo import DataError, RequestError, Row
from taskzoo.data.odd_names import is_missing
from taskzoo.heads.label_text import few

from .polarity import polarity
from .ratings import STARS, Rating, rating

NAMED = ("binary", "three-way", "classes")
"""Kinds whose labels may have any name."""
_SIZES = {"binary": 2, "three-way": 3}
_FEWEST_STARS = 4
_MOST_WHOLE = 5

_COMMA = re.compile(r"[+-]?\d*,\d+")


def number(name: str) -> float | None:
    """The finite number that ``name`` is, if it is one, in whatever unit."""
    found = rating(name)
    return None if found is None else found.value


def star(name: str) -> int | None:
    """1 to 5 for a number of stars, also one written ``4.0``, ``4/5``, ``★★★★☆`` or ``四星``."""
    found = rating(name)
    if found is None or found.unit not in ("", STARS) or found.value not in range(1, 6):
        return None
    return int(found.value)


def label_key(name: str) -> Hashable:
    """What the spellings of one label share: its number with the unit that it has."""
    found = rating(name)
    return name if found is None else (found.value, "" if found.unit == STARS else found.unit)


def require_number(row: Row, name: str, unit: str | None = None) -> float:
    """The finite number that the label ``name`` of ``row`` is.

    Raises:
        DataError: it is not one, or in another unit than ``unit``, that of the training rows.
    """
    found = rating(name)
    if found is None:
        if _COMMA.fullmatch(name):
            raise _error(row, f"the label {name!r} has a comma as decimal mark; write {name.replace(',', '.')}.")
        raise _error(row, f"the label {name!r} is not a finite number, as an intensity must be; correct it.")
    if unit is not None and not found.suits(Rating(0.0, unit)):
        raise _error(
            row,
            f"the label {name!r} is a {_spoken(found.unit)}, and the training rows have {_spoken(unit)}s; write "
            "all labels alike.",
        )
    return found.value


def common_unit(rows: Sequence[Row], names: Sequence[str]) -> str:
    """The unit of the labels: ``%``, ``stars``, ``of 10`` and the like, or empty.

    Raises:
        DataError: there are two, such as ``4/5`` and ``8/10``.
    """
    units: dict[str, int] = {}
    for name, index in _first(names).items():
        found = rating(name)
        if found is None:
            continue
        for other, earlier in units.items():
            if not found.suits(Rating(0.0, other)):
                raise _error(
                    rows[index],
                    f"the label {name!r} is a {_spoken(found.unit)}, and {names[earlier]!r} on line "
                    f"{rows[earlier].line} is a {_spoken(other)}; write all labels alike.",
                )
        units.setdefault(found.unit, index)
    return max(units, default="")


def require_star(row: Row, name: str, *, further: bool = False) -> int:
    """The number of stars that the label ``name`` of ``row`` is; ``further``: of a run that is continued.

    Raises:
        DataError: it is not one.
    """
    value = star(name)
    if value is None:
        remedy = "train on all rows from the base model" if further else "set kind=intensity, which takes any number"
        raise _error(row, f"the label {name!r} is not a whole number of stars from 1 to 5; correct it, or {remedy}.")
    return value


def find_kind(rows: Sequence[Row], names: Sequence[str], asked: str) -> str:
    """``binary``, ``three-way``, ``classes``, ``stars`` or ``intensity`` for training rows; or what was asked, checked.

    Two labels are binary and three are three-way, whatever they are. Four or five whole numbers from 1 to 5 are stars.
    Other numbers are intensities if one has a fraction or if there are more than five of them. Anything else is
    classes.

    Args:
        rows: training rows, for messages.
        names: their labels.
        asked: a kind, or ``auto``.

    Raises:
        DataError: labels that the kind asked for does not have; numbers among words; two spellings of one label.
        RequestError: another number of labels than the kind asked for has.
    """
    if asked in ("auto", "stars", "intensity"):
        common_unit(rows, names)
    kind = _guess(rows, names) if asked == "auto" else asked
    if kind != "intensity":
        _check_spelling(rows, names)
    _check_size(kind, names, "the training rows have")
    return kind


def further_kind(rows: Sequence[Row], names: Sequence[str], kind: str, *, asked: str, known: Sequence[str]) -> str:
    """The kind of classes and stars after further training rows; what was asked, checked.

    Args:
        rows: with which a run is continued, for messages.
        names: their labels.
        kind: that of the run.
        asked: a kind that suits it, or ``auto``.
        known: the labels of the run.

    Raises:
        DataError: numbers among words; two spellings of one label.
        RequestError: another number of labels than the kind asked for has.
    """
    if asked == "auto":
        _refuse_other_sort(rows, names, known)
    _check_spelling(rows, names, known)
    if kind == "stars" and asked in ("auto", "stars"):
        return kind
    together = {*known, *names}
    if asked == "auto":
        return _kind_of_size(len(together))
    _check_size(asked, together, "with those of the earlier run there are")
    return asked


def in_order(names: Iterable[str]) -> list[str]:
    """Numbers by value, stars by their number, words from negative to positive, those that are neither in between."""
    names = sorted(names)
    for value in (number, star):
        if all(value(name) is not None for name in names):
            return sorted(names, key=lambda name: value(name) or 0)
    return sorted(names, key=lambda name: polarity(name) or 0.0)


def _guess(rows: Sequence[Row], names: Sequence[str]) -> str:
    first = _first(names)
    stars = {star(name) for name in first}
    if None not in stars and len(stars) >= _FEWEST_STARS:
        return "stars"
    if all(number(name) is not None or _COMMA.fullmatch(name) for name in first):
        values = {require_number(rows[index], name) for name, index in first.items()}
        fractions = any(not value.is_integer() for value in values)
        percent = any((found := rating(name)) and found.unit == "%" for name in first)
        if len(values) > (_SIZES["three-way"] if fractions or percent else _MOST_WHOLE):
            return "intensity"
    elif any(number(name) is not None for name in first):
        _refuse_mixture(rows, names)
    return _kind_of_size(len(first))


def _kind_of_size(labels: int) -> str:
    return next((kind for kind, size in _SIZES.items() if size == labels), "classes")


def _check_size(kind: str, names: Iterable[str], there_are: str) -> None:
    distinct = in_order(set(names))
    if len(distinct) != _SIZES.get(kind, len(distinct)):
        raise RequestError(
            f"kind={kind} has {_SIZES[kind]} labels, but {there_are} {len(distinct)}: {few(distinct)}; correct them, "
            "or leave kind at auto."
        )


def _refuse_other_sort(rows: Sequence[Row], names: Sequence[str], known: Sequence[str]) -> None:
    """Numbers where the earlier run has words, or words where it has numbers."""
    sorts = {number(name) is None for name in known}
    for name, index in _first(names).items():
        if name not in known and {number(name) is None} != sorts and len(sorts) == 1:
            raise _error(
                rows[index],
                f"the label {name!r} is {'not a' if number(name) is None else 'a'} number, unlike {known[0]!r} of the "
                "earlier run; correct it, or set kind=classes if both are class names.",
            )


def _refuse_mixture(rows: Sequence[Row], names: Sequence[str]) -> NoReturn:
    """Numbers among words or words among numbers: whichever are fewer are the mistake."""
    numbers = [i for i, name in enumerate(names) if number(name) is not None]
    words = [i for i, name in enumerate(names) if number(name) is None]
    (odd, *_), (other, *_) = (words, numbers) if len(words) <= len(numbers) else (numbers, words)
    raise _error(
        rows[odd],
        f"the label {names[odd]!r} is {'not a' if odd == words[0] else 'a'} number, unlike {names[other]!r} on line "
        f"{rows[other].line}; correct it, or set kind=classes if both are class names.",
    )


def _check_spelling(rows: Sequence[Row], names: Sequence[str], known: Sequence[str] = ()) -> None:
    """Refuse labels that differ only in case, or are the same number, such as ``4`` and ``4.0``.

    Those ``known`` are of an earlier run, which may have such.
    """
    spelled = {_spelling_key(name): (name, "in the earlier run") for name in known}
    for name, index in _first(names).items():
        if name in known:
            continue
        other, where = spelled.setdefault(_spelling_key(name), (name, f"on line {rows[index].line}"))
        if other != name and is_missing(name):
            message = f"the labels {name!r} here and {other!r} {where} are missing values; remove these rows"
            raise _error(rows[index], f"{message}, or give them labels.")
        if other != name:
            raise _error(rows[index], f"the label {name!r} is written {other!r} {where}; write both alike.")


def _spelling_key(name: str) -> Hashable:
    return name.casefold() if rating(name) is None else label_key(name)


def _spoken(unit: str) -> str:
    return {"": "plain number", "%": "percentage", STARS: "number of stars"}.get(unit, f"number {unit}")


def _first(names: Sequence[str]) -> dict[str, int]:
    """Every name, in the order they appear, and where it does first."""
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        first.setdefault(name, index)
    return first


def _error(row: Row, message: str) -> DataError:
    return DataError(message, file=row.source, line=row.line)
