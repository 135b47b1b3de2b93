"""Write the built-in sentiment demo data: train, validation and test, English, ``zh``, ``stars`` and ``intensity``.

``english.txt``, ``chinese.txt``, ``stars.txt`` and ``intensity.txt`` hold everything that is language: patterns and
word lists for train and for validation, each split with its own, and the test texts, which were written out by hand
one by one. ``check`` proves before anything is written that test shares neither a pattern nor a longer run of words
with the other splits.

    python -m tools.demo.sentiment.generate            write the files
    python -m tools.demo.sentiment.generate --check    exit with status 1 if the files differ
"""

from __future__ import annotations

import re
import statistics
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.demo.patterns import Example, Source, Words, check_texts, read_source
from tools.demo.shared import SPLITS, Dice, bare, capitalised, data_folder, run, to_csv, tokens

SOURCES = Path(__file__).resolve().parent
DATA = data_folder("sentiment")
SEED = 20241103
CHAT_SHARE = 0.12
LOWEST, HIGHEST = -4.0, 4.0  # of values
LARGEST_MEAN, SMALLEST_DEVIATION = 0.5, 1.5  # what makes values balanced


class Collection(NamedTuple):
    """One data set: its source files (patterns from the first, words from all), where it goes, and its sizes."""

    sources: tuple[str, ...]
    folder: str
    sizes: dict[str, int]
    longest_shared: int = 5  # so many words (characters, in Chinese) in a row may a test text share with another split
    values: bool = False  # numbers in the place of classes


SMALL = {"train": 400, "validation": 80, "test": 100}
COLLECTIONS = (
    Collection(("english.txt",), ".", {"train": 1100, "validation": 150, "test": 200}),
    Collection(("chinese.txt",), "zh", {"train": 800, "validation": 120, "test": 160}, longest_shared=8),
    Collection(("stars.txt", "english.txt"), "stars", SMALL),
    Collection(("intensity.txt",), "intensity", SMALL, values=True),
)


# generating


def fill(pattern: str, words: Words, dice: Dice) -> tuple[str, float]:
    """The pattern with its alternatives chosen and its words filled in, and the sum of what its items are worth."""
    topics = list(dict.fromkeys(name.partition(".")[0] for name in words if "." in name))
    topic = dice.deal("topic", topics) if topics else ""
    begun: set[str] = set()
    worth = 0.0

    def put(found: re.Match[str]) -> str:
        nonlocal worth
        name = topic + found[1] if found[1].startswith(".") else found[1]
        item = dice.deal(name, words[name])
        for _ in words[
            name
        ]:  # clauses of one text speak of different things: "the soup was hot, but the soup was cold"
            if beginning(item) not in begun:
                break
            item = dice.deal(name, words[name])
        begun.add(beginning(item))
        text, _, points = item.partition(" @")
        worth += float(points or 0)
        return text

    text = re.sub(r"\[([^\[\]]*)\]", lambda found: dice.deal(found[0], found[1].split("|")), pattern)
    text = re.sub(r"\{(\.?\w+)\}", put, text)
    return capitalised(text), worth


def beginning(text: str) -> str:
    """The first two words (characters, in Chinese)."""
    return " ".join(tokens(text)[:2])


def split_base(pattern: str, values: bool) -> tuple[float, str]:
    """A pattern's own part of the value and the pattern proper: ``+1.5 Nice.`` -> ``(1.5, "Nice.")``."""
    return (float(pattern[:4]), pattern[5:]) if values else (0.0, pattern)


def value_label(value: float) -> str:
    """A value in its range, with one digit after the point."""
    return str(round(min(max(value, LOWEST), HIGHEST), 1) + 0.0)  # adding 0.0 turns "-0.0" into "0.0"


def make_split(source: Source, collection: Collection, split: str, dice: Dice) -> list[Example]:
    """The examples of one split, as many for every label as for the others (or one more), shuffled."""
    examples: dict[str, Example] = {}
    labels = list(source.patterns[split])
    for number, label in enumerate(labels):
        patterns = source.patterns[split][label]
        if split == "test":
            for pattern in patterns:
                base, text = split_base(pattern, collection.values)
                examples[text] = Example(text, value_label(base) if collection.values else label, text)
            continue
        wanted = len(examples) + len(range(number, collection.sizes[split], len(labels)))
        for _ in range(100 * collection.sizes[split]):
            if len(examples) == wanted:
                break
            base, pattern = split_base(dice.deal(label, patterns), collection.values)
            text, worth = fill(pattern, source.words[split], dice)
            text = text.lower().rstrip(".。") if dice.chance(CHAT_SHARE) else text
            made = Example(text, value_label(base + worth) if collection.values else label, pattern)
            examples.setdefault(bare(text), made)
    return dice.shuffled(list(examples.values()))


# the checks


def balanced(labels: Sequence[str], values: bool) -> bool:
    """Whether classes are equally frequent (give or take one), or values lie around 0 and far enough from it."""
    if values:
        numbers = [float(label) for label in labels]
        return abs(statistics.mean(numbers)) <= LARGEST_MEAN and statistics.pstdev(numbers) >= SMALLEST_DEVIATION
    counts = Counter(labels).values()
    return max(counts) - min(counts) <= 1


def check(data: Mapping[str, Sequence[Example]], source: Source, collection: Collection) -> None:
    """Raise ``ValueError`` if splits share what they should not, or if sizes, labels or texts are wrong."""
    check_texts(data, source, collection.sizes, collection.longest_shared)
    for split, examples in data.items():
        labels = [example.label for example in examples]
        if not balanced(labels, collection.values):
            raise ValueError(f"{split}: the labels are not balanced: {Counter(labels)}")


# the files


def generate(collection: Collection) -> dict[str, list[Example]]:
    """The checked examples of all splits of one collection."""
    source = read_source(*(SOURCES / name for name in collection.sources))
    data = {split: make_split(source, collection, split, Dice(SEED + number)) for number, split in enumerate(SPLITS)}
    check(data, source, collection)
    return data


def files() -> dict[Path, bytes]:
    """Every file and what it is to hold."""
    return {
        DATA / collection.folder / f"{split}.csv": to_csv((example.text, example.label) for example in examples)
        for collection in COLLECTIONS
        for split, examples in generate(collection).items()
    }


if __name__ == "__main__":
    sys.exit(run(files))
