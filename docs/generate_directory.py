"""Write ``docs/directory.md`` from ``docs/directory.yaml``: ``python docs/generate_directory.py [--check]``.

``--check`` writes nothing and exits with 1 when the page is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from generated import write_or_check

DATA = Path(__file__).with_name("directory.yaml")
FILE = Path(__file__).with_name("directory.md")
OPENING = """\
<!-- Written by docs/generate_directory.py; do not edit. -->

# Plugins that are known

The last column says what was found when each was last installed and checked, with which versions and when. It passed
if `zoo plugins --verify` found nothing wrong and `zoo check` passed for each of its tasks. This says that it works, not
that it is good or safe: a plugin is code that runs with your rights.

"""
CLOSING = """
Lines that install from a folder count from a copy of this repository. To list a plugin, add it to
[directory.yaml](directory.yaml); a nightly job (`tools/check_directory.py`) checks all of them, each in a fresh
environment, and writes the results. Indexes and repositories also know plugins by the word `taskzoo-plugin`:
<https://pypi.org/search/?q=taskzoo-plugin>, <https://github.com/topics/taskzoo-plugin>.
"""


def row(entry: Mapping[str, Any]) -> list[str]:
    """The cells of one plugin."""
    checked = entry.get("checked")
    if checked is None:
        result = "not yet"
    else:
        versions = f"{checked['version']} with taskzoo {checked['taskzoo']}"
        result = f"{checked['result']} ({versions}, {checked['date']})"
    tasks = ", ".join(f"`{task}`" for task in entry["tasks"])
    words = [f"`{entry['name']}`", tasks, entry["brings"], f"`{entry['install']}`", str(entry.get("contract", ""))]
    return [*words, entry["licence"], result]


def page(entries: Sequence[Mapping[str, Any]]) -> str:
    """The whole page."""
    head = ["plugin", "tasks", "brings", "install", "contract", "licence", "checked"]
    lines = [head, ["---"] * len(head), *(row(entry) for entry in entries)]
    return OPENING + "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines) + CLOSING


def current() -> str:
    """The page from the file of data."""
    return page(yaml.safe_load(DATA.read_text(encoding="utf-8"))["plugins"])


def main() -> int:
    """Write or check; the exit code."""
    return write_or_check(FILE, current, "generate_directory.py", __doc__)


if __name__ == "__main__":
    sys.exit(main())
