"""One label that files spell in several ways: ``1`` and ``1.0``, ``true`` and ``True``."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence

_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))(?:\.0*)?")
_TRUTH = {"true", "false"}


def label_key(name: str) -> Hashable:
    """What the spellings of one label share: the number if it is a whole one, or the truth value."""
    if whole := _WHOLE.fullmatch(name):
        return int(whole[1])
    folded = name.casefold()
    return folded if folded in _TRUTH else name


def plain_names(names: Iterable[str], known: Iterable[str] = ()) -> set[str]:
    """The names of labels; if these and ``known`` are nothing but whole numbers or truth values, as ``1``, ``true``."""
    names = set(names)
    keys = set(map(label_key, {*names, *known}))
    plain = all(isinstance(key, int) for key in keys) or keys <= _TRUTH
    return {str(label_key(name)) for name in names} if plain else names


class Spelling:
    """How the training rows spell their labels, which other rows then follow.

    Args:
        names: the labels of the training rows.
        key: maps the spellings of one label to one value.
    """

    def __init__(self, names: Iterable[str], key: Callable[[str], Hashable] = label_key) -> None:
        self._names = set[str]()
        self._key = key
        self._known: dict[Hashable, str] = {}
        self._add(set(names))

    def learn(self, names: Iterable[str]) -> None:
        """Further training rows have these labels: old ones keep their spelling, and new ones have one as well."""
        new = {name for name in names if self._key(name) not in self._known}
        self._add(plain_names(new, self._names))

    def __call__(self, names: Sequence[str]) -> list[str]:
        """The labels as the training rows spell them; those that training rows do not have stay."""
        return [name if name in self._names else self._known.get(self._key(name), name) for name in names]

    def _add(self, names: set[str]) -> None:
        self._names |= names
        self._known |= {self._key(name): name for name in sorted(names, reverse=True)}
