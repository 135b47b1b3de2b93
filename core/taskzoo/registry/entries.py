"""What look-ups return: lists that notebooks show as tables, and mappings that cannot be changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, NoReturn, Protocol, TypeVar


class Listed(Protocol):
    """Something with facts that can stand in a table."""

    def facts(self) -> dict[str, Any]: ...


Item = TypeVar("Item", bound=Listed)


class Entries(list[Item]):
    """A list whose HTML form is a table.

    ``pandas.DataFrame(entries.facts())`` makes a data frame of everything that is known.
    """

    def __init__(self, items: Iterable[Item] = (), columns: Sequence[str] = ()) -> None:
        super().__init__(items)
        self._columns = tuple(columns)

    def facts(self) -> list[dict[str, Any]]:
        """All facts of each entry as plain values."""
        return [item.facts() for item in self]

    def _repr_html_(self) -> str:
        facts = self.facts()
        columns = self._columns or (tuple(facts[0]) if facts else ())
        head = "".join(f"<th>{escape(column.replace('_', ' '))}</th>" for column in columns)
        cells = ("".join(f"<td>{escape(_cell(fact.get(column)))}</td>" for column in columns) for fact in facts)
        rows = "".join(f"<tr>{row}</tr>" for row in cells)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


class FrozenDict(dict[str, Any]):
    """A mapping that is read and copied like any other, can be hashed and cannot be changed."""

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("entries of the registry cannot be changed; make a copy with dict(...)")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


def short_list(words: Sequence[str], limit: int = 4) -> str:
    """The first few words, and how many more there are."""
    more = len(words) - limit
    return " ".join(words) if more <= 1 else f"{' '.join(words[:limit])} +{more}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return short_list([str(word) for word in value])
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(part)}" for name, part in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)
