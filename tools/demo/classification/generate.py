"""Write the built-in classification demo data: ``train.csv``, ``validation.csv`` and ``test.csv``, English and ``zh``.

``english.txt`` and ``chinese.txt`` hold everything that is language: patterns and word lists for train and for
validation, each split with its own, and the test texts, which were written out by hand one by one. ``check`` proves
before anything is written that test shares neither a pattern nor a longer run of words with the other splits.

    python -m tools.demo.classification.generate            write the files
    python -m tools.demo.classification.generate --check    exit with status 1 if the files differ
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.demo.patterns import Example, Source, check_texts, read_source
from tools.demo.shared import SPLITS, Dice, bare, capitalised, data_folder, run, to_csv

SOURCES = Path(__file__).resolve().parent
DATA = data_folder("classification")
SEED = 20240915
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


# generating


def fill(pattern: str, words: dict[str, list[str]], dice: Dice) -> str:
    """The pattern with its alternatives chosen and its words filled in; sentences begin with a capital."""
    text = re.sub(r"\[([^\[\]]*)\]", lambda found: dice.deal(found[0], found[1].split("|")), pattern)
    text = re.sub(r"\{(\w+)\}", lambda found: dice.deal(found[1], words[found[1]]), text)
    return capitalised(text)


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


# the checks


def check(data: Mapping[str, Sequence[Example]], source: Source, collection: Collection) -> None:
    """Raise ``ValueError`` if splits share what they should not, or if sizes, labels or texts are wrong."""
    labels = {split: Counter(example.label for example in examples) for split, examples in data.items()}
    check_texts(data, source, collection.sizes, collection.longest_shared)
    for split, counts in labels.items():
        if set(counts) != set(labels["train"]) or max(counts.values()) - min(counts.values()) > 1:
            raise ValueError(f"{split}: the labels are not balanced: {counts}")


# the files


def generate(collection: Collection) -> dict[str, list[Example]]:
    """The checked examples of all splits of one collection."""
    source = read_source(SOURCES / collection.source)
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
