"""Importing the code of others, which may print what it likes and raise what it likes."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, redirect_stdout
from typing import TextIO

INTERRUPTS = (KeyboardInterrupt, GeneratorExit)
"""What ends this process, whoever's code runs. All else is that code's fault, also where it is no :class:`Exception`:
:class:`SystemExit`, and panics of compiled modules."""


def off_stdout() -> AbstractContextManager[TextIO]:
    """What is printed inside goes to stderr: stdout belongs to results."""
    return redirect_stdout(sys.stderr)


def said(error: BaseException) -> str:
    """What an error says; ``""`` of one that fails to say anything."""
    try:
        return str(error).strip()
    except Exception:
        return ""


def describe(error: BaseException) -> str:
    """Kind and text of an error on one line, ``ValueError: what it says``."""
    text = " ".join(said(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
