"""Importing the code of others, which may print what it likes and raise what it likes."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, redirect_stdout
from typing import TextIO

from taskzoo.blame import describe, said

__all__ = ["INTERRUPTS", "describe", "off_stdout", "said"]

INTERRUPTS = (KeyboardInterrupt, GeneratorExit)
"""What ends this process, whoever's code runs. All else is that code's fault, also where it is no :class:`Exception`:
:class:`SystemExit`, and panics of compiled modules."""


def off_stdout() -> AbstractContextManager[TextIO]:
    """What is printed inside goes to stderr: stdout belongs to results."""
    return redirect_stdout(sys.stderr)
