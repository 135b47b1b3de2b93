"""Which column holds which role: one answer for files, data sets of the hub and rows in memory.

1. A role takes the column that ``--columns`` names for it; no other role reads that column.
2. Roles whose texts have a language take the columns named by their languages: see :mod:`.language_columns`.
3. Any other role takes the column of its own name, otherwise the one column named by one of its synonyms
   (:attr:`taskzoo.spec.Column.names`). Case and outer spaces do not count. Two synonyms in one file are an error, not a
   guess. A synonym that is itself a role of the task never stands for another role.
4. A target may be spread over a column of 0 and 1 for each label: see :mod:`.label_columns`.

Columns that hold no role are ignored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from taskzoo.errors import DataError, UnknownNameError, nearest
from taskzoo.languages import as_language, language_tag, other_variety
from taskzoo.option_names import option_name, setting_name
from taskzoo.spec import Column, TaskSpec
from taskzoo.types import Row

from .column_names import option, position, quoted, same_name
from .groups import GROUP, parse_group
from .label_columns import as_spoken, flag, label_columns, label_of, part, role_of
from .language_columns import LANGUAGES, LanguageColumns

_FEW = 3
"""More columns than these may be one for each label."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What is wanted of a file, a data set or rows in memory.

    Args:
        spec: of the task that the rows are for.
        columns: role -> name of its column, or its position where columns have no names (``--columns``); of a target
            also a list of columns.
        format: name of a reader (``--format``); ``None``: detected.
        group: ``COLUMN`` or ``COLUMN:SEPARATOR`` (``--group-by``); rows then have the field ``group``.
        languages: role -> code of the language of its texts, ``""`` where it is not known.
        labelled: whether the required columns must be there; without, target columns are left out.
        incomplete: whether rows may lack a required value, which is otherwise refused.
        notes: gets what was left out, and how often.
        bad: gets why a row is left out that cannot be used; ``None``: such a row is an error.
    """

    spec: TaskSpec
    columns: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    format: str | None = None
    group: str | None = None
    languages: Mapping[str, str] = field(default_factory=dict)
    labelled: bool = True
    incomplete: bool = False
    notes: Counter[str] = field(default_factory=Counter)
    bad: list[str] | None = None


class Columns:
    """The columns of one file, split or list of rows.

    Attributes:
        roles: those to look for, with ``group`` if there is to be one; target columns only for labelled rows.
        required: the roles that every row must have.
        mapped: role -> column as the user named it, by name or position.
        languages: the roles that have a language.

    Raises:
        UnknownNameError: the request names a role that the task does not have.
        RequestError: its ``group`` has another form than ``COLUMN:SEPARATOR``.
    """

    def __init__(self, request: ReadRequest, source: str) -> None:
        self.request = request
        self.source = source
        self._all = request.spec.columns
        for role in request.columns:
            if role not in self._all:
                raise UnknownNameError("role", role, self._all, f"This task's roles: {', '.join(self._all)}.")
        self.roles = {role: column for role, column in self._all.items() if request.labelled or not column.target}
        self.mapped = {role: as_spoken(name) for role, name in request.columns.items() if role in self.roles}
        self._group = None if request.group is None else parse_group(request.group)
        if self._group:
            self.roles[GROUP] = Column("what belongs together", required=True)
            self.mapped[GROUP] = self._group.column
        self.required = frozenset(role for role, column in self.roles.items() if column.required)
        languages = {role: request.languages.get(role, "") for role in request.spec.languages}
        names = {role: self.names_of(role) for role in languages}
        self.languages = LanguageColumns(languages, self.mapped, names, source)

    # which column

    def find(
        self, names: Sequence[str], *, known: Mapping[str, int] | None = None, line: int = 0, hint: str = ""
    ) -> dict[str, int]:
        """Role -> index in ``names``, for every role that has a column; at least one.

        A target that has a column for each label is given as a role for each: see :mod:`.label_columns`.

        Args:
            names: of the columns, those inside other columns with a dot.
            known: role -> index, for what is settled by position.
            line: where the names stand in the file.
            hint: what else could be done, for a message.

        Raises:
            DataError: a required or mapped column is missing, two columns have one name, or two would do.
        """
        if repeated := [name for name, count in Counter(names).items() if name and count > 1]:
            raise self.error(f"two columns are named {repeated[0]!r}; rename one.", line)
        found = dict(known or {})
        for role, spoken in self.languages.find(names, line).items():
            if role in self.roles and role not in found:
                found[role] = self._only(role, [names.index(name) for name in spoken], names)
        for role, name in self.mapped.items():
            if role not in found:
                matches = _matches(name, names)
                if not matches and self.roles[role].target and (several := label_columns(name)):
                    found |= {part(role, names[i]): i for i in self._several(role, several, names, line)}
                    continue
                if not matches:
                    raise self._missing([role], name, names, line, hint)
                found[role] = self._only(role, matches, names)
        taken = {index for role, index in found.items() if role != GROUP}
        free = [name if index not in taken else "" for index, name in enumerate(names)]
        for role in [role for role in self.roles if role not in set(map(role_of, found))]:
            own, *synonyms = self.names_of(role)
            if matches := _matches(own, free) or [match for name in synonyms for match in _matches(name, free)]:
                found[role] = self._only(role, matches, names)
        if missing := self.unfound(dict.fromkeys(map(role_of, found))):
            raise self._missing(missing, None, names, line, hint)
        self.check_distinct(found, names)
        return {one: found[one] for role in self.roles for one in found if role_of(one) == role}

    def names_of(self, role: str) -> tuple[str, ...]:
        """The role's own name, then its synonyms."""
        column = self._all.get(role)
        return (role, *(name for name in (column.names if column else ()) if name not in self._all))

    def are_header(self, cells: Sequence[str]) -> bool:
        """Whether one of the cells is the name of a role, a synonym or a name in ``--columns``."""
        names = [name for role in self._all for name in self.names_of(role)]
        names += [name for name in self.mapped.values() if position(name) is None]
        return any(same_name(cell, name) for cell in cells for name in names)

    def unfound(self, found: Mapping[str, Any]) -> list[str]:
        """The required roles that are not in ``found`` or, if no input is, those to ask for."""
        if missing := [role for role in self.roles if role in self.required and role not in found]:
            return missing
        inputs = {role for role, column in self.roles.items() if not column.target} - {GROUP}
        return [] if inputs & found.keys() else [role for role in self.wanted() if role not in found]

    def wanted(self) -> list[str]:
        """The required roles or, if there are none, the first input and the first target: those to ask a person for."""
        roles = [role for role in self.roles if role != GROUP]
        if required := [role for role in roles if role in self.required]:
            return required
        inputs, targets = ([r for r in roles if self.roles[r].target is target] for target in (False, True))
        return [*inputs[:1], *targets[:1]]

    # positions

    def at(self, role: str, name: str, count: int) -> int:
        """The position in ``name``, counted from 0, for a file of ``count`` columns.

        Raises:
            DataError: out of range.
        """
        number = int(name)
        if not -count <= number < count:
            what = f"the file's {count} column{'s' if count > 1 else ''}"
            raise self.error(f"{role}={number} is outside {what}, which are counted from 0 to {count - 1}.")
        return number % count

    def check_distinct(self, found: Mapping[str, int], names: Sequence[str] = ()) -> None:
        """Raise DataError when two roles read the same column; rows may be grouped by any."""
        seen: dict[int, str] = {}
        for role, index in found.items():
            if role != GROUP and (other := seen.setdefault(index, role)) != role:
                column = repr(names[index]) if names else str(index)
                raise self.error(
                    f"{role_of(other)} and {role_of(role)} would both read column {column}; give each its own with "
                    f"{option_name('columns')}."
                )

    # rows

    def rows(self, objects: Sequence[tuple[int, Mapping[str, Any]]]) -> list[Row]:
        """Rows of objects with the numbers of their lines.

        Raises:
            DataError: as :meth:`find` and :meth:`row`, or an object lacks the column of a required role.
        """
        if not objects:
            return []
        where = self.find_in(objects)
        rows = []
        for line, value in objects:
            with self.leaving_out():
                rows.append(self.row_of(where, line, value))
        return rows

    def find_in(self, objects: Sequence[tuple[int, Mapping[str, Any]]]) -> dict[str, str]:
        """Role -> name of its column, for objects with the numbers of their lines; at least one.

        Raises:
            DataError: as :meth:`find`.
        """
        line, first = objects[0]
        names = list(dict.fromkeys(str(name) for _, value in objects for name in value))
        names += self.dotted(names, nested_names(first))
        return {role: names[index] for role, index in self.find(names, line=line).items()}

    def row_of(self, where: Mapping[str, str], line: int, value: Mapping[str, Any]) -> Row:
        """The row of an object, whose columns are where :meth:`find_in` found them.

        Raises:
            DataError: as :meth:`row`, or it lacks the column of a required role.
        """
        found = {role: reach(value, name) for role, name in where.items()}
        for role, name in where.items():
            lacking = found[role] is None and name not in value
            if lacking and role in self.required and not self.request.incomplete:
                raise self.error(f"no {name!r} here, which other rows have for {role}.", line)
        return self.row(found, line, value.get(LANGUAGES))

    def dotted(self, names: Sequence[str], inside: Sequence[str]) -> list[str]:
        """The columns inside of columns that may be read: those asked for, and all where languages name columns."""
        asked = [name for name in self.mapped.values() if "." in name and name.partition(".")[0] in names]
        return [
            name for name in dict.fromkeys([*asked, *(inside if self.languages.given else ())]) if name not in names
        ]

    def row(self, values: Mapping[str, Any], line: int, languages: Any = None) -> Row:
        """A row of the values (by role) that are there, with its group and the languages that it holds itself, if any.

        Raises:
            DataError: a required value is null, empty or nothing but whitespace.
        """
        fields: dict[str, Any] = {}
        for role, value in self._joined(values, line).items():
            if role == GROUP or role not in self.roles:
                continue
            if value is not None and not (isinstance(value, str) and not value.strip()):
                fields[role] = self._absolute(value) if self.roles[role].path and isinstance(value, str) else value
            elif role in self.required and not self.request.incomplete:
                raise self.error(f"the {role} is empty; fill it in or remove the row.", line)
        for role, name in self.languages.found.items():
            if role in fields:
                self.count_variety(self.languages.given[role], name)
        if codes := (self.languages.written(languages) or self.languages.codes()):
            fields[LANGUAGES] = codes
        if self._group:
            fields[GROUP] = self._group.of(values.get(GROUP), self.source, line)
        return Row(fields, self.source, line)

    def count_variety(self, asked: str, name: str) -> None:
        """Note that a text was taken from ``name``, if that is another variety than the one asked for."""
        if asked and other_variety(asked, name):
            self.request.notes[f"texts in {language_tag(name)} taken for {asked}, there being none nearer"] += 1

    def leave_out(self, error: DataError) -> None:
        """Note that a row is left out, or raise its error where rows that cannot be used are not to be left out."""
        if self.request.bad is None:
            raise error
        self.request.bad.append(error.place_free)

    @contextmanager
    def leaving_out(self) -> Iterator[None]:
        """What is made inside is left out where it cannot be used; see :meth:`leave_out`."""
        try:
            yield
        except DataError as error:
            self.leave_out(error)

    # messages

    def error(self, message: str, line: int = 0) -> DataError:
        """An error in this file."""
        return DataError(message, file=self.source, line=line)

    def refuse_options(self, what: str, *, format: bool = False) -> None:
        """Raise DataError where columns, a group or (``format``) a format were asked for: ``what`` has none."""
        given = (self.mapped.keys() - {GROUP}, self._group, format and self.request.format)
        options = zip(map(option_name, ("columns", "group_by", "format")), given, strict=True)
        if unused := [option for option, value in options if value]:
            raise self.error(f"{what} no columns; leave out {', '.join(unused)}.")

    def _absolute(self, name: str) -> str:
        """The path of the file that a cell names."""
        place = Path(self.source)
        return str((place.parent if place.is_file() else Path()).absolute() / name)

    def _joined(self, values: Mapping[str, Any], line: int) -> dict[str, Any]:
        """The values, with the labels whose column says yes instead of a value for each label."""
        joined: dict[str, Any] = {}
        for one, value in values.items():
            role, label = role_of(one), label_of(one)
            if label is None:
                joined[role] = value
                continue
            given = flag(value)
            if given is None:
                shown = quoted([str(value)])
                raise self.error(f"the column {label!r} is a label and holds {shown}; write 0 or 1.", line)
            joined.setdefault(role, []).extend([label] if given else [])
        return joined

    def _several(self, role: str, wanted: Sequence[tuple[str, str]], names: Sequence[str], line: int) -> list[int]:
        """The columns of several labels, from pairs of the first and the last of each range."""
        found: list[int] = []
        for ends in wanted:
            first, last = (self._one(role, name, names, line) for name in ends)
            if last < first:
                raise self.error(f"{ends[0]}..{ends[1]}: {ends[1]!r} stands before {ends[0]!r}; swap them.", line)
            found += range(first, last + 1)
        return list(dict.fromkeys(found))

    def _one(self, role: str, name: str, names: Sequence[str], line: int) -> int:
        if matches := _matches(name, names):
            return self._only(role, matches, names)
        if position(name) is not None:
            return self.at(role, name, len(names))
        raise self._missing([role], name, names, line, "")

    def _only(self, role: str, matches: Sequence[int], names: Sequence[str]) -> int:
        if len(matches) > 1:
            choices = " or ".join(repr(names[index]) for index in matches)
            raise self.error(f"{role} could be column {choices}; say which with {option([role], 'NAME')}.")
        return matches[0]

    def _missing(
        self, roles: Sequence[str], wanted: str | None, names: Sequence[str], line: int, hint: str
    ) -> DataError:
        message = f"no column for {', '.join(roles)}" if wanted is None else f"no column {wanted!r} for {roles[0]}"
        near = nearest(wanted, names) if wanted is not None else []
        message += f"; found {quoted(names)}" + (f" (nearest: {near[0]!r})" if near else "")
        message += f"; name it with {option(roles, 'NAME')}{self._spread(roles, names)}{hint}."
        inputs = [role for role, column in self.roles.items() if not column.target and role != GROUP]
        if wanted is None and not self.required - {GROUP} and (others := inputs[1:]):
            message += f" Instead of {inputs[0]}, {' or '.join(others)} will do."
        if set(roles) & self.languages.given.keys() and any(map(as_language, names)):
            settings = " ".join(f"{name}=LANGUAGE" for name in self.request.spec.languages.values())
            message += f" Columns named by languages are found with {setting_name(settings)}."
        return self.error(message, line)

    def _spread(self, roles: Sequence[str], names: Sequence[str]) -> str:
        """The advice for labels with a column each, where there may be some."""
        spread = list(roles) == ["label"] and len(names) > _FEW
        several = f"{option(['label'], 'FIRST..LAST')} or {option(['label'], 'A+B')}"
        return f", or with {several} if each label has a column of 0 and 1" if spread else ""


def reach(value: Mapping[str, Any], name: str) -> Any:
    """The value of a key, or of keys inside one another (``translation.en``); ``None`` where there is none."""
    if name in value:
        return value[name]
    head, dot, rest = name.partition(".")
    inner = value.get(head)
    return reach(inner, rest) if dot and isinstance(inner, Mapping) else None


def nested_names(value: Mapping[str, object]) -> list[str]:
    """The keys of objects inside an object, with dots: ``translation.en``."""
    return [f"{name}.{key}" for name, inner in value.items() if isinstance(inner, Mapping) for key in inner]


def _matches(wanted: str, names: Sequence[str]) -> list[int]:
    exact = [index for index, name in enumerate(names) if name == wanted]
    return exact[:1] or [index for index, name in enumerate(names) if same_name(name, wanted)]
