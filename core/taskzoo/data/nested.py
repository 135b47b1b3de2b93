"""Ever larger subsets of training rows, each part of the next, for learning curves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from taskzoo.errors import RequestError
from taskzoo.types import Example

from .shots import take_shots
from .splits import DedupKey, chance_order

FEWEST_SIZES, MOST_SIZES = 3, 8
PER_CLASS, FEWEST_ROWS = 8, 16
"""The smallest subset by default: rows per class, and rows of a task without classes."""


def nested_order(
    examples: Sequence[Example], classes: Callable[[Example], Sequence[str]], dedup_key: DedupKey, seed: int
) -> list[int]:
    """Indices of ``examples`` in an order of which every beginning is a stratified subset.

    First comes an example of every class, then all others so that classes grow in proportion; one with several classes
    is assigned to its rarest. Chance is a hash of ``seed`` and input, so that the order of the examples does not matter
    but for those with the same input. Examples without any class are in the order of that hash.
    """
    order = sorted(range(len(examples)), key=lambda i: (chance_order(seed, dedup_key(examples[i])[0]), i))
    names = [list(classes(row)) for row in examples]
    counts = Counter(name for given in names for name in set(given))
    if not counts:
        return order
    first = {id(row) for row in take_shots(examples, classes, 1, seed, dedup_key=dedup_key)[0]}
    strata = [min(given, key=lambda name: (counts[name], name), default=None) for given in names]
    total, seen = Counter(strata), Counter[str | None]()
    place: dict[int, float] = {}
    for index in order:
        place[index] = (seen[strata[index]] + 0.5) / total[strata[index]]
        seen[strata[index]] += 1
    return sorted(order, key=lambda i: (id(examples[i]) not in first, place[i]))


def default_sizes(rows: int, classes: int) -> list[int]:
    """Three to eight sizes in geometric progression, from about 8 rows per class (or 16 rows) to all.

    Raises:
        RequestError: too few rows for three sizes.
    """
    first = max(2, classes, min(PER_CLASS * classes or FEWEST_ROWS, rows // 4))
    found: list[int] = []
    if rows > first:
        count = min(MOST_SIZES, max(FEWEST_SIZES, 1 + round(math.log2(rows / first))))
        found = sorted({round(size) for size in np.geomspace(first, rows, count)})
    if len(found) < FEWEST_SIZES:
        raise RequestError(f"The {rows} training rows are too few for a learning curve of three sizes; add rows.")
    return found


def parse_sizes(text: str, rows: int, classes: int) -> list[int]:
    """``"16,25%,all"`` as numbers of the ``rows`` training rows, in order; a subset needs a row of each class.

    Raises:
        RequestError: not of this form, fewer than three sizes, or sizes that are too small or too large.
    """
    found = set()
    for word in filter(None, map(str.strip, text.split(","))):
        size = _size(word, rows)
        if size > rows:
            raise RequestError(f"--sizes asks for {word}, that is {size} rows, and there are {rows} training rows.")
        if size < max(2, classes):
            needed = f"each of the {classes} classes needs one" if classes > 2 else "two are the least"
            raise RequestError(f"--sizes asks for {size} of the {rows} training rows, but {needed}.")
        found.add(size)
    if len(found) < FEWEST_SIZES:
        raise RequestError(f"--sizes {text} names {len(found)} sizes; a forecast needs at least {FEWEST_SIZES}.")
    return sorted(found)


def _size(word: str, rows: int) -> int:
    if word == "all":
        return rows
    try:
        return round(float(word[:-1]) / 100 * rows) if word.endswith("%") else int(word)
    except (ValueError, OverflowError):
        raise RequestError(f"--sizes {word!r} is neither a number of rows nor a share such as 25%, nor all.") from None
