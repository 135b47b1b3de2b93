"""Write the built-in classification demo data: ``train.csv``, ``validation.csv`` and ``test.csv``, here and in ``zh``.

``english.txt`` and ``chinese.txt`` hold everything that is language: patterns and word lists for train and for
validation, each split with its own, and the test texts, which were written out by hand one by one. ``check`` proves
before anything is written that test shares neither a pattern nor a longer run of words with the other splits.

    python generate.py            write the six files
    python generate.py --check    exit with status 1 if the files on disk differ from what would be written
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")

HERE = Path(__file__).resolve().parent
SEED = 20240915
SPLITS = ("train", "validation", "test")
OPENING_SHARE, CLOSING_SHARE, CHAT_SHARE = 0.15, 0.15, 0.12


class Collection(NamedTuple):
    """One data set: where it comes from and goes to, its sizes, and what its language needs."""

    source: str
    folder: str
    sizes: dict[str, int]
    space: str  # between sentences
    opening: str  # names of the word lists with openings and closings
    closing: str
    longest_shared: int  # so many words (characters, in Chinese) in a row may a test text share with another split


COLLECTIONS = (
    Collection("english.txt", ".", {"train": 1000, "validation": 150, "test": 200}, " ", "opening", "closing", 5),
    Collection("chinese.txt", "zh", {"train": 800, "validation": 120, "test": 160}, "", "开头", "结尾", 8),
)


class Example(NamedTuple):
    """One text with its label, and the pattern it was made from: for a text written by hand, the text."""

    text: str
    label: str
    pattern: str


class Source(NamedTuple):
    """What a source file holds."""

    words: dict[str, dict[str, list[str]]]  # split -> name -> items
    patterns: dict[str, dict[str, list[str]]]  # split -> label -> patterns (of test: whole texts)


# ------------------------------------------------------------------------------------------------------- reading


def read_source(path: Path) -> Source:
    """The word lists and patterns of a file; its header says what the sections are."""
    source = Source({split: {} for split in SPLITS}, {split: {} for split in SPLITS})
    kind, name = "", ""
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        header = re.fullmatch(r"\[(words|train|validation|test) ([^\[\]|]+)\]", line)
        if header:
            kind, name = header.groups()
        elif not line or line.startswith("#"):
            continue
        elif kind == "words":
            key, equals, items = line.partition(" = ")
            if not equals or key in source.words[name]:
                raise ValueError(f"{path.name}:{number}: not a new word list")
            source.words[name][key] = [item.strip() for item in items.split(" | ")]
        else:
            source.patterns[kind].setdefault(name, []).append(line)
    return source


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


def fill(pattern: str, words: dict[str, list[str]], dice: Dice) -> str:
    """The pattern with its alternatives chosen and its words filled in; sentences begin with a capital."""
    text = re.sub(r"\[([^\[\]]*)\]", lambda found: dice.deal(found[0], found[1].split("|")), pattern)
    text = re.sub(r"\{(\w+)\}", lambda found: dice.deal(found[1], words[found[1]]), text)
    return re.sub(r"(^|[.!?] )([a-z])", lambda found: found[1] + found[2].upper(), text)


def dress(text: str, collection: Collection, words: dict[str, list[str]], dice: Dice) -> str:
    """Some texts get a greeting or a closing formula, and some are typed carelessly."""
    if dice.chance(OPENING_SHARE):
        text = dice.deal("opening", words[collection.opening]) + collection.space + text
    if dice.chance(CLOSING_SHARE):
        text = text + collection.space + dice.deal("closing", words[collection.closing])
    return text.lower().rstrip(".。") if dice.chance(CHAT_SHARE) else text


def make_split(source: Source, collection: Collection, split: str, dice: Dice) -> list[Example]:
    """The examples of one split, as many for every label as for the others (or one more), shuffled."""
    if split == "test":
        made = [Example(text, label, text) for label, texts in source.patterns[split].items() for text in texts]
        return dice.shuffled(made)
    labels = list(source.patterns[split])
    examples: dict[str, Example] = {}
    for number, label in enumerate(labels):
        wanted = len(examples) + len(range(number, collection.sizes[split], len(labels)))
        for _ in range(100 * collection.sizes[split]):
            if len(examples) == wanted:
                break
            pattern = dice.deal(label, source.patterns[split][label])
            text = fill(pattern, source.words[split], dice)
            text = dress(text, collection, source.words[split], dice)
            examples.setdefault(bare(text), Example(text, label, pattern))
    return dice.shuffled(list(examples.values()))


# ------------------------------------------------------------------------------------------------------ the checks


def bare(text: str) -> str:
    """A text without case, punctuation and blanks: equal for two texts that differ in nothing else."""
    return "".join(re.findall(r"\w", text.casefold()))


def runs(text: str, length: int) -> Iterator[tuple[str, ...]]:
    """All runs of ``length`` words (of characters, where no blanks part words)."""
    tokens = re.findall(r"[一-鿿]|[^\W一-鿿]+", text.casefold())
    return zip(*(tokens[start:] for start in range(length)), strict=False)


def check(data: dict[str, list[Example]], source: Source, collection: Collection) -> None:
    """Raise ``ValueError`` if splits share what they should not, or if sizes, labels or texts are wrong."""
    labels = {split: Counter(example.label for example in examples) for split, examples in data.items()}
    for split, examples in data.items():
        if len(examples) != collection.sizes[split]:
            raise ValueError(f"{split}: {len(examples)} texts, not {collection.sizes[split]}")
        if set(labels[split]) != set(labels["train"]) or max(labels[split].values()) - min(labels[split].values()) > 1:
            raise ValueError(f"{split}: the labels are not balanced: {labels[split]}")
        broken = [example.text for example in examples if re.search(r"[\[\]{}|\n]|\s\s|^\s|\s$", example.text)]
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
    source = read_source(HERE / collection.source)
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
    parser = argparse.ArgumentParser(description="Write the built-in classification demo data beside this script.")
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
