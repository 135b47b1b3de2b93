"""Which of very many examples are alike, in 16 bytes each: splits and their overlap, as :mod:`.splits` finds them.

The input of an example is known by the first 64 bits of a SHA-256, which also give its place in the order of chance;
that two inputs of ten million are taken for one has a probability of 3 in a million. The results are those of
:func:`~taskzoo.data.splits.split_examples` and :func:`~taskzoo.data.splits.overlap_report` for examples without groups.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from taskzoo.errors import RequestError
from taskzoo.option_names import option_name

from .splits import EXAMPLES, FEW_UNITS, MOST_STRATA, PART_NAMES, ROWS_PER_STRATUM, chance_order

Place = Callable[[str, int], str]
"""From a split and the number of an example to where it stands, for people."""
_BLOCK = 100_000


@dataclass(frozen=True, slots=True)
class Keys:
    """Of every example of a split: ``given`` its input, ``target`` its target, both uint64.

    ``names`` are the targets by their number, of one more than there may be strata at most.
    """

    given: np.ndarray
    target: np.ndarray
    names: Mapping[int, str]

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]], seed: int) -> Keys:
        """From the ``dedup_key`` of each example."""
        found, names = bytearray(), dict[int, str]()
        numbers = dict[str, bytes]()
        for given, target in pairs:
            if (number := numbers.get(target)) is None:
                number = hashlib.blake2b(target.encode("utf-8", "surrogatepass"), digest_size=8).digest()
                if len(names) <= MOST_STRATA:
                    numbers[target], names[int.from_bytes(number, "little")] = number, target
            found += bytes.fromhex(chance_order(seed, given)[:16])
            found += number
        table = np.frombuffer(bytes(found), dtype="<u8").reshape(-1, 2)
        return cls(table[:, 0].byteswap(), table[:, 1].copy(), names)

    def take(self, indices: np.ndarray) -> Keys:
        """Those of some of the examples."""
        return Keys(self.given[indices], self.target[indices], self.names)


def split_keys(
    keys: Keys, *, seed: int, fractions: tuple[float, float], stratify: bool
) -> tuple[list[np.ndarray], dict[str, Any]]:
    """The indices of train, validation and test, and facts for the manifest.

    Raises:
        RequestError: too few distinct inputs for one in each part.
    """
    inputs, unit, sizes = np.unique(keys.given, return_inverse=True, return_counts=True)
    unit = unit.astype(np.int32)
    parts = 1 + sum(fraction > 0 for fraction in fractions)
    if len(inputs) < parts:
        raise RequestError(
            f"The {len(unit)} rows have {len(inputs)} distinct inputs, too few to split into {parts} parts; add rows, "
            f"or give {option_name('validation')} and {option_name('test')}."
        )
    targets, target = np.unique(keys.target, return_inverse=True)
    stratified = stratify and 1 < len(targets) <= MOST_STRATA and len(targets) * ROWS_PER_STRATUM <= len(unit)
    stratum = np.zeros(len(inputs), dtype=np.int32)
    if stratified:
        by_name = np.argsort(np.argsort([keys.names[number] for number in targets.tolist()]))
        stratum = _strata(unit, sizes, by_name[target], len(targets))
    part = _choose(sizes, stratum, fractions)[unit]
    indices = [np.flatnonzero(part == number) for number in range(3)]
    return indices, {
        "method": "stratified" if stratified else "random",
        "seed": seed,
        "fractions": list(fractions),
        "grouped": False,
        "units": len(inputs),
        "sizes": {name: len(part) for name, part in zip(PART_NAMES, indices, strict=True)},
        "indices_sha256": {name: _digest(part) for name, part in zip(PART_NAMES, indices, strict=True)},
    }


def overlap_of(keys: Mapping[str, Keys], place: Place, *, multi_reference: bool) -> dict[str, dict[str, Any]]:
    """What the splits share that they should not."""
    report: dict[str, dict[str, Any]] = {}
    for a, b in (("train", "test"), ("train", "validation"), ("validation", "test")):
        if a in keys and b in keys:
            shared = np.flatnonzero(_among(keys[b].given, np.sort(keys[a].given)))
            first = [int(np.argmax(keys[a].given == keys[b].given[row])) for row in shared[:EXAMPLES]]
            pairs = zip(first, shared.tolist(), strict=False)
            report[f"{a}_{b}"] = _summary(len(shared), [[place(a, one), place(b, other)] for one, other in pairs])
    if multi_reference:
        return report | ({"repeated_pairs": _repeated(_pairs(keys["train"]), place)} if "train" in keys else {})
    if "train" in keys:
        report["inside_train"] = _repeated(keys["train"].given, place)
    return report | {"conflicting_targets": _conflicts(keys, place)}


def _repeated(values: np.ndarray, place: Place) -> dict[str, Any]:
    """The training rows whose value occurs earlier."""
    rows = np.flatnonzero(_among(values, _several(values)))
    again = np.ones(len(rows), dtype=bool)
    again[np.unique(values[rows], return_index=True)[1]] = False
    rows = rows[again]
    first = [int(np.argmax(values == values[row])) for row in rows[:EXAMPLES]]
    shown = zip(first, rows.tolist(), strict=False)
    return _summary(len(rows), [[place("train", one), place("train", other)] for one, other in shown])


def _conflicts(keys: Mapping[str, Keys], place: Place) -> dict[str, Any]:
    """The inputs that have more than one target, in any split."""
    given = np.concatenate([one.given for one in keys.values()])
    rows = np.flatnonzero(_among(given, _several(given)))
    pairs = np.concatenate([_pairs(one) for one in keys.values()])[rows]
    kept = rows[np.sort(np.unique(pairs, return_index=True)[1])]  # the first row of each input with each target
    _, first, count = np.unique(given[kept], return_index=True, return_counts=True)
    several = np.sort(kept[first[count > 1]])[:EXAMPLES]
    shown = []
    for row in several:
        same = kept[given[kept] == given[row]][:2]
        shown.append([_placed(int(one), keys, place) for one in same])
    return _summary(int((count > 1).sum()), shown)


def _placed(index: int, keys: Mapping[str, Keys], place: Place) -> str:
    """Where the example stands that has this index among those of all splits."""
    for split, one in keys.items():
        if index < len(one.given):
            return place(split, index)
        index -= len(one.given)
    raise IndexError(index)


def _pairs(keys: Keys) -> np.ndarray:
    """A number for each input with its target."""
    mixed: np.ndarray = keys.given * np.uint64(0x9E3779B97F4A7C15) ^ keys.target
    return mixed


def _summary(count: int, examples: list[list[str]]) -> dict[str, Any]:
    return {"count": count, "examples": examples}


def _several(values: np.ndarray) -> np.ndarray:
    """The values that occur more than once, sorted."""
    ordered = np.sort(values)
    found: np.ndarray = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    return found


def _among(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of the values are among the others, which are sorted."""
    if not len(others):
        return np.zeros(len(values), dtype=bool)
    places = np.searchsorted(others, values)
    places[places == len(others)] = 0
    found: np.ndarray = others[places] == values
    return found


def _strata(unit: np.ndarray, sizes: np.ndarray, target: np.ndarray, count: int) -> np.ndarray:
    """The stratum of each unit: its most frequent target, or its rarest, if few units have that."""
    alone = sizes[unit] == 1
    strata = np.zeros(len(sizes), dtype=np.int32)
    strata[unit[alone]] = target[alone]
    pairs, rows = np.unique(unit[~alone].astype(np.int64) * count + target[~alone], return_counts=True)
    units, targets = np.divmod(pairs, count)
    spread = np.bincount(target[alone], minlength=count) + np.bincount(targets, minlength=count)
    most = _first_of_each(units, np.lexsort((targets, -rows, units)))
    rarest = _first_of_each(units, np.lexsort((targets, spread[targets], units)))
    is_rare = spread[targets[rarest]] <= FEW_UNITS
    strata[units[most]] = np.where(is_rare, targets[rarest], targets[most])
    return strata


def _first_of_each(unit: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Of pairs in this order, the first of each unit."""
    ordered = unit[order]
    first: np.ndarray = order[np.flatnonzero(np.diff(ordered, prepend=-1))]
    return first


def _choose(sizes: np.ndarray, stratum: np.ndarray, fractions: tuple[float, float]) -> np.ndarray:
    """The part of each unit: 0, 1 or 2; as ``splits._choose``."""
    part = np.zeros(len(sizes), dtype=np.int8)
    owed = [0.0, 0.0]
    listed: list[np.ndarray] = []
    for number in np.unique(stratum):
        left = np.flatnonzero(stratum == number)
        size = int(sizes[left].sum())
        for held, fraction in enumerate(fractions):
            owed[held] += fraction * size
            taken = _take(sizes[left], round(owed[held]))
            owed[held] -= int(sizes[left[taken]].sum())
            part[left[taken]] = 1 + held
            left = left[~taken]
        listed.append(left)
    order = {0: np.concatenate(listed)}
    for held, fraction in enumerate(fractions, 1):
        if fraction and not (part == held).any():  # nothing fitted: the smallest unit, from the stratum with most left
            train = order[0][part[order[0]] == 0]
            others = max((1, 2), key=lambda one: int((part == one).sum()))
            giver = train if len(train) > 1 else np.flatnonzero(part == others)
            left_in = np.bincount(stratum[giver])
            part[giver[np.lexsort((sizes[giver], -left_in[stratum[giver]]))[0]]] = held
    return part


def _take(sizes: np.ndarray, quota: int) -> np.ndarray:
    """Which units fit into ``quota`` rows, the first first, but never all of them."""
    taken = np.zeros(len(sizes), dtype=bool)
    most = len(sizes) - 1
    for place, size in enumerate(sizes):
        if not quota or not most:
            break
        if size <= quota:
            taken[place] = True
            quota, most = quota - int(size), most - 1
    return taken


def _digest(indices: np.ndarray) -> str:
    """SHA-256 of the indices as a list in JSON."""
    digest = hashlib.sha256(b"[")
    for start in range(0, len(indices), _BLOCK):
        listed = ", ".join(map(str, indices[start : start + _BLOCK].tolist()))
        digest.update(f"{', ' if start else ''}{listed}".encode())
    digest.update(b"]")
    return digest.hexdigest()
