"""Folds for cross-validation: each row is in one, together with all rows that it must stay with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

from taskzoo.errors import RequestError
from taskzoo.option_names import option_name
from taskzoo.types import Example

from .splits import DedupKey, units_of


def parse_fold(text: str) -> tuple[int, int]:
    """``"2/5"`` as fold 2 of 5.

    Raises:
        RequestError: it is not of this form, or there is no such fold.
    """
    one, slash, all_of_them = text.partition("/")
    if slash and one.isdecimal() and all_of_them.isdecimal() and 1 <= int(one) <= int(all_of_them) >= 2:
        return int(one), int(all_of_them)
    raise RequestError(f"The fold {text!r} is not of the form 2/5: the second of five; two folds are the least.")


def assign_folds(
    examples: Sequence[Example],
    folds: int,
    *,
    dedup_key: DedupKey,
    seed: int,
    groups: Sequence[Hashable | None] | None = None,
    stratify: bool = True,
) -> tuple[list[int], bool]:
    """The fold of each example, from 1, and whether folds are stratified.

    Examples with the same input or group are in one fold. Where :func:`~taskzoo.data.splits.split_examples` would
    split in proportion, every target is dealt out over the folds. Only the inputs, the targets and the seed decide,
    not the order of the examples.

    Raises:
        RequestError: fewer distinct inputs or groups than folds.
    """
    units, stratified = units_of(examples, dedup_key=dedup_key, seed=seed, groups=groups, stratify=stratify)
    if len(units) < folds:
        kind = "distinct inputs" if groups is None else "distinct groups"
        raise RequestError(
            f"The {len(examples)} training rows have {len(units)} {kind}, too few for {folds} folds; give fewer "
            f"{option_name('folds')} or more rows."
        )
    sizes, of_stratum = [0] * folds, defaultdict[str, Counter[int]](Counter)
    found = [0] * len(examples)
    # the largest first, for what is small evens out what is large
    for unit in sorted(units, key=lambda unit: (-len(unit.rows), unit.stratum, unit.order)):
        seen = of_stratum[unit.stratum]
        fold = min(range(folds), key=lambda fold: (seen[fold], sizes[fold], fold))
        seen[fold] += len(unit.rows)
        sizes[fold] += len(unit.rows)
        for row in unit.rows:
            found[row] = fold + 1
    return found, stratified
