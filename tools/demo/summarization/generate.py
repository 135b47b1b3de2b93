"""Write the built-in summarization demo data: train, validation and test, English and ``zh``.

``english.txt`` and ``chinese.txt`` hold everything that is language: names, and for each kind of report its summary
and the sentences that its facts are spread over, in several wordings. A part of the names is kept from the training
reports of each kind (``is_kept``), and the leads and asides of test have wordings of their own. ``check`` proves that
before anything is written.

    python -m tools.demo.summarization.generate            write the files
    python -m tools.demo.summarization.generate --check    exit with status 1 if the files differ
    python -m tools.demo.summarization.generate --stats    print counts as well
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.demo.shared import SPLITS, Dice, data_folder, refuse_repeats, run, to_json_lines, tokens

SOURCES = Path(__file__).resolve().parent
DATA = data_folder("summarization")
SEED = 20250407
CYCLE, KEPT = 7, 3  # of every seven names one is kept from the training reports of a kind
ROLES = ("lead", "aside")  # that have wordings of their own for test
TRIES = 500  # to make one more report before it is given up
EXTRA = 4  # sentences without a fact of the summary: three or four asides, the rest a lead
SLOT = re.compile(r"\{(\w+)(?:\.(digits))?\}")
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class Collection(NamedTuple):
    """One data set: its source file, where it goes, its sizes, and how it writes."""

    source: str
    folder: str
    sizes: dict[str, int]
    kept: tuple[str, ...]  # the lists of names a part of which is kept from training
    space: str  # between sentences
    words: bool  # small numbers in words


COLLECTIONS = (
    Collection(
        "english.txt",
        ".",
        {"train": 3000, "validation": 150, "test": 200},
        ("place", "surname", "given", "company", "team", "street"),
        " ",
        True,
    ),
    Collection(
        "chinese.txt",
        "zh",
        {"train": 1000, "validation": 100, "test": 100},
        ("城市", "人", "公司", "路"),
        "",
        False,
    ),
)


class Kind(NamedTuple):
    """What one kind of report is made of."""

    number: int
    numbers: dict[str, tuple[int, int]]  # name -> smallest and largest
    roles: dict[str, list[str]]  # "target", "lead", "a", ..., "aside", "lead test" -> wordings


class Source(NamedTuple):
    """What a source file holds."""

    names: dict[str, list[str]]
    kinds: dict[str, Kind]


class Report(NamedTuple):
    """One report: its text and summary, and what they were made of."""

    source: str
    target: str
    kind: str
    names: dict[str, str]  # slot -> name, of the whole report
    named: frozenset[str]  # the slots of the summary
    wordings: tuple[str, ...]


# reading


def read_source(name: str) -> Source:
    """The names and the kinds of reports of one file.

    Raises:
        ValueError: a line outside a section, or without a role.
    """
    names: dict[str, list[str]] = {}
    kinds: dict[str, Kind] = {}
    section, label = "", ""
    for place, raw in enumerate((SOURCES / name).read_text(encoding="utf-8").splitlines(), start=1):
        line = raw.strip()
        header = re.fullmatch(r"\[(names|report) ([^\[\]]+)\]", line)
        role, colon, text = (part.strip() for part in line.partition(":"))
        if header:
            section, label = header.groups()
            if section == "report":
                kinds[label] = Kind(len(kinds), {}, {})
        elif not line or line.startswith("#"):
            continue
        elif section == "names":
            names[label] = line.split(" | ")
        elif not colon or not section:
            raise ValueError(f"{name}:{place}: a role expected")
        elif role == "numbers":
            found = re.findall(r"(\w+) = (\d+)\.\.(\d+)", text)
            kinds[label].numbers.update({number: (int(low), int(high)) for number, low, high in found})
        else:
            kinds[label].roles.setdefault(role, []).append(text)
    return Source(names, kinds)


def list_of(slot: str) -> str:
    """The list of a slot: ``place2`` to ``place``."""
    return slot.rstrip("0123456789")


# generating


def is_kept(source: Source, collection: Collection, kind: str, slot: str, name: str) -> bool:
    """Whether training never uses a name in reports of a kind; it does in reports of other kinds."""
    chosen = list_of(slot)
    if chosen not in collection.kept:
        return False
    return (source.names[chosen].index(name) + source.kinds[kind].number) % CYCLE == KEPT


def make_report(source: Source, collection: Collection, label: str, split: str, dice: Dice) -> Report:
    """A report of one kind: a lead or none, the sentences with the facts in order, asides after the second of them."""
    kind = source.kinds[label]
    ending = " test" if split == "test" else ""
    leads = [dice.deal(f"{label} lead", kind.roles["lead" + ending])][: dice.below(2)]
    facts = [dice.deal(f"{label} {role}", texts) for role, texts in kind.roles.items() if len(role) == 1]
    wanted = EXTRA - len(leads)
    choices = dice.shuffled(kind.roles["aside"])
    choices = dice.shuffled(kind.roles["aside test"]) + choices if split == "test" else choices
    for aside in apart(choices)[:wanted]:
        facts.insert(2 + dice.below(len(facts) - 1), aside)
    target = kind.roles["target"][0]
    sentences = (*leads, *facts)
    slots = dict.fromkeys(found[1] for text in (target, *sentences) for found in SLOT.finditer(text))
    names: dict[str, str] = {}
    values: dict[str, int] = {}
    for slot in slots:
        if slot in kind.numbers:
            low, high = kind.numbers[slot]
            values[slot] = low + dice.below(high - low + 1)
            continue
        others = {name for other, name in names.items() if list_of(other) == list_of(slot)}
        names[slot] = dice.deal(list_of(slot), source.names[list_of(slot)])
        while names[slot] in others:
            names[slot] = dice.deal(list_of(slot), source.names[list_of(slot)])

    def put(found: re.Match[str]) -> str:
        if found[1] in names:
            return names[found[1]]
        value = values[found[1]]
        return WORDS[value] if collection.words and not found[2] and value < len(WORDS) else str(value)

    def write(text: str) -> str:
        filled = SLOT.sub(put, text)
        return filled[0].upper() + filled[1:]

    text = collection.space.join(write(sentence) for sentence in sentences)
    named = frozenset(found[1] for found in SLOT.finditer(target))
    return Report(text, write(target), label, names, named & set(names), sentences)


def apart(texts: Sequence[str]) -> list[str]:
    """Those of the texts that share no slot with one before: asides of one report speak of different things."""
    found: list[str] = []
    taken: set[str] = set()
    for text in texts:
        slots = {slot[1] for slot in SLOT.finditer(text)}
        if not slots & taken:
            found.append(text)
            taken |= slots
    return found


def kept_slots(report: Report, source: Source, collection: Collection) -> set[str]:
    """The slots that hold a name which training never uses in reports of this kind."""
    return {slot for slot, name in report.names.items() if is_kept(source, collection, report.kind, slot, name)}


def make_split(source: Source, collection: Collection, split: str, taken: set[str]) -> list[Report]:
    """The reports of one split, in turn of every kind, shuffled; every second one out of training has a kept name.

    ``taken`` are the summaries that exist; those of this split are added.
    """
    dice = Dice(SEED + SPLITS.index(split))
    made: list[Report] = []
    labels = list(source.kinds)
    while len(made) < collection.sizes[split]:
        label = labels[len(made) % len(labels)]
        for _ in range(TRIES):
            report = make_report(source, collection, label, split, dice)
            kept = kept_slots(report, source, collection)
            fits = not kept if split == "train" else bool(kept & report.named) or len(made) // len(labels) % 2 == 0
            if fits and report.target not in taken:
                taken.add(report.target)
                made.append(report)
                break
        else:
            raise ValueError(f"{split}: no more reports of kind {label!r}")
    return dice.shuffled(made)


# the checks


def check(data: Mapping[str, Sequence[Report]], source: Source, collection: Collection) -> None:
    """Raise ``ValueError`` if splits share what they should not, or if sizes or texts are wrong."""
    for split, reports in data.items():
        if len(reports) != collection.sizes[split]:
            raise ValueError(f"{split}: {len(reports)} reports, not {collection.sizes[split]}")
        broken = [r.source for r in reports if re.search(r"[{}\[\]|\n]|\s\s", r.source + r.target)]
        if broken:
            raise ValueError(f"{split}: malformed: {broken[0]}")
        kept = sum(bool(kept_slots(r, source, collection) & r.named) for r in reports)
        if (split == "train" and kept) or (split != "train" and 3 * kept < len(reports)):
            raise ValueError(f"{split}: {kept} summaries with a name that is kept from training")
    words = {
        split: {token for r in reports for token in tokens(r.source + " " + r.target) if not token.isdigit()}
        for split, reports in data.items()
    }
    unknown = (words["validation"] | words["test"]) - words["train"]
    if unknown:
        raise ValueError(f"words that training does not show: {sorted(unknown)}")
    refuse_repeats("reports", (report.source for reports in data.values() for report in reports))
    refuse_repeats("summaries", (report.target for reports in data.values() for report in reports))
    kept_wordings = {text for kind in source.kinds.values() for role in ROLES for text in kind.roles[role + " test"]}
    shown = kept_wordings & {wording for r in (*data["train"], *data["validation"]) for wording in r.wordings}
    if shown:
        raise ValueError(f"wordings of test in another split: {sorted(shown)[:3]}")


# the files


def generate(collection: Collection) -> dict[str, list[Report]]:
    """The checked reports of all splits of one collection."""
    source = read_source(collection.source)
    taken: set[str] = set()
    data = {split: make_split(source, collection, split, taken) for split in SPLITS}
    check(data, source, collection)
    return data


def files() -> dict[Path, bytes]:
    """Every file and what it is to hold."""
    return {
        DATA / collection.folder / f"{split}.jsonl": to_json_lines(
            {"source": report.source, "target": report.target} for report in reports
        )
        for collection in COLLECTIONS
        for split, reports in generate(collection).items()
    }


def rouge_l(one: Sequence[str], other: Sequence[str]) -> float:
    """F1 of the longest common subsequence (Lin 2004)."""
    row = [0] * (len(other) + 1)
    for left in one:
        before = 0
        for place, right in enumerate(other, start=1):
            before, row[place] = row[place], before + 1 if left == right else max(row[place], row[place - 1])
    return 2 * row[-1] / (len(one) + len(other)) if one and other else 0.0


def form_only(train: Sequence[Report], reports: Sequence[Report]) -> float:
    """The mean ROUGE-L, 0 to 1, of a summary of the right kind with the names and numbers of some training report.

    It tells what the words common to all summaries of a kind are worth: nothing was read but the kind.
    """
    dice = Dice(SEED)
    kinds: dict[str, list[Report]] = {}
    for report in train:
        kinds.setdefault(report.kind, []).append(report)
    guesses = [kinds[r.kind][dice.below(len(kinds[r.kind]))].target for r in reports]
    scores = [rouge_l(tokens(guess), tokens(r.target)) for guess, r in zip(guesses, reports, strict=True)]
    return sum(scores) / len(scores)


def print_stats() -> None:
    """Print counts of every split."""
    for collection in COLLECTIONS:
        data = generate(collection)
        for split, reports in data.items():
            lengths = sorted(len(tokens(report.source)) for report in reports)
            summaries = sum(len(tokens(report.target)) for report in reports) / len(reports)
            firsts = [re.split(r"(?<=[.。])", report.source)[0] for report in reports]
            lead = sum(rouge_l(tokens(f), tokens(r.target)) for f, r in zip(firsts, reports, strict=True))
            print(
                f"{collection.folder} {split}: {len(reports)} reports of {lengths[0]} to {lengths[-1]} words, median "
                f"{lengths[len(lengths) // 2]}; summaries of {summaries:.1f}; ROUGE-L of the first sentence "
                f"{100 * lead / len(reports):.1f}, of the form alone {100 * form_only(data['train'], reports):.1f}"
            )


if __name__ == "__main__":
    sys.exit(run(files, stats=print_stats))
