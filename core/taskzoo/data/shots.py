"""A few rows of every class, for few-shot training."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any

from taskzoo.errors import RequestError
from taskzoo.option_names import option_name
from taskzoo.types import Example

from .splits import DedupKey, chance_order

_Place = tuple[str, str, int]
"""Where chance puts an input and a target, and the index of the row that has them."""


def take_shots(
    examples: Sequence[Example],
    classes: Callable[[Example], Sequence[str]],
    shots: int,
    seed: int,
    *,
    dedup_key: DedupKey | None = None,
) -> tuple[list[Example], dict[str, Any]]:
    """``(examples, info)`` with ``shots`` examples of every class, in the order of ``examples``.

    The choice is by a hash of seed and input, so it depends neither on the order of the rows nor on any library's
    version, and with one class per row the rows for fewer shots are among those for more. Of rows with the same input
    one is used: that of the class with the fewest other inputs. A row with several classes counts for each of them:
    classes take rows from the rarest to the most frequent, until each has its number, so that a frequent class may end
    with more. Rows without a class are left out.

    Args:
        examples: for training.
        classes: the classes of a row.
        shots: rows per class, at least 1.
        seed: another seed, another choice.
        dedup_key: the task's; only its input counts. By default all fields together are the input.

    Returns:
        The rows and ``info`` for the manifest: ``shots``, ``seed``, ``rows`` (how many were taken), and ``short``
        (class -> number of rows, for classes that have fewer; 0 where the rows of other classes with the same inputs
        were used).

    Raises:
        RequestError: ``shots`` below 1, or no row has a class.
    """
    if shots < 1:
        raise RequestError(f"The number of shots is {shots} and must be at least 1.")
    rows: dict[str, list[_Place]] = defaultdict(list)  # input -> its rows
    for index, row in enumerate(examples):
        given, target = dedup_key(row) if dedup_key else (json.dumps(dict(row.fields), sort_keys=True, default=str), "")
        if classes(row):
            rows[given].append((chance_order(seed, given), chance_order(seed, target), index))
    members: dict[str, list[int]] = defaultdict(list)  # class -> rows, in the order that chance gives them
    for index in _one_of_each(sorted(map(sorted, rows.values())), [set(classes(row)) for row in examples]):
        for name in dict.fromkeys(classes(examples[index])):
            members[name].append(index)
    if not members:
        fix = f"leave {option_name('shots')} out"
        raise RequestError(f"None of the training rows has a class, so there are no shots to take; {fix}.")
    taken: set[int] = set()
    have: Counter[str] = Counter()
    for name in sorted(members, key=lambda name: (len(members[name]), name)):
        for index in members[name]:
            if have[name] >= shots:
                break
            if index not in taken:
                taken.add(index)
                have.update(dict.fromkeys(classes(examples[index]), 1))
    every = sorted({name for row in examples for name in classes(row)})
    short = {name: len(members.get(name, ())) for name in every if len(members.get(name, ())) < shots}
    chosen = [examples[index] for index in sorted(taken)]
    return chosen, {"shots": shots, "seed": seed, "rows": len(chosen), "short": short}


def _one_of_each(inputs: Sequence[Sequence[_Place]], classes: Sequence[Collection[str]]) -> list[int]:
    """One row of each input; where they differ in their classes, one of the class that has the fewest so far.

    Args:
        inputs: the rows of each input.
        classes: of every row.
    """
    alike = [{frozenset(classes[index]) for *_, index in places} for places in inputs]
    have = Counter(name for kinds in alike if len(kinds) == 1 for name in next(iter(kinds)))
    spread = Counter(name for kinds in alike for name in frozenset().union(*kinds))
    chosen = []
    for places, kinds in zip(inputs, alike, strict=True):
        best = min(places, key=lambda place: (min((have[n], spread[n]) for n in classes[place[2]]), place))
        chosen.append(best[2])
        if len(kinds) > 1:
            have.update(classes[best[2]])
    return chosen
