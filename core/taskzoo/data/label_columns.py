"""A target that is spread over several columns, one of 0 and 1 for each label.

``--columns label=toxic+obscene+threat`` names them one by one, ``label=toxic..threat`` by the first and the last; both
may be mixed, and positions will do. While a file is read, each of them is a role of its own (:func:`part`); a row then
has the list of the labels whose column says yes.
"""

from __future__ import annotations

from collections.abc import Sequence

_MARK = "\x1f"
_YES, _NO = {"1", "1.0", "true", "yes", "y", "x"}, {"", "0", "0.0", "false", "no", "n"}


def as_spoken(columns: str | Sequence[str]) -> str:
    """A column, or a list of columns as in Python, in the form of the command line."""
    if isinstance(columns, list | tuple):
        return "+".join(map(str, columns))
    return str(columns)


def label_columns(name: str) -> list[tuple[str, str]]:
    """The first and the last column of each range in ``name``; nothing where it is a single column."""
    parts = [one.strip() for one in name.split("+")]
    if not all(parts) or (len(parts) == 1 and ".." not in name):
        return []
    ranges = [one.partition("..") for one in parts]
    return [(first.strip(), last.strip() if dots else first.strip()) for first, dots, last in ranges]


def part(role: str, label: str) -> str:
    """The role of one label's column."""
    return f"{role}{_MARK}{label}"


def role_of(role: str) -> str:
    """The role that a part belongs to, or the role itself."""
    return role.partition(_MARK)[0]


def label_of(role: str) -> str | None:
    """The label of a part."""
    _, mark, label = role.partition(_MARK)
    return label if mark else None


def flag(value: object) -> bool | None:
    """Whether a column of 0 and 1, or of other words for them, says yes; nothing says no. ``None``: neither."""
    if isinstance(value, str):
        word = value.strip().casefold()
        return True if word in _YES else False if word in _NO else None
    return False if value is None else bool(value) if value in (0, 1) else None
