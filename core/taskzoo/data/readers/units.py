"""Units of a translation memory or a file of translations, each a text in several languages, to rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from taskzoo.errors import DataError
from taskzoo.languages import as_language, closest, language_tag, refined, same_script
from taskzoo.option_names import setting_name
from taskzoo.types import Row

from ..column_names import quoted
from ..columns import Columns
from .markup import Markup


@dataclass(slots=True)
class Unit:
    """One unit.

    Args:
        line: where it starts.
        texts: language as the file names it, or the side where it does not (see :func:`stated`), and text.
        error: why it cannot be used, if it cannot.
    """

    line: int
    texts: list[tuple[str, str]] = field(default_factory=list)
    error: DataError | None = None


class UnitParser(Markup):
    """Collects the units of an XML file; one with a text that cannot be read cannot be used."""

    def __init__(self, source: str, codes: Collection[str]) -> None:
        super().__init__(source, codes)
        self.units: list[Unit] = []

    def leave_out(self, message: str) -> None:
        """The last unit cannot be used; refused where the parser is in none."""
        if not self.units or not self.in_text:
            self.refuse(message)
        self.units[-1].error = self.units[-1].error or self.error(message)


def unit_rows(units: Sequence[Unit], columns: Columns, source_language: str = "") -> list[Row]:
    """One row per unit, with its line; of several texts in one language, each gives a row.

    Of the varieties of a language, those closest to the one asked for are taken (see
    :func:`~taskzoo.languages.closest`); all of one script where none is asked for. Texts of another region than the one
    asked for are counted; so are units without a text in one of the languages, which are left out. Where a language is
    not given, the units must hold as many as are needed; the source is then ``source_language``, else the language of
    the first text.

    Raises:
        DataError: a unit cannot be used, none is in the languages asked for, or these do not say which texts to take.
    """
    if units and not (units := _usable(units, columns)):
        return []
    names = list(dict.fromkeys(name for unit in units for name, _ in unit.texts))
    shown = ", ".join(filter(as_language, names)) or "none"
    if len(names) < 2 and columns.request.labelled:
        raise columns.error(f"no unit is in two languages; the languages of this file are {shown}.")
    asked = _directions(names, columns, source_language)
    taken = {role: _serving(asked[role], names) for role in asked if role in columns.roles}
    for role, several in taken.items():
        if not same_script(several):
            option = columns.request.spec.columns[role].language
            choices = " or ".join(setting_name(f"{option}={name}") for name in several)
            raise columns.error(f"this file holds {quoted(several)}; say which is the {role}: {choices}.")
    needed = columns.required or taken.keys()
    languages = tuple(refined(tag, taken.get(role, ())) if as_language(tag) else "" for role, tag in asked.items())
    rows = []
    for unit in units:
        texts = {role: _texts(unit, asked[role], several) for role, several in taken.items()}
        present = {role: found for role, found in texts.items() if found}
        complete = needed <= {role for role, found in present.items() if any(text.strip() for _, text in found)}
        if complete or (columns.request.incomplete and needed <= present.keys()):
            for values in product(*present.values()):
                fields = {role: text for role, (_, text) in zip(present, values, strict=True)}
                rows.append(columns.row(fields, unit.line, languages))
                for role, (name, _) in zip(present, values, strict=True):
                    columns.count_variety(asked[role], name)
        else:
            columns.request.notes["units without a text in one of the languages left out"] += 1
    if not rows:
        wanted = " and ".join(filter(as_language, asked.values())) or "two languages"
        raise columns.error(f"no unit is in {wanted}; the languages of this file are {shown}.")
    return rows


def _usable(units: Sequence[Unit], columns: Columns) -> list[Unit]:
    for unit in units:
        if unit.error:
            columns.leave_out(unit.error)
    return [unit for unit in units if not unit.error]


def _serving(asked: str, names: Sequence[str]) -> list[str]:
    """The names of the varieties to take in this file."""
    spoken = [name for name in names if asked and as_language(name) == asked]
    if spoken and same_script(spoken):
        return spoken
    return closest(asked, names) if as_language(asked) else [asked]


def _texts(unit: Unit, asked: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """Language and text of a unit in the varieties to take; those that are just what is asked for go first."""
    found = [name for name, _ in unit.texts if name in names]
    nearest = closest(asked, found) if as_language(asked) else found
    texts = [(name, text) for name, text in unit.texts if name in nearest]
    return [(name, text) for name, text in texts if text.strip()] or texts


def stated(source: str, target: str, given: Mapping[str, str]) -> tuple[str, str]:
    """The languages of a file of sources and targets; one that it does not state is the other of those asked for.

    Where that is not known either, the words ``source`` and ``target`` stand for them.
    """
    if len(given) != 2:
        return source or "source", target or "target"
    first, second = given.values()
    turned = (source and _is_in(source, second)) or (target and _is_in(target, first))
    one, other = (second, first) if turned else (first, second)
    one, other = ("" if _is_in(target, one) else one), ("" if _is_in(source, other) else other)
    return source or one or "source", target or other or "target"


def _directions(names: Sequence[str], columns: Columns, source_language: str) -> dict[str, str]:
    """Role -> the language to take for it, or the side."""
    asked = dict(columns.languages.given)
    unknown = [role for role, tag in asked.items() if not tag]
    covered = {name for tag in asked.values() if tag for name in names if _code(name) == _code(tag)}
    rest: dict[str, list[str]] = {}
    for name in names:
        if name not in covered:
            rest.setdefault(_code(name), []).append(name)
    if unknown and len(rest) != len(unknown) and columns.request.labelled:
        shown = [several[0] for several in rest.values()]
        what = f"{len(rest)} languages besides" if covered else f"{len(rest)} languages"
        which = f"it is not said which is the {' and which the '.join(unknown)}"
        raise columns.error(f"this file holds {what}, {quoted(shown)}, and {which}; set the languages.")
    order = sorted(rest, key=lambda code: code != _code(source_language)) if source_language else list(rest)
    for role, code in zip(unknown, order, strict=False):
        several = rest[code]
        asked[role] = language_tag(several[0]) if len(several) == 1 else code
    return asked


def _is_in(name: str, asked: str) -> bool:
    return bool(asked and closest(asked, [name]))


def _code(name: str) -> str:
    return as_language(name) or name
