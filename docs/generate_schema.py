"""Write ``docs/registry.schema.json``: ``python docs/generate_schema.py [--check]``.

``--check`` writes nothing and exits with 1 when the file is stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from taskzoo.registry.json_schema import FILE, catalogue_schema

PATH = Path(__file__).with_name(FILE)


def page() -> str:
    """The file as it should be."""
    return json.dumps(catalogue_schema(), indent=1) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        sys.exit(int(PATH.read_text(encoding="utf-8") != page()))
    PATH.write_text(page(), encoding="utf-8")
