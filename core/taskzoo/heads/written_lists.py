"""Lists that programs wrote into one cell of a table."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

_LONGEST = 100_000  # characters
_CALL = re.compile(
    r"(?:(?:np|numpy|torch|tf)\.)?(?:array|tensor|Tensor)\((\[.*\])(?:,\s*\w+=[^\[\]]*)?\s*\)", re.DOTALL
)
_SCALAR = re.compile(r"""\bnp\.(?:\w+\(('[^']*'|"[^"]*"|[\w.+-]+)\)|(True|False)_)""")  # as NumPy 2 prints its scalars
_NUMPY = re.compile(r"""\[\s*((?:'[^']*'|"[^"]*"|[\w.+-]+)(?:\s+(?:'[^']*'|"[^"]*"|[\w.+-]+))+)\s*\]""")
_ITEM = re.compile(r"""'[^']*'|"[^"]*"|[^\s'"]+""")
_BARE = re.compile(r"\[([^\[\]{}()'\"]*)\]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def written_list(cell: str) -> list[Any] | dict[Any, Any] | None:
    """The list in a cell, as a program prints it (also a tuple, a set or a mapping); ``None``: no list.

    ``["a", "b"]``, ``['a', 'b']``, ``['a' 'b']``, ``('a', 'b')``, ``{'a', 'b'}``, ``[a, b]``, ``[0. 1.]``,
    ``tensor([0, 1])``, ``[np.str_('a')]``, ``{"a": 1, "b": 0}``. The items of a set are sorted.
    """
    text = cell.strip()
    if len(text) > _LONGEST:
        return None
    if call := _CALL.fullmatch(text):
        text = call[1]
    if not text.startswith(("[", "(", "{", "set(", "frozenset(")):
        return None
    if "np." in text:
        text = _SCALAR.sub(r"\1\2", text)
    if text in ("set()", "frozenset()"):
        return []
    if (numpy := _NUMPY.fullmatch(text)) and " ... " not in text:
        return [_item(item) for item in _ITEM.findall(numpy[1])]
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text.removeprefix("frozenset(").removesuffix(")") if text.startswith("frozenset(") else text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, list | tuple):
            return list(found)
        if isinstance(found, set):
            return sorted(found, key=str)
        return found if isinstance(found, dict) else None
    if (bare := _BARE.fullmatch(text)) and "," in text:
        return [_item(item.strip()) for item in bare[1].split(",")]
    return None


def is_broken_list(cell: str) -> bool:
    """Whether a program wrote a list into a cell that cannot be read: cut short, or with values such as ``nan``."""
    text = cell.strip()
    quoted_or_cut = text.startswith(("['", '["')) or " ... " in text
    return text.startswith("[") and text.endswith("]") and quoted_or_cut and written_list(text) is None


def _item(text: str) -> Any:
    """One printed item: text with or without quotes, a number or a truth value."""
    if text[:1] in ("'", '"'):
        return text[1:-1]
    if text in ("True", "False"):
        return text == "True"
    return float(text) if _NUMBER.fullmatch(text) else text
