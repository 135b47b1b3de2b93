"""What the generators of demo data share: chance, the words of texts, files, and the command line.

Nothing but the standard library, so that the same bytes come out everywhere.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
SPLITS = ("train", "validation", "test")
PAIRS_OF_SPLITS = (("train", "validation"), ("train", "test"), ("validation", "test"))


def data_folder(task: str) -> Path:
    """Where the demo data of a built-in task are."""
    return PLUGINS / f"taskzoo_{task}" / "demo"


# chance


class Dice:
    """Choices built on ``random.random()`` alone, the one method whose numbers Python promises never to change."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.decks: dict[str, list[int]] = {}

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def below(self, bound: int) -> int:
        return int(self.rng.random() * bound)

    def pick(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def shuffled(self, items: Iterable[T]) -> list[T]:
        result = list(items)
        for last in range(len(result) - 1, 0, -1):
            other = self.below(last + 1)
            result[last], result[other] = result[other], result[last]
        return result

    def weighted(self, table: Sequence[tuple[float, T]]) -> T:
        point = self.rng.random() * sum(weight for weight, _ in table)
        for weight, item in table:
            point -= weight
            if point < 0:
                return item
        return table[-1][1]

    def deal(self, deck: str, items: Sequence[T]) -> T:
        """An item at random, but every item comes up once before any comes up again."""
        if not self.decks.get(deck):
            self.decks[deck] = self.shuffled(range(len(items)))
        return items[self.decks[deck].pop()]


# texts


def bare(text: str) -> str:
    """A text without case, punctuation and spaces: equal for two texts that differ in nothing else."""
    return "".join(re.findall(r"\w", text.casefold()))


def tokens(text: str) -> list[str]:
    """The words of a text; of Chinese, its characters."""
    return re.findall(r"[一-鿿]|[^\W一-鿿]+", text.casefold())


def runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    """All runs of ``length`` tokens."""
    found = tokens(text)
    return zip(*(found[start:] for start in range(length)), strict=False)


def capitalised(text: str) -> str:
    """The text with a capital at the beginning of each sentence."""
    return re.sub(r"(^|[.!?] )([a-z])", lambda found: found[1] + found[2].upper(), text)


def refuse_repeats(what: str, texts: Iterable[str]) -> None:
    """Raise ``ValueError`` if a text occurs twice."""
    seen: set[str] = set()
    repeated = sorted({text for text in texts if text in seen or seen.add(text)})  # type: ignore[func-returns-value]
    if repeated:
        raise ValueError(f"repeated {what}: {repeated[:3]}")


def refuse_shared(what: str, parts: Mapping[str, set[str]]) -> None:
    """Raise ``ValueError`` if two splits have something in common."""
    for first, second in PAIRS_OF_SPLITS:
        if both := parts[first] & parts[second]:
            raise ValueError(f"{first} and {second} share {what}: {sorted(both)[:3]}")


# files


def to_csv(rows: Iterable[tuple[str, str]]) -> bytes:
    """A table of texts and labels."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("text", "label"))
    writer.writerows(rows)
    return table.getvalue().encode("utf-8")


def to_json_lines(rows: Iterable[Mapping[str, str]]) -> bytes:
    """One JSON object per line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8")


def run(
    files: Callable[[], Mapping[Path, bytes]],
    argv: Sequence[str] | None = None,
    *,
    stats: Callable[[], None] | None = None,
) -> int:
    """The command line of a generator: write its files, or compare them.

    Args:
        files: what is to be in each file.
        argv: the arguments; by default those of the process.
        stats: prints counts.

    Returns:
        The exit status: 1 if ``--check`` found a difference.
    """
    parser = argparse.ArgumentParser(description="Write the built-in demo data of one task into its plugin.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the files differ")
    if stats:
        parser.add_argument("--stats", action="store_true", help="print counts as well")
    options = parser.parse_args(argv)
    if stats and options.stats:
        stats()
    status = 0
    for path, content in files().items():
        if not options.check:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        elif not path.is_file() or path.read_bytes() != content:
            print(f"{path} differs from what the generator writes", file=sys.stderr)
            status = 1
    return status
