"""Every method on every data set over several seeds: a file of results, and a page made from it.

    python benchmarks/results.py run --out docs/results.csv --data FOLDER
    python benchmarks/results.py run --out F.csv --data FOLDER [--sets ...] [--rows 300 1000 3000]
        [--methods auto full ...] [--seeds 1 2 3] [--test 500] [--unseen]
    python benchmarks/results.py page --out docs/results.csv --page docs/results.md

``run`` without rows, methods and seeds is what ``docs/results.csv`` holds (:data:`PUBLISHED`). It appends a line for
each training to the CSV file and skips those that it has, so it can be stopped and started again. All methods of a data
set, number of rows and seed have the very same rows (``data_sets.py``) and are scored by the same code on the same test
rows: the test split, at most 500 of it. Where that is small, ``--unseen`` takes training rows that no run trains on, or
the authors' validation rows (into a file of its own). ``page`` writes the tables.

The methods (``arms.py``): those of zoo with their recipes' defaults (``auto``, ``full``, ``lora``, ``linear-probe``,
``contrastive``), the task's own baseline (``tf-idf``), the class frequencies (``majority``), ``trainer``:
``transformers.Trainer`` with the flags of the library's examples, ``trainer-best``: the same with the best of several
flags by the validation rows, and ``setfit`` where the library is installed. A method that a task or data set does not
allow leaves no line.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path
from statistics import mean

from arms import METHODS, NotForThisError, Score, make_job
from common import lines_of, mean_interval
from data_sets import GENERATED as MADE_UP
from data_sets import TABLE, draw, read, seen

GENERATED = ("generated-2-1", "generated-2-50", "generated-20-10", "generated-150-5")
SIMPLE = ("linear-probe", "tf-idf", "majority")
"""What the default must not lose to."""
DEFAULT = "auto"
NOT_SAID = "nothing was said"
AGAINST = ("method", "data sets", "runs", "default", "the other", "difference", "without generated", "better", "worse")

Cell = tuple[str, int, str]
"""A data set, a number of rows and a model: a line of the tables."""


@dataclass(frozen=True, slots=True)
class Key:
    """One training."""

    data_set: str
    rows: int
    model: str
    method: str
    seed: int

    @property
    def cell(self) -> Cell:
        """Where it is compared."""
        return self.data_set, self.rows, self.model


@dataclass(frozen=True, slots=True)
class Part:
    """Trainings that are run together: numbers of rows, seeds and methods, each with each, on every data set."""

    rows: Sequence[int]
    seeds: Sequence[int]
    methods: Sequence[str]


CHEAP = (DEFAULT, *SIMPLE)
PUBLISHED: Sequence[Part] = (
    Part((50, 100, 300, 1000, 3000, 10_000), (1, 2, 3, 4, 5), CHEAP),
    Part((100,), (1, 2, 3), ("trainer", "trainer-best", "lora", "contrastive")),
    Part((100,), (1,), ("setfit",)),
)
"""What ``docs/results.csv`` holds, as far as it was run."""
SETS = [name for name, data in TABLE.items() if data.task not in ("translation", "summarization") and not data.folder]
"""All but those whose trainings take long, and another reading of the same files."""

FIELDS = [field.name for field in (*fields(Key), *fields(Score))]
Results = dict[Key, Score]


def read_results(path: Path) -> Results:
    """The lines of the file, none if there is no file."""
    results: Results = {}
    for line in lines_of(path, FIELDS):
        key = Key(line["data_set"], int(line["rows"]), line["model"], line["method"], int(line["seed"]))
        numbers = [float(line[name]) for name in ("score", "low", "high", "seconds", "seen")]
        results[key] = Score(line["metric"], *numbers, line["said"])
    return results


def append_result(path: Path, key: Key, score: Score) -> None:
    """Append a line to the file, with a header if it is new."""
    is_new = not path.is_file()
    values = {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(score).items()}
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(asdict(key) | values)


def run(arguments: argparse.Namespace) -> None:
    """Train what the file lacks, and append it."""
    parts = PUBLISHED
    if arguments.rows or arguments.seeds or arguments.methods:
        parts = [
            Part(arguments.rows or [300, 1000, 3000], arguments.seeds or [1, 2, 3], arguments.methods or [*METHODS])
        ]
    for part in parts:
        run_part(part, arguments)


def run_part(part: Part, arguments: argparse.Namespace) -> None:
    """Train what the file lacks of ``part``."""
    done = read_results(arguments.out)
    for name, rows, seed in product(arguments.sets, part.rows, part.seeds):
        keys = [Key(name, rows, arguments.model, method, seed) for method in part.methods]
        missing = [key for key in keys if key not in done]
        if not missing:
            continue
        drawn = draw(read(name, arguments.data), rows, seed, tuning=arguments.unseen, most=arguments.test)
        if len(drawn.train) < rows:
            print(f"{name} has only {len(drawn.train)} rows to train on: left out", file=sys.stderr)
            continue
        for key in missing:
            try:
                score = METHODS[key.method](make_job(name, drawn, key.model, key.method, seed))
            except NotForThisError as reason:
                print(f"{key}: left out, {reason}", file=sys.stderr)
                continue
            append_result(arguments.out, key, replace(score, seen=seen(drawn)))
            print(f"{key}: {score}", file=sys.stderr, flush=True)


# the page

PAGE = """# Results

<!-- written by `python benchmarks/results.py page`; do not edit -->

Every method trains on the same rows of every data set, with its recipe's defaults, and is scored on the same rows of
the test split, 500 at most (`--test`). Means over the seeds {seeds}, or those of them that were run; they draw the
training rows too. After ± stands half the range over the seeds. The intervals of single runs are in
[results.csv](results.csv). A dash was not run, or has no score; single seeds tell methods apart only where they differ
by much.

**Validation rows**, an eighth as many and 20 at least, are given to what chooses by them: the methods of zoo and
`trainer-best`, and `tf-idf` and `majority` for the thresholds of several labels. `setfit` has no use for them. With 100
rows the choice among the seven sets of flags of `trainer-best`, as that of zoo between probe and training, is one by 20
rows.

**Test texts that were seen.** Some data sets have texts several times, and so have the generated ones, whose sentences
are made from few words. "Seen" is the mean share of the test texts that also occur in the rows that a run was given.
All methods can look these up, and those that remember single texts gain most.

**Test rows whose label is in none of the drawn training rows are left out**, since no method could get them right. With
few rows of many classes that is a large part: of 150 classes, 100 rows hold about half, so a score there is that of a
smaller problem, and scores of different numbers of rows cannot be compared. `generated-20-10` are made-up texts of 20
classes, the largest 10 times as frequent as the smallest.

## Scores

{scores}

`trainer` is `transformers.Trainer` with the flags of the library's examples, `trainer-best` with the best of seven sets
of flags by validation score, of equal ones the first; for several labels its thresholds are chosen on the validation
rows, as those of zoo are.
`tf-idf` is the task's own baseline; for several labels, `majority` has thresholds too.

`auto`, `lora`, `linear-probe` and `contrastive` take their seconds for training and validation; the others for
training alone, `trainer-best` for that with the best flags. Not all runs were made on one idle machine, so seconds tell
the order of magnitude.

## Seconds of training and validation

{seconds}

## The default against each other method

Over all data sets, numbers of rows and seeds where both were run: means over the data sets, and the mean difference
with a 95% t-interval over them (the seeds and numbers of rows of one data set are averaged first), and the same without
the generated ones, which are alike. "Better" and "worse" count the runs in which the other's score is outside of the
default's own interval. Scores of different kinds (accuracy, F1, correlation) are averaged.

{against}

## Where the default is below a simpler method

Runs in which a simpler method's score is above the default's own interval.

{defeats}

## How to repeat it

<!-- no-run: takes hours and needs the data -->
```bash
python benchmarks/results.py run --out docs/results.csv --data path/to/data
python benchmarks/results.py page --out docs/results.csv --page docs/results.md
```
"""


def page(results: Results) -> str:
    """The page: a table of scores, one of times, and where the default is below a simpler method."""
    results = dict(sorted(results.items(), key=lambda item: item[0].cell))
    methods = [name for name in METHODS if any(key.method == name for key in results)]
    cells: dict[Cell, dict[str, list[Score]]] = {}
    for key, score in results.items():
        cells.setdefault(key.cell, {name: [] for name in methods})[key.method].append(score)
    heads = ["data set", "rows", "model", "score", *methods]
    seen_heads = [*heads[:3], "seen", *heads[3:]]
    lines = [_line(cell, found, _mean_score) for cell, found in cells.items()]
    for line, found in zip(lines, cells.values(), strict=True):
        line.insert(3, f"{mean(one.seen for scores in found.values() for one in scores):.0%}")
    return PAGE.format(
        seeds=", ".join(map(str, sorted({key.seed for key in results}))),
        scores=_table(seen_heads, lines),
        seconds=_table(heads, [_line(cell, found, _mean_seconds) for cell, found in cells.items()]),
        against=_table(AGAINST, [_against(results, name) for name in methods if name != DEFAULT]),
        defeats=_defeats(results),
    )


def _mean_score(scores: Sequence[Score]) -> str:
    values = [one.score for one in scores]
    spread = f" ± {(max(values) - min(values)) / 2:.3f}" if len(values) > 1 else ""
    return f"{mean(values):.3f}{spread}"


def _mean_seconds(scores: Sequence[Score]) -> str:
    return f"{mean(one.seconds for one in scores):.0f}"


def _line(cell: Cell, methods: Mapping[str, list[Score]], show: Callable[[list[Score]], str]) -> list[str]:
    metric = next(scores[0].metric for scores in methods.values() if scores)
    shown = [show(scores) if scores else "–" for scores in methods.values()]
    return [cell[0], f"{cell[1]:,}", cell[2], metric, *shown]


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, ["---"] * len(heads), *lines))


def _against(results: Results, other: str) -> list[str]:
    """A line of what the default scores beside ``other`` where both were run."""
    pairs = [(key, score, results.get(replace(key, method=other))) for key, score in results.items()]
    both = [(key, ours, theirs) for key, ours, theirs in pairs if key.method == DEFAULT and theirs]
    if not both:
        return [other, *["–"] * (len(AGAINST) - 1)]
    by_set: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for key, ours, theirs in both:
        by_set[key.data_set].append((ours.score, theirs.score))
    of_sets = {name: tuple(map(mean, zip(*scores, strict=True))) for name, scores in by_set.items()}
    means = [mean(side) for side in zip(*of_sets.values(), strict=True)]
    better = sum(theirs.score < ours.low for _, ours, theirs in both)
    worse = sum(theirs.score > ours.high for _, ours, theirs in both)
    differences = {name: ours - theirs for name, (ours, theirs) in of_sets.items()}
    found = [value for name, value in differences.items() if not name.startswith(MADE_UP)]
    intervals = [mean_interval([*differences.values()]), f"{mean_interval(found)} ({len(found)})" if found else "–"]
    counts = [str(len(by_set)), str(len(both))]
    return [other, *counts, *(f"{value:.3f}" for value in means), *intervals, str(better), str(worse)]


def _defeats(results: Results) -> str:
    """A line for each run of ``auto`` for which a simpler method's score is above its interval."""
    groups: dict[tuple[Cell, int], dict[str, Score]] = defaultdict(dict)
    for key, score in results.items():
        groups[key.cell, key.seed][key.method] = score
    lines, runs, silent = [], 0, 0
    for ((name, rows, model), seed), methods in groups.items():
        simple = {method: methods[method].score for method in SIMPLE if method in methods}
        if DEFAULT not in methods or not simple:
            continue
        runs += 1
        ours, best = methods[DEFAULT], max(simple, key=lambda method: simple[method])
        if simple[best] > ours.high:
            where = f"{name}, {rows:,} rows, {model}, seed {seed}"
            scores = f"{ours.score:.3f} [{ours.low:.3f}, {ours.high:.3f}], {best} {simple[best]:.3f}"
            lines.append(f"* {where}: {scores}; {ours.said or NOT_SAID}")
            silent += not ours.said
    if not lines:
        return f"Nowhere in {runs} runs of `auto`: no simpler method's score is above its interval."
    said = f"with a warning above the scores in {len(lines) - silent} of them, which stands here"
    return f"In {len(lines)} of {runs} runs of `auto`, {said}:\n\n" + "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "page"))
    parser.add_argument("--out", type=Path, required=True, help="CSV file of the results, to read and to append to")
    parser.add_argument("--page", type=Path, help="page: the Markdown file to write")
    parser.add_argument("--data", type=Path, help="folder with a folder for each data set; generated ones need none")
    parser.add_argument("--sets", nargs="+", help="data sets; default: all in --data, and generated ones")
    parser.add_argument("--rows", type=int, nargs="+", help="numbers of training rows")
    parser.add_argument("--methods", nargs="+", choices=METHODS)
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--test", type=int, default=500, help="at most so many test rows")
    parser.add_argument("--unseen", action="store_true", help="test on training rows outside of every draw instead")
    arguments = parser.parse_args()
    if arguments.command == "page":
        if arguments.page is None:
            parser.error("page needs --page")
        arguments.page.write_text(page(read_results(arguments.out)), encoding="utf-8")
        return
    if arguments.sets is None:
        arguments.sets = [*(SETS if arguments.data else ()), *GENERATED]
    run(arguments)


if __name__ == "__main__":
    main()
