"""What the scripts that generate a page have in common: write it, or say that it is stale (``--check``)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path


def write_or_check(file: Path, text: Callable[[], str], script: str, about: str | None) -> int:
    """Write ``text`` to ``file``; with ``--check`` only compare.

    Args:
        file: the page.
        text: makes what it should be.
        script: name of the script in this folder that writes it.
        about: docstring of the script.

    Returns:
        The exit code: 1 for a page that is stale.
    """
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help=f"write nothing; exit with 1 when {file.name} is stale")
    checks = parser.parse_args().check
    page = text()
    if not checks:
        file.write_text(page, encoding="utf-8")
        return 0
    if file.is_file() and file.read_text(encoding="utf-8") == page:
        return 0
    print(f"docs/{file.name} is stale; run: python docs/{script}", file=sys.stderr)
    return 1
