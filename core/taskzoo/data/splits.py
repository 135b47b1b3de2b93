"""Train, validation and test parts of one data set, and what such parts have in common.

Both compare examples by a task's ``dedup_key``: ``(input, target)``, two strings.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taskzoo.errors import RequestError
from taskzoo.option_names import option_name
from taskzoo.types import Example

DedupKey = Callable[[Example], tuple[str, str]]

PART_NAMES = ("train", "validation", "test")
MOST_STRATA = 100
ROWS_PER_STRATUM = 3
FEW_UNITS = 3
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Unit:
    """Examples that must stay together: same input, or same group."""

    rows: list[int]
    order: str  # where chance puts it
    stratum: str


def split_examples(
    examples: Sequence[Example],
    *,
    dedup_key: DedupKey,
    seed: int,
    fractions: tuple[float, float] = (0.1, 0.1),
    groups: Sequence[Hashable | None] | None = None,
    stratify: bool = True,
) -> tuple[list[Example], list[Example], list[Example], dict[str, Any]]:
    """``(train, validation, test, info)``, each part in the order of ``examples``.

    Examples with the same input, or the same group, never straddle the parts. When there are at most 100 distinct
    targets, and three examples for each on average, every target is split in proportion, and each keeps some of its
    examples in train; a group is assigned to its most frequent target, so that with mixed groups the proportions are
    approximate. The order is a hash of seed and input, so it depends neither on the order of the examples nor on any
    library's version.

    Args:
        examples: all of them.
        dedup_key: the task's.
        seed: another seed, another split.
        fractions: of validation and test; 0 leaves a part empty (when its file is given already).
        groups: one key per example, e.g. its document; ``None`` for one that belongs to none.
        stratify: whether targets may be split in proportion; not where they are texts.

    Returns:
        The parts and ``info`` for the manifest: method, seed, fractions, whether there were groups, the number of
        units that stay together, sizes, SHA-256 of each part's indices.

    Raises:
        RequestError: fractions that make no sense, or too few distinct inputs for one in each part.
    """
    if min(fractions) < 0 or sum(fractions) >= 1:
        raise RequestError(f"The fractions {fractions} of validation and test must be 0 or more and sum to below 1.")
    if groups is not None and len(groups) != len(examples):
        raise RequestError(f"There are {len(groups)} groups for {len(examples)} rows; give one per row.")
    units, stratified = units_of(examples, dedup_key=dedup_key, seed=seed, groups=groups, stratify=stratify)
    parts = 1 + sum(fraction > 0 for fraction in fractions)
    if len(units) < parts:
        kind = "distinct inputs" if groups is None else "distinct groups"
        message = f"The {len(examples)} rows have {len(units)} {kind}, too few to split into {parts} parts"
        raise RequestError(f"{message}; add rows, or give {option_name('validation')} and {option_name('test')}.")
    chosen = _choose(units, fractions)
    indices = [sorted(i for unit in part for i in unit.rows) for part in chosen]
    info = {
        "method": "stratified" if stratified else "random",
        "seed": seed,
        "fractions": list(fractions),
        "grouped": groups is not None,
        "units": len(units),
        "sizes": {name: len(part) for name, part in zip(PART_NAMES, indices, strict=True)},
        "indices_sha256": {name: _hash(json.dumps(part)) for name, part in zip(PART_NAMES, indices, strict=True)},
    }
    train, validation, test = ([examples[i] for i in part] for part in indices)
    return train, validation, test, info


def units_of(
    examples: Sequence[Example],
    *,
    dedup_key: DedupKey,
    seed: int,
    groups: Sequence[Hashable | None] | None = None,
    stratify: bool = True,
) -> tuple[list[Unit], bool]:
    """What stays together, in the order that chance gives it, and whether it has strata: see :func:`split_examples`."""
    keys = [dedup_key(example) for example in examples]
    distinct = len({target for _, target in keys})
    stratified = stratify and 1 < distinct <= MOST_STRATA and distinct * ROWS_PER_STRATUM <= len(keys)
    return _units(keys, seed, groups, stratified), stratified


def chance_order(seed: int, given: str) -> str:
    """Where chance puts a row with this input: sorting by it shuffles, the same way everywhere."""
    return _hash(f"{seed}\0{given}")


def overlap_report(
    splits: Mapping[str, Sequence[Example]], dedup_key: DedupKey, *, multi_reference: bool = False
) -> dict[str, dict[str, Any]]:
    """What the parts share that they should not; JSON-able.

    Keys: ``train_test``, ``train_validation``, ``validation_test`` (rows of the second part whose input is in the
    first), ``inside_train`` (rows whose input occurs earlier in train) and ``conflicting_targets`` (distinct inputs
    with more than one target, in any part). Values: ``count`` and up to three ``examples``, each the locations
    ``part file:line`` of two such rows. A pair is left out when one of its parts is missing.

    With ``multi_reference`` an input may well have several targets, as a sentence has several translations; instead of
    ``inside_train`` and ``conflicting_targets`` there is then ``repeated_pairs``: rows of train whose input and target
    occur earlier there.
    """
    first: dict[str, dict[str, str]] = {}  # part -> input -> location
    inside: list[tuple[str, str]] = []
    repeated: list[tuple[str, str]] = []
    pairs: dict[tuple[str, str], str] = {}  # input and target in train -> location
    targets: dict[str, dict[str, str]] = defaultdict(dict)  # input -> target -> location
    listed: dict[str, list[tuple[str, str]]] = {}  # part -> (input, location)
    for name, rows in splits.items():
        seen = first.setdefault(name, {})
        listed[name] = []
        for row in rows:
            given, target = dedup_key(row)
            where = f"{name} {row.source}:{row.line}"
            listed[name].append((given, where))
            targets[given].setdefault(target, where)
            if name == "train" and given in seen:
                inside.append((seen[given], where))
            if name == "train" and (earlier := pairs.setdefault((given, target), where)) is not where:
                repeated.append((earlier, where))
            seen.setdefault(given, where)
    report: dict[str, dict[str, Any]] = {}
    for a, b in (("train", "test"), ("train", "validation"), ("validation", "test")):
        if a in splits and b in splits:
            report[f"{a}_{b}"] = _summary([(first[a][given], where) for given, where in listed[b] if given in first[a]])
    if multi_reference:
        return {**report, "repeated_pairs": _summary(repeated)} if "train" in splits else report
    if "train" in splits:
        report["inside_train"] = _summary(inside)
    conflicts = [tuple(locations.values())[:2] for locations in targets.values() if len(locations) > 1]
    return {**report, "conflicting_targets": _summary(conflicts)}


def _summary(found: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    return {"count": len(found), "examples": [list(locations) for locations in found[:EXAMPLES]]}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _units(
    keys: Sequence[tuple[str, str]], seed: int, groups: Sequence[Hashable | None] | None, stratified: bool
) -> list[Unit]:
    """Units in the order that chance gives them.

    The stratum of a unit is its most frequent target; but a target that few units have names their stratum, because a
    stratum always leaves one of its units in train.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for index, root in enumerate(_joined(keys, groups)):
        members[root].append(index)
    targets = {root: Counter(keys[i][1] for i in indices) for root, indices in members.items()}
    spread = Counter(target for counts in targets.values() for target in counts)  # target -> units that have it
    units = []
    for root, indices in members.items():
        given = min(keys[i][0] for i in indices)
        counts = targets[root]
        rarest = min(counts, key=lambda target: (spread[target], target))
        most = min(counts, key=lambda target: (-counts[target], target))
        stratum = (rarest if spread[rarest] <= FEW_UNITS else most) if stratified else ""
        units.append(Unit(indices, chance_order(seed, given), stratum))
    return sorted(units, key=lambda unit: unit.order)


def _joined(keys: Sequence[tuple[str, str]], groups: Sequence[Hashable | None] | None) -> list[int]:
    """For every example one that stands for all those it must stay with (union-find)."""
    parent = list(range(len(keys)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first: dict[tuple[str, Hashable], int] = {}
    for index, (given, _) in enumerate(keys):
        for key in (("input", given), ("group", groups[index] if groups else None)):
            if key[1] is not None:
                parent[root(index)] = root(first.setdefault(key, index))
    return [root(index) for index in range(len(keys))]


def _choose(units: Sequence[Unit], fractions: tuple[float, float]) -> tuple[list[Unit], ...]:
    """Units of train, validation and test.

    Every stratum gives its share; what rounding leaves is carried to the next stratum, so that the totals are right.
    """
    strata: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        strata[unit.stratum].append(unit)
    train: list[Unit] = []
    held: tuple[list[Unit], list[Unit]] = ([], [])
    owed = [0.0, 0.0]
    for _, left in sorted(strata.items()):
        size = sum(len(unit.rows) for unit in left)
        for part, fraction in enumerate(fractions):
            owed[part] += fraction * size
            taken, left = _take(left, round(owed[part]))
            owed[part] -= sum(len(unit.rows) for unit in taken)
            held[part].extend(taken)
        train.extend(left)
    for part, fraction in enumerate(fractions):
        if fraction and not held[part]:  # nothing fitted: the smallest unit, from the stratum that has most left
            giver = train if len(train) > 1 else max(held, key=len)
            left_in = Counter(unit.stratum for unit in giver)
            unit = min(giver, key=lambda unit: (-left_in[unit.stratum], len(unit.rows)))
            giver.remove(unit)
            held[part].append(unit)
    return train, *held


def _take(units: list[Unit], quota: int) -> tuple[list[Unit], list[Unit]]:
    """The first units that fit into ``quota`` rows, but never all of them; and the others."""
    taken: list[Unit] = []
    left: list[Unit] = []
    for unit in units:
        if len(unit.rows) <= quota and len(taken) + 1 < len(units):
            taken.append(unit)
            quota -= len(unit.rows)
        else:
            left.append(unit)
    return taken, left
