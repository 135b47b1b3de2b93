"""Labelled texts for the benchmarks: reading the data sets, and choosing rows of every class by a seed."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, zip_longest
from pathlib import Path

Texts = list[tuple[str, str]]
"""Pairs of a text and its label."""

SPLITS = ("train", "validation", "test")


def read_folder(folder: Path) -> dict[str, Texts]:
    """``train`` and ``test`` of BANKING77 (``train.csv``, ``test.csv``) or of the sentence polarity data.

    The latter (``rt-polarity.pos``, ``.neg``) has no split: 10% of each class become test rows, always the same ones.
    """
    if (folder / "rt-polarity.pos").is_file():
        rows: Texts = []
        for label in ("pos", "neg"):
            content = (folder / f"rt-polarity.{label}").read_text(encoding="utf-8")
            rows += [(line.strip(), label) for line in content.split("\n") if line.strip()]
        train, test = hold_out(rows, 0.1, seed=0)
        return {"train": train, "test": test}
    return {name: read_csv(folder / f"{name}.csv", label="category") for name in ("train", "test")}


def read_csv(path: Path, *, label: str = "label") -> Texts:
    """The rows of a CSV file with a column ``text`` and one for the label."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row[label]) for row in csv.DictReader(file)]


def write_csv(path: Path, rows: Texts) -> None:
    """Write rows under the heads ``text`` and ``label``."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])


def hold_out(rows: Texts, share: float, *, seed: int) -> tuple[Texts, Texts]:
    """The rows without ``share`` of every class (one row at least), and those; both shuffled."""
    chance = random.Random(seed)
    kept: Texts = []
    held: Texts = []
    for group in by_class(rows, chance):
        count = min(max(1, round(share * len(group))), len(group) - 1)
        held += group[:count]
        kept += group[count:]
    chance.shuffle(kept)
    chance.shuffle(held)
    return kept, held


def choose_shots(rows: Texts, shots: int, *, seed: int) -> Texts:
    """``shots`` rows of every class, or all it has; shuffled."""
    chance = random.Random(seed)
    chosen = [row for group in by_class(rows, chance) for row in group[:shots]]
    chance.shuffle(chosen)
    return chosen


def at_most(rows: Texts, limit: int | None) -> Texts:
    """The first ``limit`` rows when the classes take turns; all rows without a limit."""
    if not limit:
        return rows
    turns = zip_longest(*by_class(rows, random.Random(0)))
    return [row for row in chain.from_iterable(turns) if row is not None][:limit]


def by_class(rows: Sequence[tuple[str, str]], chance: random.Random) -> list[Texts]:
    """The rows of each class, in the order of ``chance``; classes in the order of their names."""
    groups: dict[str, Texts] = defaultdict(list)
    for row in rows:
        groups[row[1]].append(row)
    return [chance.sample(groups[label], len(groups[label])) for label in sorted(groups)]


def score(predicted: Sequence[str], gold: Sequence[str]) -> dict[str, float]:
    """Accuracy and macro F1 by scikit-learn."""
    from sklearn.metrics import accuracy_score, f1_score

    return {
        "accuracy": float(accuracy_score(gold, predicted)),
        "f1_macro": float(f1_score(gold, predicted, average="macro")),
    }
