"""Write the built-in translation demo data: ``train.jsonl``, ``validation.jsonl`` and ``test.jsonl``.

``words.txt`` holds lists of words with their translations and ``sentences.txt`` pairs of patterns, which are filled
with the same words on both sides (a synchronous grammar: Aho and Ullman 1969). Some combinations of two words, verb
and object, time and place, adjective and noun, are kept for validation, others for test (``split_of``); ``check``
proves before anything is written that training never showed them, while it showed each of their words.

    python -m tools.demo.translation.generate            write the files
    python -m tools.demo.translation.generate --check    exit with status 1 if the files differ
    python -m tools.demo.translation.generate --stats    print counts as well
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.demo.shared import Dice, data_folder, refuse_repeats, run, to_json_lines

SOURCES = Path(__file__).resolve().parent
DATA = data_folder("translation")
SEED = 20250311
SIZES = {"train": 5000, "validation": 200, "test": 300}
CYCLE, KEPT = 8, {2: "validation", 5: "test"}  # of every eight combinations of a kind, one is kept for each
TRIES = 300  # to fill a pattern before it is passed over
SLOT = re.compile(r"\{([^{}]+)\}")
AGREEING = {
    "be": {"I": "am", "you": "are", "he": "is"},
    "was": {"I": "was", "you": "were", "he": "was"},
    "have": {"I": "have", "you": "have", "he": "has"},
    "do": {"I": "do", "you": "do", "he": "does"},
    "now": {"I": "base", "you": "base", "he": "third"},
}


class Entry(NamedTuple):
    """A word or phrase: its forms on both sides, and the lists its object and its place come from."""

    number: int  # its place in words.txt, counted over all lists
    name: str  # the list it stands in
    english: Mapping[str, str]
    chinese: Mapping[str, str]
    objects: tuple[str, ...]
    places: tuple[str, ...]


class Grammar(NamedTuple):
    """What the source files hold."""

    lists: dict[str, list[Entry]]
    unions: dict[str, list[str]]
    kept: list[tuple[frozenset[str], frozenset[str]]]  # kinds of combinations: the lists of one word and of the other
    sentences: list[tuple[str, str]]  # patterns, English and Chinese


class Filled(NamedTuple):
    """What a slot holds: its entry, and what the slots inside the entry hold."""

    entry: Entry
    inner: dict[str, Filled]


class Pair(NamedTuple):
    """A sentence with its translation, and the entries it was made from."""

    english: str
    chinese: str
    entries: tuple[Entry, ...]


# reading


def read_grammar() -> Grammar:
    """Both files.

    Raises:
        ValueError: a line of ``words.txt`` or ``sentences.txt`` is not of the form its section asks for.
    """
    lists: dict[str, list[Entry]] = {}
    unions: dict[str, list[str]] = {}
    kinds: list[list[str]] = []
    forms: list[list[str]] = []
    section = ""
    for place, raw in enumerate((SOURCES / "words.txt").read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        header = re.fullmatch(r"\[([a-z. ]+)(?:: ([a-z ]+) = ([a-z ]+))?\]", line)
        if header:
            section = header[1]
            forms = [side.split() for side in header.groups()[1:] if side]
        elif line and not line.startswith("#"):
            left, _, right = (part.strip() for part in line.partition("=" if section != "held out" else "+"))
            if not left or not right:
                raise ValueError(f"words.txt:{place}: two sides expected")
            if section == "unions":
                unions[left] = [name.strip() for name in right.split("|")]
            elif section == "held out":
                kinds.append([left, right])
            else:
                number = sum(len(entries) for entries in lists.values())
                lists.setdefault(section, []).append(read_entry(number, section, left, right, forms))
    kept = [(frozenset(expand(one, unions)), frozenset(expand(other, unions))) for one, other in kinds]
    patterns = (SOURCES / "sentences.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split(" = ") for line in patterns if line and not line.startswith("#")]
    return Grammar(lists, unions, kept, [(english, chinese) for english, chinese in pairs])


def read_entry(number: int, section: str, left: str, right: str, forms: Sequence[Sequence[str]]) -> Entry:
    """One line of a word list."""
    right, _, places = right.partition("@")
    right, _, objects = right.partition(">")
    english, chinese = (
        spread([form.strip() for form in text.split(",")], names)
        for text, names in zip((left, right), forms, strict=True)
    )
    return Entry(number, section, english, chinese, tuple(objects.split()), tuple(places.split()))


def spread(values: list[str], names: Sequence[str]) -> dict[str, str]:
    """Values by name; the last one also for the names that are left."""
    return dict(zip(names, values + values[-1:] * (len(names) - len(values)), strict=True))


def expand(name: str, unions: Mapping[str, Sequence[str]]) -> list[str]:
    """The lists a union stands for, or the list itself."""
    return [leaf for part in unions[name] for leaf in expand(part, unions)] if name in unions else [name]


# generating


class Maker:
    """Fills patterns."""

    def __init__(self, grammar: Grammar, dice: Dice) -> None:
        self.grammar = grammar
        self.dice = dice

    def pair(self, english: str, chinese: str) -> Pair:
        slots = self.fill(english)
        left, right = self.english(english, slots), self.chinese(chinese, slots)
        left = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", left)
        left = left[0].upper() + left[1:]
        ends = left.endswith("?")
        return Pair(left if ends else left + ".", right if ends else right + "。", tuple(entries_of(slots)))

    def fill(self, pattern: str) -> dict[str, Filled]:
        """An entry for every slot of a pattern; what depends on the verb is filled last."""
        slots: dict[str, Filled] = {}
        names = [self.parse(part)[0] for found in SLOT.findall(pattern) for part in found.split("+")]
        for name in sorted(names, key=("object", "spot").__contains__):
            if name in slots or name in AGREEING:
                continue
            if name in ("object", "spot"):
                verb = next(filled.entry for filled in slots.values() if filled.entry.objects or filled.entry.places)
                choices = verb.objects if name == "object" else verb.places
                chosen = self.dice.deal(f"{name} of {verb.number}", choices)
            else:
                chosen = name.rstrip("12")
            leaves = expand(chosen, self.grammar.unions)
            leaf = self.dice.deal(chosen + " |", leaves) if len(leaves) > 1 else leaves[0]
            entry = self.dice.deal(leaf, self.grammar.lists[leaf])
            slots[name] = Filled(entry, self.fill(next(iter(entry.english.values()))))
        return slots

    def parse(self, slot: str) -> tuple[str, str]:
        """``act.past`` to ``("act", "past")``, ``past.day`` (a list) to ``("past.day", "")``."""
        name, _, form = slot.rpartition(".")
        bare = slot.rstrip("12")
        known = bare in self.grammar.lists or bare in self.grammar.unions or not name
        return (slot, "") if known else (name, form)

    def english(self, pattern: str, slots: Mapping[str, Filled]) -> str:
        agrees = next((f.entry.english["agree"] for f in slots.values() if "agree" in f.entry.english), "he")

        def put(found: re.Match[str]) -> str:
            adjective, _, slot = found[1].rpartition("+")
            name, form = self.parse(slot)
            if name in AGREEING:
                return AGREEING[name][agrees]
            entry, inner = slots[name]
            forms = entry.english
            if form == "now":
                form = AGREEING["now"][agrees]
            text = forms[form or next(iter(forms))]
            if adjective:
                word = self.english("{" + adjective + "}", slots) + " "
                text = text.replace("*", word) if "*" in text else word + text
            return self.english(text.replace("*", ""), inner)

        return SLOT.sub(put, pattern)

    def chinese(self, pattern: str, slots: Mapping[str, Filled]) -> str:
        def put(found: re.Match[str]) -> str:
            name, form = self.parse(found[1])
            entry, inner = slots[name]
            return self.chinese(entry.chinese[form or next(iter(entry.chinese))], inner)

        return SLOT.sub(put, pattern)


def entries_of(slots: Mapping[str, Filled]) -> list[Entry]:
    """All entries of a sentence, also those inside others."""
    return [entry for filled in slots.values() for entry in (filled.entry, *entries_of(filled.inner))]


def repeats(pair: Pair) -> bool:
    """Whether a sentence uses an entry twice ("my boss is taller than your boss")."""
    return len({entry.number for entry in pair.entries}) < len(pair.entries)


def combinations(pair: Pair, grammar: Grammar) -> set[tuple[int, int]]:
    """The numbers of every two entries of a sentence whose lists make a kind of combination."""
    return {
        (min(one.number, other.number), max(one.number, other.number))
        for one in pair.entries
        for other in pair.entries
        for first, second in grammar.kept
        if one is not other and one.name in first and other.name in second
    }


def split_of(combination: tuple[int, int]) -> str:
    """The only split that may show a combination of two entries; test may show those of validation, too."""
    return KEPT.get(sum(combination) % CYCLE, "train")


def split_of_pair(pair: Pair, grammar: Grammar) -> str:
    """The only split that may show a pair."""
    kept = {split_of(combination) for combination in combinations(pair, grammar)}
    return next((split for split in ("test", "validation") if split in kept), "train")


def words_of(pair: Pair) -> set[str]:
    """The words of both sides; of Chinese, its characters."""
    return {*re.findall(r"[\w-]+", pair.english.lower()), *pair.chinese}


def make_split(split: str, grammar: Grammar, train: Sequence[Pair]) -> list[Pair]:
    """The sentences of one split, in turn from every pattern, shuffled, with no word that ``train`` lacks."""
    dice = Dice(SEED + list(SIZES).index(split))
    maker = Maker(grammar, dice)
    known = {word for pair in train for word in words_of(pair)}
    taken: set[str] = set()
    pairs: list[Pair] = []
    patterns = dice.shuffled(grammar.sentences)
    while len(pairs) < SIZES[split] and patterns:
        for pattern in list(patterns):
            for _ in range(TRIES):
                pair = maker.pair(*pattern)
                fits = split_of_pair(pair, grammar) == split and not repeats(pair)
                if fits and not taken & {pair.english, pair.chinese} and (not train or words_of(pair) <= known):
                    break
            else:
                patterns.remove(pattern)
                continue
            taken |= {pair.english, pair.chinese}
            pairs.append(pair)
            if len(pairs) == SIZES[split]:
                break
    return dice.shuffled(pairs)


# the checks


def check(data: Mapping[str, Sequence[Pair]], grammar: Grammar) -> None:
    """Raise ``ValueError`` if a split shows what is kept for another one, or if sizes or sentences are wrong."""
    known = {word for pair in data["train"] for word in words_of(pair)}
    for split, pairs in data.items():
        if len(pairs) != SIZES[split]:
            raise ValueError(f"{split}: {len(pairs)} sentences, not {SIZES[split]}")
        leaked = [pair.english for pair in pairs if split_of_pair(pair, grammar) != split]
        if leaked:
            raise ValueError(f"{split}: combinations kept for another split: {leaked[:3]}")
        unknown = [pair.english for pair in pairs if not words_of(pair) <= known]
        if unknown:
            raise ValueError(f"{split}: words that training does not show: {unknown[:3]}")
        broken = [
            pair for pair in pairs if re.search(r"[{}*|+@>=]|\s\s", pair.english) or re.search(r"\s", pair.chinese)
        ]
        if broken:
            raise ValueError(f"{split}: malformed: {broken[0].english} {broken[0].chinese}")
    refuse_repeats("English sentences", (pair.english for pairs in data.values() for pair in pairs))
    refuse_repeats("Chinese sentences", (pair.chinese for pairs in data.values() for pair in pairs))


# the files


def generate() -> dict[str, list[Pair]]:
    """The checked sentences of all splits."""
    grammar = read_grammar()
    train = make_split("train", grammar, ())
    data = {"train": train} | {split: make_split(split, grammar, train) for split in ("validation", "test")}
    check(data, grammar)
    return data


def files() -> dict[Path, bytes]:
    """Every file and what it is to hold."""
    return {
        DATA / f"{split}.jsonl": to_json_lines({"en": pair.english, "zh": pair.chinese} for pair in pairs)
        for split, pairs in generate().items()
    }


def print_stats() -> None:
    """Print counts of every split."""
    grammar, data = read_grammar(), generate()
    entries = sum(map(len, grammar.lists.values()))
    print(f"{len(grammar.sentences)} patterns, {entries} entries in {len(grammar.lists)} lists")
    for split, pairs in data.items():
        words = [word for pair in pairs for word in re.findall(r"[\w'-]+", pair.english.lower())]
        signs = [sign for pair in pairs for sign in pair.chinese]
        print(
            f"{split}: {len(pairs)} pairs, {len(words)} English words ({len(set(words))} different), "
            f"{len(signs)} Chinese characters ({len(set(signs))} different)"
        )


if __name__ == "__main__":
    sys.exit(run(files, stats=print_stats))
