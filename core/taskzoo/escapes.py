"""Text that somebody else wrote - labels, names, sentences - shown where some characters would act.

A terminal obeys control characters, and Markdown turns into HTML; file names and labels may hold either.
"""

from __future__ import annotations

import re

_BIDI = "\u202a-\u202e\u2066-\u2069"
_ACTING = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029{_BIDI}\ud800-\udfff]")
_SPACING = re.compile(r"[\t\n]")
_IN_JSON = re.compile(rf"[\x7f-\x9f\u2028\u2029{_BIDI}\ud800-\udfff]")
_MARKUP = re.compile(r"([\\`*<>|]|(?<![^\W_])_|_(?![^\W_])|\](?=[(\[:]))")  # not f1_macro, not [0.1, 0.2]


def visible(text: str) -> str:
    r"""``text`` with its control characters as escapes (``\x1b``); line feeds and tabs stay."""
    return _ACTING.sub(_escape, text)


def visible_cell(text: str) -> str:
    r"""As :func:`visible`, in one line: line feeds and tabs are escapes as well."""
    return _SPACING.sub(_escape, visible(text))


def visible_json(written: str) -> str:
    """JSON with the control characters as escapes that JSON itself may leave as they are; it means the same."""
    return _IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def markdown(text: str) -> str:
    """``text`` in one line of Markdown, of which nothing is mark-up, HTML or the end of a table's cell."""
    return _MARKUP.sub(r"\\\1", visible_cell(text))


def markdown_code(text: str) -> str:
    """``text`` as inline code of Markdown, whatever backticks it has."""
    shown = visible_cell(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    space = " " if "`" in shown else ""
    return f"{fence}{space}{shown}{space}{fence}"


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    known = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return known.get(found[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
