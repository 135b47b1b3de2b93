"""The entities of training rows in one line: types, how many of each, and the scheme of the tags."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from taskzoo.types import Example

MOST = 40
"""Types that are named."""


def describe_entities(examples: Sequence[Example]) -> str:
    """``types: LOC (12), PER (5), Per (7); tags in IOB2; 'PER' and 'Per' differ in case only``."""
    counts = Counter(entity["label"] for example in examples for entity in example["entities"])
    unused = {tag[2:] for example in examples for tag in example["tags"] if tag != "O"} - counts.keys()
    counts.update(dict.fromkeys(unused, 0))
    shown = [f"{name} ({count})" for name, count in sorted(counts.items())]
    more = f" and {len(shown) - MOST} more" if len(shown) > MOST else ""
    notes = [f"{f'{len(shown)} ' if len(shown) > 3 else ''}types: {', '.join(shown[:MOST])}{more}"]
    if schemes := sorted({example["_scheme"] for example in examples if example["_scheme"]}):
        notes.append(f"tags in {' and '.join(schemes)}")
    without = sum(not example["entities"] for example in examples)
    if without:
        notes.append(f"{without} of {len(examples)} rows without an entity")
    similar: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(counts):
        similar["".join(c for c in name.casefold() if c.isalnum())].append(name)
    notes += [f"{' and '.join(map(repr, names))} look alike" for names in similar.values() if len(names) > 1]
    return "; ".join(notes)
