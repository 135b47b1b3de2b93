"""Columns that are named by the language of their texts: ``en``, ``zh``; ``English``, ``中文``; ``translation.en``.

A task may say of some roles in which language their texts are (:attr:`taskzoo.spec.Column.language`). A column named by
that language, in any form that :func:`~taskzoo.languages.as_language` knows, then holds the role. Where a language
is not given: the columns that are named by just as many languages hold these roles in their order, if no column has the
name of a role. A language may be given with its script or region (``zh-TW``): see
:func:`~taskzoo.languages.closest`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from taskzoo.errors import DataError
from taskzoo.languages import as_language, closest, language_scripts, language_tag, refined
from taskzoo.scripts import main_script

from .column_names import option, position, quoted, same_name

LANGUAGES = "languages"
"""The field of a row that holds the codes of its languages, in the order of the task's roles; ``""``: unknown."""

_OFTEN_OTHER = {"id", "no"}  # heads that mean a number more often than Indonesian and Norwegian
_SAMPLE = 1000  # rows
_SHARE = 0.9  # of these, in a script of the language


class LanguageColumns:
    """The roles of one file that have a language, and which languages the file shows them to have.

    Args:
        languages: role -> language, ``""`` where it is not known; the code of a tokenizer will do as well.
        mapped: role -> column as the user named it, by name or position.
        names: role -> all names that a column of it may have.
        source: the file, for messages.

    Attributes:
        given: role -> its language by :func:`~taskzoo.languages.language_tag`.
        found: role -> the language that names its column, where the user has not named the column.
    """

    def __init__(
        self, languages: Mapping[str, str], mapped: Mapping[str, str], names: Mapping[str, Sequence[str]], source: str
    ) -> None:
        self.given = {role: language_tag(code) for role, code in languages.items()}
        self.found: dict[str, str] = {}
        self._mapped = mapped
        self._names = names
        self._source = source
        self._shown: dict[str, str] = {}

    def codes(self) -> tuple[str, ...] | None:
        """The value of the field ``languages``: a tag for each role; ``None`` where nothing is known."""
        shown = {role: self._shown.get(role, "") for role in self.given}
        tags = tuple(refined(tag, [shown[role]]) if tag else shown[role] for role, tag in self.given.items())
        return tags if any(tags) else None

    def written(self, value: object) -> tuple[str, ...] | None:
        """The field ``languages`` of a row that was kept in a file: a list with a code for each role."""
        if self.given and isinstance(value, list | tuple) and len(value) == len(self.given):
            tags = tuple(language_tag(tag) for tag in value if isinstance(tag, str) and (not tag or as_language(tag)))
            return tags if len(tags) == len(value) and any(tags) else None
        return None

    def find(self, names: Sequence[str], line: int = 0) -> dict[str, list[str]]:
        """Role -> the columns named by its language, for roles that the user has not mapped.

        Raises:
            DataError: more languages than roles.
        """
        found, several = self._find(names)
        self.found = {role: _last(columns[0]) for role, columns in found.items()}
        if several:
            wanted = option([role for role in self.given if role not in self._mapped], "NAME")
            message = f"the columns {quoted(several)} are named by languages; say which to take with {wanted}"
            raise DataError(f"{message}, or set the languages.", file=self._source, line=line)
        chosen = {**self._mapped, **{role: columns[0] for role, columns in found.items()}}
        shown = {role: _last(chosen[role]) for role in self.given if role in chosen}
        self._shown |= {role: language_tag(name) for role, name in shown.items() if as_language(name)}
        return found

    def are_header(self, cells: Sequence[str]) -> bool:
        """Whether the cells are a header because they name the languages of all these roles."""
        mapped = self._mapped
        at = {role: number for role in self.given if (number := position(mapped.get(role, ""))) is not None}
        if at:
            named = {role: as_language(cells[n]) for role, n in at.items() if -len(cells) <= n < len(cells)}
            return at.keys() == named.keys() and all(
                code is not None and as_language(self.given[role]) in (None, code) for role, code in named.items()
            )
        found, several = self._find(cells)
        return bool(several) or bool(found and found.keys() >= self.given.keys() - mapped.keys())

    def by_script(self, table: Sequence[Sequence[str]]) -> dict[str, int]:
        """Role -> column for a table without header whose first two columns can be told apart by their scripts.

        Nothing where a language is unknown, or both are written in one script.
        """
        if len(self.given) != 2 or not all(map(as_language, self.given.values())) or len(table[0]) < 2:
            return {}
        texts = [[row[i] for row in table[:_SAMPLE]] for i in (0, 1)]
        (one, one_scripts), (two, two_scripts) = ((role, language_scripts(code)) for role, code in self.given.items())
        if not one_scripts & two_scripts:
            for a, b in ((0, 1), (1, 0)):
                if _written_in(texts[a], one_scripts) and _written_in(texts[b], two_scripts):
                    return {one: a, two: b}
        return {}

    def _find(self, names: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
        """Role -> columns of its language; and the columns of all languages, where these are too many."""
        several: list[str] = []
        taken = set(self._mapped.values())
        for nested in (False, True) if self.given else ():
            free = [name for name in names if name not in taken and ("." in name) == nested]
            found, several = self._resolve({name: _last(name) for name in free if as_language(_last(name))}, names)
            if found or several:
                return found, several
        return {}, several

    def _resolve(self, heads: Mapping[str, str], names: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
        """The same for columns and the languages that they are named by."""
        wanted = {role: tag for role, tag in self.given.items() if role not in self._mapped}
        known = [tag for tag in self.given.values() if tag]
        if len(known) > len(set(known)):  # one language for both says nothing
            return {}, []
        own = {role for role in wanted if any(same_name(name, one) for name in names for one in self._names[role])}
        found: dict[str, list[str]] = {}
        for role, tag in wanted.items():
            serving = closest(tag, heads.values()) if tag else []
            if columns := [name for name, language in heads.items() if language in serving]:
                found[role] = columns
        if found.keys() != wanted.keys():
            found = {role: columns for role, columns in found.items() if role not in own}
        unknown = [role for role, tag in wanted.items() if not tag]
        if not unknown or own:
            return found, []
        rest: dict[str, list[str]] = {}
        for name, language in heads.items():
            if (code := str(as_language(language))) not in map(as_language, known):
                rest.setdefault(code, []).append(name)
        if len(rest) > len(unknown):
            rest = {code: columns for code, columns in rest.items() if code not in _OFTEN_OTHER}
        if len(rest) > len(unknown):
            return {}, [columns[0] for columns in rest.values()]
        if len(rest) == len(unknown):
            found.update(zip(unknown, rest.values(), strict=True))
        return found, []


def _last(name: str) -> str:
    """What a column is named by: ``en`` for ``translation.en``."""
    return name.rpartition(".")[2]


def _written_in(texts: Sequence[str], scripts: frozenset[str]) -> bool:
    found = [script for text in texts if (script := main_script(text))]
    return bool(found) and sum(script in scripts for script in found) >= _SHARE * len(found)
