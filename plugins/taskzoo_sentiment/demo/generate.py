"""Write the built-in sentiment demo data: train, validation and test, here and in ``zh``, ``stars``, ``intensity``.

``english.txt``, ``chinese.txt``, ``stars.txt`` and ``intensity.txt`` hold everything that is language: patterns and
word lists for train and for validation, each split with its own, and the test texts, which were written out by hand
one by one. ``check`` proves before anything is written that test shares neither a pattern nor a longer run of words
with the other splits.

    python generate.py            write the twelve files
    python generate.py --check    exit with status 1 if the files on disk differ from what would be written
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import re
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")
Words = dict[str, list[str]]

HERE = Path(__file__).resolve().parent
SEED = 20241103
SPLITS = ("train", "validation", "test")
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


class Example(NamedTuple):
    """One text with its label, and the pattern it was made from: for a text written by hand, the text."""

    text: str
    label: str
    pattern: str


class Source(NamedTuple):
    """What source files hold."""

    words: dict[str, Words]  # split -> name -> items
    patterns: dict[str, dict[str, list[str]]]  # split -> label -> patterns (of test: whole texts)


# ------------------------------------------------------------------------------------------------------- reading


def read_sources(names: Sequence[str]) -> Source:
    """The word lists of all files and the patterns of the first; its header says what the sections are."""
    words: dict[str, Words] = {split: {} for split in SPLITS}
    patterns: dict[str, dict[str, list[str]]] = {split: {} for split in SPLITS}
    for name in names:
        kind, label = "", ""
        for number, raw in enumerate((HERE / name).read_text(encoding="utf-8").splitlines(), start=1):
            line = raw.strip()
            header = re.fullmatch(r"\[(words|train|validation|test) ([^\[\]|]+)\]", line)
            if header:
                kind, label = header.groups()
            elif not line or line.startswith("#"):
                continue
            elif kind == "words":
                key, equals, items = line.partition(" = ")
                if not equals or key in words[label]:
                    raise ValueError(f"{name}:{number}: not a new word list")
                words[label][key] = items.split(" | ")
            elif name == names[0]:
                patterns[kind].setdefault(label, []).append(line)
    return Source(words, patterns)


# ------------------------------------------------------------------------------------------------------ generating


class Dice:
    """Choices built on ``random.random()`` alone, the one method whose numbers Python promises never to change."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.decks: dict[str, list[str]] = {}

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def shuffled(self, items: Sequence[T]) -> list[T]:
        result = list(items)
        for last in range(len(result) - 1, 0, -1):
            other = int(self.rng.random() * (last + 1))
            result[last], result[other] = result[other], result[last]
        return result

    def deal(self, deck: str, items: Sequence[str]) -> str:
        """An item at random, but every item comes up once before any comes up again."""
        if not self.decks.get(deck):
            self.decks[deck] = self.shuffled(items)
        return self.decks[deck].pop()


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
    return re.sub(r"(^|[.!?] )([a-z])", lambda found: found[1] + found[2].upper(), text), worth


def beginning(text: str) -> str:
    """The first two words (characters, in Chinese)."""
    return " ".join(tokens(text)[:2])


def split_base(pattern: str, values: bool) -> tuple[float, str]:
    """A pattern's own part of the value and the pattern proper: ``+1.5 Nice.`` -> ``(1.5, "Nice.")``."""
    return (float(pattern[:4]), pattern[5:]) if values else (0.0, pattern)


def value_label(value: float) -> str:
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


# ------------------------------------------------------------------------------------------------------ the checks


def bare(text: str) -> str:
    """A text without case, punctuation and blanks: equal for two texts that differ in nothing else."""
    return "".join(re.findall(r"\w", text.casefold()))


def tokens(text: str) -> list[str]:
    """The words of a text; where no blanks part words, its characters."""
    return re.findall(r"[一-鿿]|[^\W一-鿿]+", text.casefold())


def runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    """All runs of ``length`` tokens."""
    found = tokens(text)
    return zip(*(found[start:] for start in range(length)), strict=False)


def balanced(labels: Sequence[str], values: bool) -> bool:
    """Whether classes are equally frequent (give or take one), or values lie around 0 and far enough from it."""
    if values:
        numbers = [float(label) for label in labels]
        return abs(statistics.mean(numbers)) <= LARGEST_MEAN and statistics.pstdev(numbers) >= SMALLEST_DEVIATION
    counts = Counter(labels).values()
    return max(counts) - min(counts) <= 1


def check(data: dict[str, list[Example]], source: Source, collection: Collection) -> None:
    """Raise ``ValueError`` if splits share what they should not, or if sizes, labels or texts are wrong."""
    for split, examples in data.items():
        labels = [example.label for example in examples]
        if len(examples) != collection.sizes[split]:
            raise ValueError(f"{split}: {len(examples)} texts, not {collection.sizes[split]}")
        if not balanced(labels, collection.values):
            raise ValueError(f"{split}: the labels are not balanced: {Counter(labels)}")
        broken = [example.text for example in examples if re.search(r"[\[\]{}|@\n]|\s\s|^\s|\s$", example.text)]
        if broken:
            raise ValueError(f"{split}: malformed: {broken[:3]}")
    texts = Counter(bare(example.text) for examples in data.values() for example in examples)
    repeated = [text for text, count in texts.items() if count > 1]
    if repeated:
        raise ValueError(f"repeated texts: {repeated[:3]}")
    for name in source.words["train"].keys() & source.words["validation"].keys():
        shared = set(source.words["train"][name]) & set(source.words["validation"][name])
        if shared:
            raise ValueError(f"train and validation share items of {name}: {shared}")
    for first, second in (("train", "validation"), ("train", "test"), ("validation", "test")):
        both = {example.pattern for example in data[first]} & {example.pattern for example in data[second]}
        if both:
            raise ValueError(f"{first} and {second} share patterns: {sorted(both)[:3]}")
    length = collection.longest_shared + 1
    known = {run for split in ("train", "validation") for e in data[split] for run in runs(e.text, length)}
    copied = [example.text for example in data["test"] if known & set(runs(example.text, length))]
    if copied:
        raise ValueError(f"test texts with {length} words in a row from another split: {copied[:3]}")


# ------------------------------------------------------------------------------------------------------- the files


def generate(collection: Collection) -> dict[str, list[Example]]:
    """The checked examples of all splits of one collection."""
    source = read_sources(collection.sources)
    data = {split: make_split(source, collection, split, Dice(SEED + number)) for number, split in enumerate(SPLITS)}
    check(data, source, collection)
    return data


def to_csv(examples: Sequence[Example]) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("text", "label"))
    writer.writerows((example.text, example.label) for example in examples)
    return table.getvalue()


def files() -> dict[Path, bytes]:
    """Every file and what it is to hold."""
    return {
        HERE / collection.folder / f"{split}.csv": to_csv(examples).encode("utf-8")
        for collection in COLLECTIONS
        for split, examples in generate(collection).items()
    }


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the built-in sentiment demo data beside this script.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the files differ")
    options = parser.parse_args(argv)
    status = 0
    for path, content in files().items():
        if not options.check:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        elif not path.is_file() or path.read_bytes() != content:
            print(f"{path.relative_to(HERE)} differs from what generate.py writes", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
