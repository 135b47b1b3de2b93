"""Names of columns as people type and read them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from taskzoo.option_names import option_name

from .groups import GROUP


def position(name: str) -> int | None:
    """The number in ``name`` when it is a position, else ``None``."""
    return int(name) if re.fullmatch(r"-?[0-9]{1,4}", name) else None


def same_name(a: str, b: str) -> bool:
    """Whether two column names differ in case and outer spaces at most."""
    return a.strip().casefold() == b.strip().casefold()


def option(roles: Iterable[str], value: str) -> str:
    """The option that maps ``roles`` to ``value``."""
    mapped = {role: value for role in roles if role != GROUP}
    return option_name("columns", mapped) if mapped else option_name("group_by", value)


def quoted(names: Iterable[str], limit: int = 8, width: int = 30) -> str:
    """A few names or cells for a message, on one line."""
    shown = [repr(name if len(name) <= width else name[: width - 3] + "...") for name in names]
    rest = f" and {len(shown) - limit} more" if len(shown) > limit else ""
    return ", ".join(shown[:limit]) + rest
