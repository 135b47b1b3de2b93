"""What look-ups return: lists that notebooks show as tables, and mappings that cannot be changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, NoReturn, Protocol, SupportsIndex, TypeVar, overload

from taskzoo.errors import UnknownNameError


class Listed(Protocol):
    """Something with facts that can stand in a table."""

    def facts(self) -> dict[str, Any]: ...


Item = TypeVar("Item", bound=Listed)

_STYLE = "color: inherit; background: transparent; text-align: left"
"""The colours of the notebook, light or dark."""


class Entries(list[Item]):
    """A list whose HTML form is a table, and whose entries are also reached by name (``entries["minilm"]``).

    ``entries.to_frame()`` is a data frame of everything that is known.

    Args:
        items: the entries.
        columns: the facts that the table shows (default: all).
        note: what else there is to say of the list, such as what it leaves out; shown with it.
    """

    def __init__(self, items: Iterable[Item] = (), columns: Sequence[str] = (), note: str = "") -> None:
        super().__init__(items)
        self._columns = tuple(columns)
        self.note = note

    def facts(self) -> list[dict[str, Any]]:
        """All facts of each entry as plain values."""
        return [item.facts() for item in self]

    def to_frame(self) -> Any:
        """A pandas data frame: a row for each entry, a column for every fact."""
        import pandas as pd

        return pd.DataFrame(self.facts())

    @overload
    def __getitem__(self, key: SupportsIndex | str) -> Item: ...

    @overload
    def __getitem__(self, key: slice) -> list[Item]: ...

    def __getitem__(self, key: SupportsIndex | slice | str) -> Item | list[Item]:
        """By place as in any list, or by name. Raises UnknownNameError with the nearest names."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        names = self._ipython_key_completions_()
        if key not in names:
            raise UnknownNameError("entry in this list", key, names)
        return self[names.index(key)]

    def _ipython_key_completions_(self) -> list[str]:
        return [str(fact["name"]) for fact in self.facts() if "name" in fact]

    def __repr__(self) -> str:
        return super().__repr__() + (f"  # {self.note}" if self.note else "")

    def _repr_html_(self) -> str:
        facts = self.facts()
        columns = self._columns or (tuple(facts[0]) if facts else ())
        head = "".join(f"<th>{escape(column.replace('_', ' '))}</th>" for column in columns)
        cells = ("".join(f"<td>{escape(_cell(fact.get(column)))}</td>" for column in columns) for fact in facts)
        rows = "".join(f"<tr>{row}</tr>" for row in cells)
        caption = f"<caption>{escape(self.note)}</caption>" if self.note else ""
        return f'<table style="{_STYLE}">{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


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
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return short_list([str(word) for word in value])
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(part)}" for name, part in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)
