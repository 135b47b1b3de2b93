"""Write ``docs/checks.md`` from what the checks find in broken plugins: ``python docs/generate_checks.py [--check]``.

It takes some minutes. ``--check`` writes nothing and exits with 1 when the file is stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

from generated import write_or_check

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> int:
    """Write or check; the exit code. Each finding is told on stderr."""
    from tests.contract.mutation import FILE, page, verdicts

    from taskzoo.cli.process import set_up_process

    def text() -> str:
        found = []
        for check, mutant, verdict in verdicts():
            found.append((check, mutant, verdict))
            told = f"{', '.join(verdict.failed)} | {', '.join(verdict.follows)} | {verdict.reasons}"
            print(f"{mutant.__name__:<26}{told}", file=sys.stderr, flush=True)
        return page(found)

    set_up_process()
    return write_or_check(FILE, text, "generate_checks.py", __doc__)


if __name__ == "__main__":
    sys.exit(main())
