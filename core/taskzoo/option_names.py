"""How messages name an option: as it is typed on the command line, or as an argument in Python."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_typed: ContextVar[bool] = ContextVar("options are typed on the command line", default=False)

_FLAGS = {"from_run": "from"}
"""Options that are words of Python, which have another name there."""


@contextmanager
def on_command_line() -> Iterator[None]:
    """Messages that are made inside are for a person who typed a command."""
    before = _typed.set(True)
    try:
        yield
    finally:
        _typed.reset(before)


def option_name(name: str, value: str | bool | Mapping[str, str] = "") -> str:
    """An option, with a value where there is one.

    ==================  =====================  =========================
    value               command line           Python
    ==================  =====================  =========================
    none                ``--group-by``         the name in backticks
    ``"NAME"``          ``--group-by NAME``    ``group_by="NAME"``
    ``True``            ``--baseline``         ``baseline=True``
    ``{"label": "2"}``  ``--columns label=2``  ``columns={"label": "2"}``
    ==================  =====================  =========================
    """
    if _typed.get():
        typed = ",".join(f"{key}={one}" for key, one in value.items()) if isinstance(value, Mapping) else value
        return f"--{_FLAGS.get(name, name.replace('_', '-'))}" + (f" {typed}" if typed and typed is not True else "")
    if not value:
        return f"`{name}`"
    return f"{name}={value if value is True else json.dumps(value, ensure_ascii=False)}"


def setting_name(words: str) -> str:
    """Settings such as ``source_lang=en target_lang=zh``: ``--set`` before them, or as arguments.

    A number, or ``N`` in the place of one, and a truth value have no quotes in Python.
    """
    if _typed.get():
        return f"--set {words}"
    pairs = (word.partition("=")[::2] for word in words.split())
    words_of_python = {"true": "True", "false": "False", "N": "N"}
    bare = {name: words_of_python.get(value, value if value.isdigit() else json.dumps(value)) for name, value in pairs}
    return ", ".join(f"{name}={value}" for name, value in bare.items())
