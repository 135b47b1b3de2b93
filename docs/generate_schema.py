"""Write ``docs/registry.schema.json``: ``python docs/generate_schema.py [--check]``.

``--check`` writes nothing and exits with 1 when the file is stale.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from generated import write_or_check

from taskzoo.registry.json_schema import FILE, catalogue_schema

PATH = Path(__file__).with_name(FILE)


def page() -> str:
    """The file as it should be."""
    return json.dumps(catalogue_schema(), indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(write_or_check(PATH, page, "generate_schema.py", __doc__))
