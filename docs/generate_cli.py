"""Write ``docs/cli.md`` from ``--help`` of every command: ``python docs/generate_cli.py [--check]``.

``--check`` writes nothing and exits with 1 when the file is stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

from generated import write_or_check
from typer.testing import CliRunner

from taskzoo.cli import app, built_in

FILE = Path(__file__).with_name("cli.md")
WIDTH = 90
OPENING = """\
<!-- Written by docs/generate_cli.py; do not edit. -->

# Command line

Results go to stdout, progress and messages to stderr. `--json` gives results as JSON. Exit codes: 0 done, 1 the run
failed, 2 the request was wrong and nothing was written, 130 stopped on request (Ctrl-C, SIGTERM) with the state saved.

`python -m taskzoo` is the same command.
"""


def names() -> list[str]:
    """The commands in the order ``zoo --help`` lists them."""
    return list(built_in())


def help_of(*words: str) -> str:
    """What ``zoo WORDS --help`` prints on a terminal of fixed width."""
    result = CliRunner().invoke(
        app, [*words, "--help"], prog_name="zoo", terminal_width=WIDTH, color=False, catch_exceptions=False
    )
    return "\n".join(line.rstrip() for line in result.stdout.strip().splitlines())


def reference() -> str:
    """The whole page."""
    sections = [OPENING, f"```text\n{help_of()}\n```\n"]
    sections += [f"## zoo {name}\n\n```text\n{help_of(name)}\n```\n" for name in names()]
    return "\n".join(sections)


def main() -> int:
    """Write or check; the exit code."""
    return write_or_check(FILE, reference, "generate_cli.py", __doc__)


if __name__ == "__main__":
    sys.exit(main())
