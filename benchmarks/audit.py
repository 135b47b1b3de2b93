"""Does ``zoo audit`` find gaps that were planted, stay silent without any, and give intervals that hold the truth?

``python benchmarks/audit.py [--sets N] [--replications N]`` simulates rows and their predictions; no model is trained.

* false alarms: the share of data sets without any gap in which something is found (columns, lengths, labels, words);
* power: how often a column's value whose accuracy is 10 points lower is found, by rows in it, next to the difference
  that the audit says its rows would show in 4 of 5 cases; and how often a word that pulls towards a label is found;
* coverage: how often the 95% interval holds the true value, for each kind of interval.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from taskzoo.audit.audited_rows import RIGHT, AuditedRows
from taskzoo.audit.differences import of_means, of_pairs, wilson
from taskzoo.audit.gap import LABELS, SLICES, Gap, Section, corrected
from taskzoo.audit.groups import group_section
from taskzoo.audit.slices import slice_section
from taskzoo.audit.words import Vocabulary, pull_section, word_section

LABEL_NAMES = ("negative", "neutral", "positive")
ACCURACY, GAP = 0.85, 0.10


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--replications", type=int, default=1000)
    given = parser.parse_args()
    print("false alarms: data sets of 1,000 rows without a gap in which anything is found")
    alarms, looked = 0, 0
    for seed in range(given.sets):
        sections = simulated(1000, seed)
        looked += sum(len(section.gaps) for section in sections)
        alarms += any(section.found for section in sections)
    print(f"  {looked // given.sets:,} comparisons each: {wilson_text(alarms, given.sets)}", flush=True)
    print(
        "power: 2,000 rows, of which a share has an accuracy 10 points lower, and 5% a word that pulls towards a label"
    )
    for share, pull in ((0.05, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.4)):
        values, words, least = 0, 0, []
        for seed in range(given.sets // 2):
            sections = simulated(2000, seed, slice_share=share, pull=pull)
            slices = next(section for section in sections if section.name == SLICES)
            planted = next(gap for gap in slices.gaps if gap.about == "region = planted")
            values += planted.found
            words += word_found(sections)
            least.append(planted.detectable)
        said = f"(the audit says that {np.mean(least):.3f} would be)"
        print(f"  {2000 * share:.0f} rows: {wilson_text(values, given.sets // 2)} {said}")
        print(f"  {pull:.0%} of the rows with the word pulled: {wilson_text(words, given.sets // 2)}", flush=True)
    print("coverage of 95% intervals")
    for name, trial in TRIALS.items():
        held = sum(trial(np.random.default_rng(seed)) for seed in range(given.replications))
        print(f"  {name}: {wilson_text(held, given.replications)}", flush=True)


def wilson_text(count: int, total: int) -> str:
    """A share with its interval."""
    low, high = wilson(count, total)
    return f"{count / total:.1%} [{low:.1%}, {high:.1%}]"


def simulated(rows: int, seed: int, *, slice_share: float = 0.0, pull: float = 0.0) -> list[Section]:
    """The audit of rows whose accuracy is the same everywhere, but for what is planted."""
    chance = np.random.default_rng(seed)
    vocabulary = [f"word{i}" for i in range(2000)]
    weights = 1 / np.arange(1, 2001)
    lengths = chance.integers(5, 30, size=rows)
    words = chance.choice(vocabulary, size=lengths.sum(), p=weights / weights.sum())
    texts = [" ".join(part) for part in np.split(words, np.cumsum(lengths)[:-1])]
    gold = chance.choice(LABEL_NAMES, size=rows, p=[0.3, 0.2, 0.5])
    planted = chance.random(rows) < slice_share
    right = chance.random(rows) < np.where(planted, ACCURACY - GAP, ACCURACY)
    others = [chance.choice([name for name in LABEL_NAMES if name != label]) for label in gold]
    called = np.where(right, gold, others)
    if pull:
        marked = chance.random(rows) < 0.05
        texts = [f"moreover {text}" if one else text for text, one in zip(texts, marked, strict=True)]
        called = np.where(marked & (chance.random(rows) < pull), "positive", called)
    region = np.where(planted, "planted", chance.choice(["north", "south", "west"], size=rows))
    audited = AuditedRows(
        [{"text": text} for text in texts],
        (called == gold).astype(float),
        RIGHT,
        1.0,
        [frozenset([str(label)]) for label in gold],
        [frozenset([str(label)]) for label in called],
    )
    columns = {"region": region.tolist(), "source": chance.choice([*"abcdefgh"], size=rows).tolist()}
    known = Vocabulary(audited.joined)
    rates = group_section(audited, columns)
    sections = [slice_section(audited, columns, ["en"] * rows), word_section(audited, known)]
    return corrected([*sections, pull_section(audited, known), *([rates] if rates else [])])


def word_found(sections: list[Section]) -> bool:
    """Whether the planted word was found."""
    pulls: list[Gap] = next(section for section in sections if section.name == LABELS).found
    return any("'moreover'" in gap.about and "'positive'" in gap.about for gap in pulls)


def difference_of_shares(chance: np.random.Generator, rows: int, p: float) -> bool:
    """A slice against 1,000 other rows of which 0.85 are right."""
    first, second = chance.random(rows) < p, chance.random(1000) < 0.85
    low, high = of_means(first.astype(float), second.astype(float)).ci95
    return low <= p - 0.85 <= high


def difference_of_means(chance: np.random.Generator, rows: int) -> bool:
    """Of scores of entities in a sentence, many of which are 0 or 1."""
    first, second = (chance.choice([0.0, 0.5, 1.0], size=n, p=[0.3, 0.2, 0.5]) for n in (rows, 1000))
    low, high = of_means(first, second).ci95
    return low <= 0 <= high


def flips(chance: np.random.Generator, rows: int, p: float) -> bool:
    """A share."""
    low, high = wilson(int(chance.binomial(rows, p)), rows)
    return bool(low <= p <= high)


def change_of_score(chance: np.random.Generator, rows: int) -> bool:
    """8% of the rows are no longer right, 3% are right only now."""
    changes = chance.choice([1.0, -1.0, 0.0], size=rows, p=[0.08, 0.03, 0.89])
    low, high = of_pairs(changes).ci95
    return low <= 0.05 <= high


def over_templates(chance: np.random.Generator) -> bool:
    """A gap of 2 points of probability over 24 templates, which is larger in some of them."""
    low, high = of_pairs(chance.gamma(1.0, 0.05, size=24) - 0.03).ci95
    return low <= 0.02 <= high


def largest_of_groups(chance: np.random.Generator, accuracies: tuple[float, ...]) -> bool:
    """The difference between the highest and the lowest share, of groups of 200 rows."""
    size = 200
    called = np.concatenate([chance.random(size) < p for p in accuracies])
    gold = chance.random(len(called)) < 0.5
    sides = [[frozenset(["yes" if one else "no"]) for one in side] for side in (gold, called)]
    rows = AuditedRows([{} for _ in called], np.ones(len(called)), RIGHT, 1.0, *sides)
    section = group_section(rows, {"group": np.repeat([*"abcd"][: len(accuracies)], size).tolist()})
    assert section is not None
    gap = next(gap for gap in section.gaps if "share called 'yes'" in gap.about)
    return gap.ci95[0] <= max(accuracies) - min(accuracies) <= gap.ci95[1]


TRIALS: dict[str, Callable[[np.random.Generator], bool]] = {
    "slice of 30 rows, right or wrong, 0.75 against 0.85": lambda c: difference_of_shares(c, 30, 0.75),
    "slice of 100 rows": lambda c: difference_of_shares(c, 100, 0.75),
    "slice of 300 rows": lambda c: difference_of_shares(c, 300, 0.75),
    "slice of 30 rows, scores between 0 and 1": lambda c: difference_of_means(c, 30),
    "slice of 100 rows, scores between 0 and 1": lambda c: difference_of_means(c, 100),
    "flip rate 0.02 of 200 rows": lambda c: flips(c, 200, 0.02),
    "flip rate 0.1 of 50 rows": lambda c: flips(c, 50, 0.1),
    "change of the score, 50 rows": lambda c: change_of_score(c, 50),
    "change of the score, 200 rows": lambda c: change_of_score(c, 200),
    "pairs, 24 templates": over_templates,
    "largest difference of 2 groups": lambda c: largest_of_groups(c, (0.5, 0.6)),
    "largest difference of 4 groups, one of them apart": lambda c: largest_of_groups(c, (0.5, 0.5, 0.5, 0.6)),
    "largest difference of 4 groups, which is 0": lambda c: largest_of_groups(c, (0.5, 0.5, 0.5, 0.5)),
}


if __name__ == "__main__":
    main()
