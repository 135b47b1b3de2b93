"""Write the built-in NER demo data: ``train.conll``, ``validation.conll`` and ``test.conll``.

The word lists are in ``names.txt`` and the sentence templates in ``templates.txt``. Every word list is cut by position
into disjoint pools for the three splits, and every split has templates of its own, so a test score measures names and
contexts which training never showed. ``check_data`` proves that before anything is written.

    python -m tools.demo.ner.generate            write the files
    python -m tools.demo.ner.generate --check    exit with status 1 if the files differ
    python -m tools.demo.ner.generate --stats    print counts as well
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from tools.demo.shared import Dice, data_folder, refuse_repeats, refuse_shared, run

T = TypeVar("T")
Token = tuple[str, str]  # the word and its IOB2 tag
Sentence = list[Token]

SOURCES = Path(__file__).resolve().parent
DATA = data_folder("ner")
SEED = 20240607
SIZES = {"train": 1600, "validation": 150, "test": 200}
SEEDS = {split: SEED + number for number, split in enumerate(SIZES)}
ENTITY_TYPES = ("PER", "LOC", "ORG")
EMPTY_SHARE = 0.15  # the share of sentences without any entity
POOL_PATTERN = ("train", "train", "test", "train", "train", "validation", "train", "test")  # by position in a list
MIN_TOKENS, MAX_TOKENS = 5, 40

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
ARTICLE_PATTERNS = ("Gulf of", "Strait of", "Isle of", "River *", "* River", "* Hills", "* Forest", "* Valley")


class Ambiguous(NamedTuple):
    """A word which names several kinds of things: "Jordan" is a given name and a country."""

    word: str
    roles: tuple[str, ...]


class Person(NamedTuple):
    """The names of one person."""

    given: str
    surname: str
    full: str


# reading the lists


def read_sections(path: Path) -> dict[str, list[str]]:
    """The lines of each ``[section]`` of a list file, without comments and empty lines."""
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for raw in path.read_text(encoding="utf-8").splitlines():
        line = raw.strip()
        header = re.fullmatch(r"\[([a-z_.]+)\]", line)
        if header:
            current = sections.setdefault(header.group(1), [])
        elif line and not line.startswith("#"):
            current.append(line)
    return sections


def read_names(path: Path) -> tuple[dict[str, list[str]], list[Ambiguous]]:
    """The word lists by section, and the ambiguous words with their roles."""
    sections = read_sections(path)
    ambiguous: list[Ambiguous] = []
    for line in sections.pop("ambiguous"):
        for item in line.split(";"):
            word, _, roles = item.partition(":")
            ambiguous.append(Ambiguous(word.strip(), tuple(roles.split())))
    lists = {
        name: [w.strip() for line in lines for w in line.split(",") if w.strip()] for name, lines in sections.items()
    }
    return lists, ambiguous


def pool_of(items: Sequence[T], split: str) -> list[T]:
    """The items of a list which belong to one split: a fixed pattern of positions."""
    return [item for place, item in enumerate(items) if POOL_PATTERN[place % len(POOL_PATTERN)] == split]


def parts(name: str) -> set[str]:
    """The parts of a name as an uncased model sees them: lower case, no accents, cut at blanks and hyphens."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.lower()) if not unicodedata.combining(c))
    return {part for part in re.split(r"[\s\-'.&,]+", plain) if part}


# randomness


# the names


class NameMaker:
    """Makes the names of one split out of the words in that split's pools."""

    def __init__(self, lists: dict[str, list[str]], ambiguous: Sequence[Ambiguous], split: str, dice: Dice) -> None:
        self.dice = dice
        self.lists = lists
        own_names = {
            name: pool_of(words, split)
            for name, words in lists.items()
            if name not in ("generic",) and not name.endswith(("_suffix", "_pattern"))
        }
        self.cultures = sorted(name.partition(".")[2] for name in own_names if name.startswith("given."))
        self.pools = own_names
        self.ambiguous = pool_of(ambiguous, split)
        self.pools["city"] = self.pools["city"] + self.pools["town"]
        for role in ("city", "region", "country", "water", "company"):
            self.pools[role] = self.pools[role] + self.with_roles(role)
        self.pools["given"] = self.with_roles("given")
        self.pools["surname"] = self.with_roles("surname")
        self.makers: dict[str, tuple[str, Callable[[], str]]] = {
            "CITY": ("LOC", lambda: self.word("city")),
            "TOWN": ("LOC", lambda: self.word("town")),
            "REGION": ("LOC", lambda: self.word("region")),
            "COUNTRY": ("LOC", lambda: self.word("country")),
            "LOC": ("LOC", lambda: self.word(dice.weighted([(5, "city"), (2, "region"), (3, "country")]))),
            "WATER": ("LOC", lambda: self.natural("water")),
            "MOUNTAIN": ("LOC", lambda: self.natural("mountain")),
            "GEO": ("LOC", lambda: self.natural(dice.weighted([(3, "water"), (2, "mountain"), (2, "wild")]))),
            "STREET": ("LOC", lambda: self.fill("street_pattern", [(6, "street"), (2, "surname"), (2, "city")])),
            "SITE": ("LOC", lambda: self.fill("site_pattern", [(6, "city"), (2, "surname"), (1, "street")])),
            "TRANSIT": ("LOC", lambda: self.fill("transit_pattern", [(1, "city")])),
            "AMB_LOC": ("LOC", lambda: self.both_ways(("given", "surname"), ("city", "region", "country"))),
            "AMB_TOWN": ("LOC", lambda: self.both_ways(("given", "surname"), ("city",))),
            "COMPANY": ("ORG", self.company),
            "FIRM": ("ORG", lambda: self.fill("firm_pattern", [(1, "surname")])),
            "TEAM": ("ORG", self.team),
            "CLUB": ("ORG", lambda: self.word("city")),
            "UNI": ("ORG", lambda: self.fill("university_pattern", [(7, "city"), (1, "region"), (1, "surname")])),
            "SCHOOL": ("ORG", lambda: self.fill("school_pattern", [(6, "city"), (3, "surname")])),
            "COUNCIL": ("ORG", lambda: self.fill("council_pattern", [(1, "city")])),
            "HOSPITAL": ("ORG", lambda: self.fill("hospital_pattern", [(5, "city"), (2, "surname")])),
            "ORCHESTRA": ("ORG", lambda: self.fill("orchestra_pattern", [(1, "city")])),
            "PUBLIC": ("ORG", lambda: self.fill("public_pattern", [(8, "city"), (1, "region")])),
            "BANK": ("ORG", lambda: self.fill("bank_pattern", [(4, "country"), (1, "region"), (1, "town")])),
            "NATIONAL": ("ORG", lambda: self.fill("national_pattern", [(1, "country")])),
            "FOUNDATION": ("ORG", lambda: self.fill("foundation_pattern", [(6, "surname"), (2, "company")])),
            "PAPER": ("ORG", lambda: f"{self.word('city')} {self.word_of('paper_suffix')}"),
            "ACRO": ("ORG", lambda: self.word("acronym")),
            "AMB_ORG": ("ORG", self.ambiguous_company),
            "ORG": ("ORG", self.any_org),
        }

    def with_roles(self, *roles: str) -> list[str]:
        return [item.word for item in self.ambiguous if set(roles) & set(item.roles)]

    def both_ways(self, first: tuple[str, ...], second: tuple[str, ...]) -> str:
        """A word with a role in each of two groups: a given name which is a place as well, say."""
        words = [a.word for a in self.ambiguous if set(first) & set(a.roles) and set(second) & set(a.roles)]
        return self.dice.deal("/".join(first + second), words)

    def word(self, pool: str) -> str:
        if pool == "surname":
            return self.surname(self.dice.pick(self.cultures))
        return self.dice.deal(pool, self.pools[pool])

    def given(self, culture: str) -> str:
        if culture == "english" and self.dice.chance(0.5):
            return self.word("given")
        return self.word("given." + culture)

    def surname(self, culture: str) -> str:
        if culture == "english" and self.dice.chance(0.35) and self.pools["surname"]:
            return self.dice.deal("surname", self.pools["surname"])
        return self.word("surname." + culture)

    def initial(self) -> str:
        return self.dice.pick("ABCDEFGHIJKLMNOPRSTVWYZ") + "."

    def person(self, given: str = "", surname: str = "") -> Person:
        dice = self.dice
        culture = "english" if dice.chance(0.2) else dice.pick(self.cultures)
        other = culture if dice.chance(0.75) else dice.pick(self.cultures)
        fixed = bool(given or surname)
        given = given or self.given(culture)
        surname = surname or self.surname(other)
        if not fixed and culture in ("chinese", "korean_japanese") and dice.chance(0.5):
            return Person(given, surname, f"{surname} {given}")
        form = (
            "plain"
            if fixed
            else dice.weighted(
                [(70, "plain"), (8, "two initials"), (6, "initial"), (6, "middle"), (6, "double"), (4, "two given")]
            )
        )
        if form == "two initials":
            return Person(given, surname, f"{given[0]}. {self.initial()} {surname}")
        if form == "initial":
            return Person(given, surname, f"{given[0]}. {surname}")
        if form == "middle":
            return Person(given, surname, f"{given} {self.initial()} {surname}")
        if form == "double" and " " not in surname and "-" not in surname:
            surname = f"{surname}-{self.word('surname').split()[-1]}"
        if form == "two given":
            return Person(given, surname, f"{given} {self.given(culture)} {surname}")
        return Person(given, surname, f"{given} {surname}")

    def fill(self, patterns: str, pools: Sequence[tuple[float, str]]) -> str:
        """A name after one of the patterns: "* Street", "Bank of *", "* & + LLP"."""
        pattern = self.word_of(patterns)
        name = pattern.replace("*", self.word(self.dice.weighted(pools)))
        return name.replace("+", self.word("surname")) if "+" in name else name

    def natural(self, kind: str) -> str:
        """A river, lake, mountain, forest ...; a leading "the" is not part of the name (see ``entity``)."""
        stem = self.word(kind)
        if kind == "water" and self.dice.chance(0.3):
            return "the " + stem
        pattern = self.word_of(kind + "_pattern")
        return ("the " if pattern.startswith(ARTICLE_PATTERNS) else "") + pattern.replace("*", stem)

    def company(self) -> str:
        form = self.dice.weighted([(30, "bare"), (60, "suffix"), (7, "place"), (3, "firm")])
        if form == "firm":
            return self.fill("firm_pattern", [(1, "surname")])
        if form == "bare":
            return self.word("company")
        return self.word("company" if form == "suffix" else "city") + " " + self.word_of("company_suffix")

    def word_of(self, shared: str) -> str:
        return self.dice.deal(shared, self.lists[shared])

    def ambiguous_company(self) -> str:
        return self.both_ways(("surname",), ("city", "region", "company")) + " " + self.word_of("company_suffix")

    def team(self) -> str:
        city = self.word("city")
        form = self.dice.weighted(
            [(84, f"* {self.word_of('team_suffix')}"), (8, "FC *"), (4, "Real *"), (4, "Sporting *")]
        )
        return form.replace("*", city)

    def any_org(self) -> str:
        kinds = [(8, "COMPANY"), (4, "UNI"), (3, "PUBLIC"), (2, "FOUNDATION"), (2, "ACRO"), (2, "PAPER"), (1, "FIRM")]
        return self.makers[self.dice.weighted(kinds)][1]()

    def entity(self, kind: str, people: dict[str, Person], label: str) -> Sentence:
        """The tokens of one slot; slots of one sentence with the same label speak of the same person."""
        if kind in ("PER", "FULL", "FIRST", "LAST"):
            person = people.get(label) if label else None
            if person is None:
                person = self.person()
                if label:
                    people[label] = person
            short = kind == "PER" and not label and self.dice.chance(0.07)
            name = {"FIRST": person.given, "LAST": person.surname}.get(kind, person.surname if short else person.full)
            return tag(name, "PER")
        if kind == "AMB_FIRST":
            return tag(self.both_ways(("given",), ("city", "region", "country")), "PER")
        if kind == "AMB_LAST":
            return tag(self.both_ways(("surname",), ("city", "region")), "PER")
        if kind == "AMB_FULL":
            if self.dice.chance(0.5):
                return tag(self.person(given=self.both_ways(("given",), ("city", "region", "country"))).full, "PER")
            return tag(self.person(surname=self.both_ways(("surname",), ("city", "region"))).full, "PER")
        entity_type, make = self.makers[kind]
        name = make()
        if name.startswith("the "):
            return [("the", "O"), *tag(name[4:], entity_type)]
        return tag(name, entity_type)


def tag(name: str, entity_type: str) -> Sentence:
    """The words of a name with their tags."""
    words = name.split()
    return [(word, ("I-" if place else "B-") + entity_type) for place, word in enumerate(words)]


# the sentences


class SentenceMaker:
    """Fills templates."""

    def __init__(self, names: NameMaker) -> None:
        self.names = names
        self.dice = names.dice

    def filler(self, kind: str) -> str:
        dice = self.dice
        if kind in ("role", "nat", "product", "language"):
            return self.names.word("nationality" if kind == "nat" else kind)
        simple: dict[str, Callable[[], str]] = {
            "weekday": lambda: dice.pick(WEEKDAYS),
            "month": lambda: dice.pick(MONTHS),
            "day": lambda: str(1 + dice.below(28)),
            "year": lambda: str(1890 + dice.below(134)),
            "num": lambda: dice.pick(("40", "75", "120", "200", "340", "500", "1,200", "2,500", "8,000", "15,000")),
            "small": lambda: str(2 + dice.below(70)),
            "money": lambda: dice.pick(("1.5", "3", "12", "28", "45", "60", "90", "150", "310", "480")),
            "percent": lambda: f"{dice.below(12)}.{1 + dice.below(9)}",
            "time": lambda: f"{7 + dice.below(14)}:{dice.pick(('00', '15', '30', '45'))}",
            "age": lambda: str(19 + dice.below(76)),
            "future": lambda: str(2025 + dice.below(12)),
            "goals": lambda: str(dice.below(5)),
            "score": lambda: f"{dice.below(5)}-{dice.below(4)}",
            "win": lambda: dice.pick(("1-0", "2-0", "2-1", "3-0", "3-1", "3-2", "4-1", "5-2")),
            "loss": lambda: dice.pick(("0-1", "0-2", "1-2", "0-3", "1-3", "2-3", "1-4")),
            "draw": lambda: dice.pick(("0-0", "1-1", "2-2", "3-3")),
        }
        return simple[kind]()

    def make(self, template: str) -> Sentence:
        """One sentence from a template, with all slots filled."""
        style = template[0] if template[0] in "~^" else ""
        text = re.sub(r"\[([^\]]*)\]", lambda m: self.dice.pick(m.group(1).split("|")), template.lstrip("~^ "))
        sentence: Sentence = []
        people: dict[str, Person] = {}
        labelled: dict[str, Sentence] = {}
        seen: set[str] = set()
        for item in text.split():
            slot = re.fullmatch(r"\{([A-Za-z_]+)(?::([a-z]))?\}", item)
            if slot is None:
                sentence.append((item, "O"))
            elif slot.group(1).islower():
                sentence.extend((word, "O") for word in self.filler(slot.group(1)).split())
            else:
                kind, label = slot.group(1), slot.group(2) or ""
                tokens = labelled.get(kind + label, []) if label else []
                while not tokens or (not label and " ".join(word for word, _ in tokens) in seen):
                    tokens = self.names.entity(kind, people, label)
                if label:
                    labelled[kind + label] = tokens
                seen.add(" ".join(word for word, _ in tokens))
                sentence.extend(tokens)
        return restyle(fix_articles(sentence), style)


def fix_articles(sentence: Sentence) -> Sentence:
    """Turn "a" into "an" before a vowel."""
    fixed = list(sentence)
    for place in range(len(fixed) - 1):
        word, following = fixed[place][0], fixed[place + 1][0].lower()
        if word in ("a", "A") and following[0] in "aeiou" and not following.startswith(("uni", "eu", "one", "us")):
            fixed[place] = (word + "n", fixed[place][1])
    return fixed


def restyle(sentence: Sentence, style: str) -> Sentence:
    """The sentence in lower case (``~``), in upper case (``^``), or with a capital at its beginning."""
    if style == "~":
        return [(word.lower(), mark) for word, mark in sentence]
    if style == "^":
        return [(word.upper(), mark) for word, mark in sentence]
    start = next((place for place, (word, _) in enumerate(sentence) if word[0].isalnum()), 0)
    word, mark = sentence[start]
    return [*sentence[:start], (word[0].upper() + word[1:], mark), *sentence[start + 1 :]]


def make_split(split: str, templates: dict[str, list[str]], names: NameMaker, taken: set[str]) -> list[Sentence]:
    """All sentences of one split, in mixed order; every template is used about equally often."""
    maker, dice = SentenceMaker(names), names.dice
    empty_count = round(SIZES[split] * EMPTY_SHARE)
    sentences: list[Sentence] = []
    for section, count in ((split, SIZES[split] - empty_count), (split + ".empty", empty_count)):
        made, misses, deck = 0, 0, list[str]()
        while made < count:
            deck = deck or dice.shuffled(templates[section])
            sentence = maker.make(deck.pop())
            text = " ".join(word for word, _ in sentence).lower()
            if text in taken or not MIN_TOKENS <= len(sentence) <= MAX_TOKENS:
                misses += 1
                if misses > 50 * count:
                    raise ValueError(f"the section [{section}] is too small for {count} different sentences")
                continue
            taken.add(text)
            sentences.append(sentence)
            made += 1
    return dice.shuffled(sentences)


# the checks


def entities(sentence: Sentence) -> list[tuple[str, str]]:
    """The (name, type) pairs of a sentence; raises if the tags are not valid IOB2."""
    found: list[tuple[str, str]] = []
    previous = "O"
    for word, mark in sentence:
        prefix, _, entity_type = mark.partition("-")
        if mark != "O" and (prefix not in ("B", "I") or entity_type not in ENTITY_TYPES):
            raise ValueError(f"unknown tag {mark!r}")
        if prefix == "B":
            if previous != "O":
                raise ValueError(f"two names without a word between them, at {word!r}: {sentence}")
            found.append((word, entity_type))
        elif prefix == "I":
            if previous not in ("B-" + entity_type, "I-" + entity_type):
                raise ValueError(f"{mark} follows {previous}: {sentence}")
            found[-1] = (found[-1][0] + " " + word, entity_type)
        previous = mark
    return found


def skeleton(sentence: Sentence) -> str:
    """The context of a sentence: its words with the names replaced by their types."""
    return " ".join(word.lower() if mark == "O" else mark for word, mark in sentence)


def check_data(data: dict[str, list[Sentence]], lists: dict[str, list[str]]) -> None:
    """Raise ``ValueError`` if a split shares a name, part of a name or context with another, or a file is malformed."""
    shared = {part for word in lists["generic"] for part in parts(word)}
    for section, words in lists.items():
        if section.endswith(("_suffix", "_pattern")):
            shared |= {part for word in words for part in parts(word) if part not in "*+"}
    names: dict[str, set[str]] = {}
    contexts: dict[str, set[str]] = {}
    texts: list[str] = []
    for split, sentences in data.items():
        if len(sentences) != SIZES[split]:
            raise ValueError(f"{split}: {len(sentences)} sentences, not {SIZES[split]}")
        found = {part for sentence in sentences for name, _ in entities(sentence) for part in parts(name)}
        names[split] = {part for part in found if len(part) > 1 and part not in shared}
        contexts[split] = {skeleton(sentence) for sentence in sentences}
        for sentence in sentences:
            texts.append(" ".join(word for word, _ in sentence).lower())
            if not MIN_TOKENS <= len(sentence) <= MAX_TOKENS:
                raise ValueError(f"a sentence of {len(sentence)} tokens: {sentence}")
            if any(not word or re.search(r"[\s{}\[\]|]", word) for word, _ in sentence):
                raise ValueError(f"a malformed token: {sentence}")
    refuse_shared("names", names)
    refuse_shared("contexts", contexts)
    refuse_repeats("sentences", texts)


# the files


def generate() -> dict[str, list[Sentence]]:
    """The checked sentences of all splits."""
    lists, ambiguous = read_names(SOURCES / "names.txt")
    templates = read_sections(SOURCES / "templates.txt")
    taken: set[str] = set()
    data: dict[str, list[Sentence]] = {}
    for split in SIZES:
        data[split] = make_split(split, templates, NameMaker(lists, ambiguous, split, Dice(SEEDS[split])), taken)
    check_data(data, lists)
    return data


def to_conll(sentences: Sequence[Sentence]) -> bytes:
    """A file of sentences."""
    blocks = ("".join(f"{word}\t{mark}\n" for word, mark in sentence) for sentence in sentences)
    return "\n".join(blocks).encode("utf-8")


def files() -> dict[Path, bytes]:
    """Every file and what it is to hold."""
    return {DATA / f"{split}.conll": to_conll(sentences) for split, sentences in generate().items()}


def print_stats() -> None:
    """Print counts of every split."""
    for split, sentences in generate().items():
        found = [entity for sentence in sentences for entity in entities(sentence)]
        types = Counter(entity_type for _, entity_type in found)
        lengths = sorted(len(sentence) for sentence in sentences)
        empty = sum(not entities(sentence) for sentence in sentences)
        by_type = ", ".join(f"{entity_type} {types[entity_type]}" for entity_type in ENTITY_TYPES)
        print(
            f"{split}: {len(sentences)} sentences, {sum(lengths)} tokens, {len(found)} entities ({by_type}), "
            f"{len(set(found))} different, {empty} sentences without entity; tokens a sentence: "
            f"{lengths[0]} to {lengths[-1]}, median {lengths[len(lengths) // 2]}"
        )


if __name__ == "__main__":
    sys.exit(run(files, stats=print_stats))
