"""Write ``docs/checks.md`` from what the checks find in broken plugins: ``python docs/generate_checks.py [--check]``.

It takes some minutes. ``--check`` writes nothing and exits with 1 when the file is stale.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> int:
    """Write the page, or compare it with what is there."""
    from tests.contract.mutation import FILE, page, verdicts

    from taskzoo.cli.process import set_up_process

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check_only = parser.parse_args().check
    set_up_process()
    found = []
    for check, mutant, verdict in verdicts():
        found.append((check, mutant, verdict))
        told = f"{mutant.__name__:<26}{', '.join(verdict.failed)} | {', '.join(verdict.follows)} | {verdict.reasons}"
        print(told, file=sys.stderr, flush=True)
    text = page(found)
    if check_only:
        return int(text != FILE.read_text(encoding="utf-8"))
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
