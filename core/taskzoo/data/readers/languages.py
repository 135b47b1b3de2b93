"""Columns that are named by the language of their texts: ``en``, ``zh``; ``English``, ``中文``; ``translation.en``.

A task may say of some roles in which language their texts are (``TaskSpec.languages``). A column named by that
language, in any form that :func:`~taskzoo.data.languages.as_language` knows, then holds the role. Where a language is
not said: the columns that are named by just as many languages hold these roles in their order, if no column has the
name of a role.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...errors import DataError
from ..languages import as_language, language_scripts, main_script
from .columns import names_of, position, quoted, same_name

LANGUAGES = "languages"
"""The field of a row that holds the codes of its languages, in the order of the task's roles; ``""``: unknown."""

_OFTEN_OTHER = {"id", "no"}  # heads that mean a number more often than Indonesian and Norwegian
_SAMPLE = 1000  # rows
_SHARE = 0.9  # of these, in a script of the language


class Languages:
    """The roles of one file that have a language, and which languages the file shows them to have.

    Args:
        given: role -> code, ``""`` where it is not known; the code of a tokenizer will do as well.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = {role: as_language(code) or code for role, code in given.items()}
        self._shown: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self.given)

    def codes(self) -> tuple[str, ...] | None:
        """The value of the field ``languages``; ``None`` where nothing is known."""
        codes = tuple(code or self._shown.get(role, "") for role, code in self.given.items())
        return codes if any(codes) else None

    def written(self, value: object) -> tuple[str, ...] | None:
        """The field ``languages`` of a row that was kept in a file: a list with a code for each role."""
        if isinstance(value, list | tuple) and len(value) == len(self.given):
            codes = tuple(code and as_language(code) for code in value if isinstance(code, str))
            return codes if len(codes) == len(value) and None not in codes else None  # type: ignore[return-value]
        return None

    def columns(
        self, names: Sequence[str], roles: Mapping[str, str], mapped: Mapping[str, str], source: str, line: int = 0
    ) -> dict[str, str]:
        """role -> the column named by its language, for roles that are not in ``mapped``.

        Raises:
            DataError: two columns of one language, or more languages than roles.
        """
        found, several = self._find(names, roles, mapped)
        for role, matches in found.items():
            if len(matches) > 1:
                choices = " or ".join(repr(name) for name in matches)
                raise DataError(f"{role} could be column {choices}; say which with --columns {role}=NAME.", file=source)
        if several:
            wanted = ",".join(f"{role}=NAME" for role in self.given if role not in mapped)
            message = f"the columns {quoted(several)} are named by languages; say which to take with --columns {wanted}"
            raise DataError(f"{message}, or set the languages.", file=source, line=line)
        chosen = {role: matches[0] for role, matches in found.items()}
        for role, name in {**mapped, **chosen}.items():
            if role in self.given and (code := _named(name)):
                self._shown[role] = code
        return chosen

    def are_header(self, cells: Sequence[str], roles: Mapping[str, str], mapped: Mapping[str, str]) -> bool:
        """Whether the cells are a header because they name the languages of all these roles."""
        at = {role: number for role in self.given if (number := position(mapped.get(role, ""))) is not None}
        if at:
            named = {role: as_language(cells[n]) for role, n in at.items() if -len(cells) <= n < len(cells)}
            return at.keys() == named.keys() and all(
                code is not None and self.given[role] in ("", code) for role, code in named.items()
            )
        found, several = self._find(cells, roles, mapped)
        return bool(several) or bool(found and found.keys() >= self.given.keys() - mapped.keys())

    def by_script(self, table: Sequence[Sequence[str]]) -> dict[str, int]:
        """role -> column for a table without header whose first two columns can be told apart by their scripts.

        Nothing where a language is unknown, or both are written in one script.
        """
        if len(self.given) != 2 or any(as_language(code) is None for code in self.given.values()):
            return {}
        first, second = ([row[i] for row in table[:_SAMPLE]] for i in (0, 1)) if len(table[0]) > 1 else ([], [])
        (one, one_scripts), (two, two_scripts) = ((role, language_scripts(code)) for role, code in self.given.items())
        if one_scripts & two_scripts or not first:
            return {}
        if _written_in(first, one_scripts) and _written_in(second, two_scripts):
            return {one: 0, two: 1}
        if _written_in(first, two_scripts) and _written_in(second, one_scripts):
            return {one: 1, two: 0}
        return {}

    def _find(
        self, names: Sequence[str], roles: Mapping[str, str], mapped: Mapping[str, str]
    ) -> tuple[dict[str, list[str]], list[str]]:
        """role -> columns of its language; and the columns of all languages, where these are too many."""
        several: list[str] = []
        for nested in (False, True):
            taken = set(mapped.values())
            heads: dict[str, list[str]] = {}
            for name in names:
                if name not in taken and ("." in name) == nested and (code := _named(name)):
                    heads.setdefault(code, []).append(name)
            found, several = self._resolve(heads, names, roles, mapped)
            if found or several:
                return found, several
        return {}, several

    def _resolve(
        self, heads: dict[str, list[str]], names: Sequence[str], roles: Mapping[str, str], mapped: Mapping[str, str]
    ) -> tuple[dict[str, list[str]], list[str]]:
        wanted = {role: code for role, code in self.given.items() if role not in mapped}
        known = [code for code in self.given.values() if code]
        if len(known) > len(set(known)):  # one language for both says nothing
            return {}, []
        own = {r for r in wanted if any(same_name(name, own) for name in names for own in names_of(r, roles))}
        found = {role: heads[code] for role, code in wanted.items() if code in heads}
        if found.keys() != wanted.keys():
            found = {role: columns for role, columns in found.items() if role not in own}
        unknown = [role for role, code in wanted.items() if not code]
        if not unknown or own:
            return found, []
        rest = {code: columns for code, columns in heads.items() if code not in known}
        if len(rest) > len(unknown):
            rest = {code: columns for code, columns in rest.items() if code not in _OFTEN_OTHER}
        if len(rest) > len(unknown):
            return {}, [columns[0] for columns in rest.values()]
        if len(rest) == len(unknown):
            found.update(zip(unknown, rest.values(), strict=True))
        return found, []


def nested_names(value: Mapping[str, object]) -> list[str]:
    """The keys of objects inside an object, with dots: ``translation.en``."""
    return [f"{name}.{key}" for name, inner in value.items() if isinstance(inner, Mapping) for key in inner]


def _named(name: str) -> str | None:
    return as_language(name.rpartition(".")[2])


def _written_in(texts: Sequence[str], scripts: frozenset[str]) -> bool:
    found = [script for text in texts if (script := main_script(text))]
    return bool(found) and sum(script in scripts for script in found) >= _SHARE * len(found)
