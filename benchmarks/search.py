"""The search behind the recipes: a grid of settings x data sets x numbers of rows x seeds, then the setting that fits.

    python benchmarks/search.py run --out F.csv --data FOLDER --sets rt_polarity generated-20-10 --rows 300 1000 \
        --grid learning_rate=1e-4,3e-4 pooling=auto,unit-mean --set method=full probe_first=true
    python benchmarks/search.py fit --out F.csv [--rows 1000]

``run`` trains once per combination, all in this process, and appends a line to the file for each; what the file has
already is skipped, so an interrupted search goes on where it stopped. Scores are of rows outside the test split
(``data_sets.py``). ``fit`` compares the settings that were run everywhere. A setting counts by the mean of its test
score over the seeds less their standard deviation; its regret is what it lacks of the best setting of a data set and
number of rows. The recipe is the setting with the lowest mean regret, and it is checked by leaving each data set out:
the choice of the others, and its regret there.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any

from data_sets import Draw, data_set, draw, read

Cell = tuple[str, int]
"""A data set and a number of rows."""

ONE_OUTPUT = 0.95
"""A share of equal predictions from which a run counts as collapsed, if the most frequent label is rarer."""


@dataclass(frozen=True, slots=True)
class Key:
    """One run of a search. ``settings`` is written ``name=value name=value``, in the order of the names."""

    data_set: str
    rows: int
    model: str
    settings: str
    seed: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a run gave: scores in the data set's metric, and how large the most frequent prediction's share is."""

    metric: str
    validation: float
    test: float
    largest_share: float
    steps: int
    seconds: float


FIELDS = [field.name for field in (*fields(Key), *fields(Result))]


def read_results(path: Path) -> dict[Key, Result]:
    """The lines of the file, none if there is no file."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {_key(line): _result(line) for line in csv.DictReader(file)}


def _key(line: Mapping[str, str]) -> Key:
    return Key(line["data_set"], int(line["rows"]), line["model"], line["settings"], int(line["seed"]))


def _result(line: Mapping[str, str]) -> Result:
    numbers = [float(line[name]) for name in ("validation", "test", "largest_share")]
    return Result(line["metric"], *numbers, int(line["steps"]), float(line["seconds"]))


def append_result(path: Path, key: Key, result: Result) -> None:
    """Append a line to the file, with a header if it is new."""
    is_new = not path.is_file()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        if is_new:
            writer.writeheader()
        writer.writerow(asdict(key) | asdict(result))


def combinations(grid: Sequence[str], fixed: Sequence[str]) -> Iterator[str]:
    """The settings of each run: ``name=a,b`` of the grid in all combinations, with those that are fixed."""
    axes = [(name, values.split(",")) for name, _, values in (word.partition("=") for word in grid)]
    for values in product(*(values for _, values in axes)):
        varied = [f"{name}={value}" for (name, _), value in zip(axes, values, strict=True)]
        yield " ".join(sorted([*fixed, *varied]))


def train_once(key: Key, rows: Draw) -> Result:
    """Train and score one combination in this process."""
    import taskzoo

    chosen = data_set(key.data_set)
    settings = dict(word.split("=", 1) for word in key.settings.split())
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = taskzoo.finetune(
            chosen.task,
            model=key.model,
            train=rows.train,
            validation=rows.validation,
            test=rows.test,
            seed=key.seed,
            output=Path(folder) / "run",
            **{**chosen.settings, **settings},
        )
        metrics, predictions = run.metrics, list(run.predictions)
        steps = max((line.get("step", 0) for line in run.history), default=0)
    seconds = time.perf_counter() - began
    scores = [metrics[split][chosen.metric] or 0.0 for split in ("validation", "test")]
    return Result(chosen.metric, *scores, largest_share(predictions), steps, round(seconds, 1))


def largest_share(predictions: Sequence[Mapping[str, Any]]) -> float:
    """The share of the most frequent prediction, whatever the task calls it."""
    names = ("label", "labels", "value", "tags", "target", "text")
    name = next((name for name in names if name in predictions[0]), None) if predictions else None
    if name is None:
        return 0.0
    counts = Counter(str(row[name]) for row in predictions)
    return counts.most_common(1)[0][1] / len(predictions)


def run(arguments: argparse.Namespace) -> None:
    """Train what the file lacks, seed by seed, so that a search that is stopped has something of everything."""
    done = read_results(arguments.out)
    wanted = [
        Key(name, rows, arguments.model, settings, seed)
        for seed, rows, name, settings in product(
            arguments.seeds, arguments.rows, arguments.sets, combinations(arguments.grid, arguments.set)
        )
    ]
    missing = [key for key in dict.fromkeys(wanted) if key not in done]
    print(f"{len(wanted)} runs, {len(wanted) - len(missing)} of them done", file=sys.stderr)
    splits = {name: read(name, arguments.data) for name in {key.data_set for key in missing}}
    for place, key in enumerate(missing, 1):
        rows = draw(splits[key.data_set], key.rows, key.seed, tuning=True, most=arguments.test)
        if len(rows.train) < key.rows:
            print(f"{key.data_set} has only {len(rows.train)} rows to train on: left out", file=sys.stderr)
            continue
        result = train_once(key, rows)
        append_result(arguments.out, key, result)
        print(f"{place}/{len(missing)} {key} {result}", file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a setting does over all data sets and numbers of rows."""

    settings: str
    regret: float
    worst: float
    rank: float
    spread: float
    score: float
    seconds: float


def cell_values(results: Mapping[Key, Result]) -> dict[Cell, dict[str, list[float]]]:
    """Data set and number of rows -> settings -> test score of each seed."""
    values: dict[Cell, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for key, result in results.items():
        values[key.data_set, key.rows][key.settings].append(result.test)
    return values


def steady(scores: Sequence[float]) -> float:
    """Mean less standard deviation: a setting whose result depends on the seed counts for less."""
    return statistics.mean(scores) - (statistics.stdev(scores) if len(scores) > 1 else 0.0)


def regrets(
    values: Mapping[Cell, Mapping[str, Sequence[float]]], settings: Iterable[str]
) -> dict[str, dict[Cell, float]]:
    """Settings -> data set and number of rows -> what they lack there of the best of ``settings``."""
    found: dict[str, dict[Cell, float]] = {name: {} for name in settings}
    for cell, by_settings in values.items():
        best = max(steady(by_settings[name]) for name in found)
        for name, regret in found.items():
            regret[cell] = best - steady(by_settings[name])
    return found


def standings(results: Mapping[Key, Result]) -> list[Standing]:
    """The settings that were run in every cell, by mean regret, the best first."""
    values = cell_values(results)
    common = sorted(set.intersection(*(set(by_settings) for by_settings in values.values())))
    lacking = regrets(values, common)
    seconds: dict[str, list[float]] = defaultdict(list)
    for key, result in results.items():
        seconds[key.settings].append(result.seconds)

    def rank(name: str, cell: Cell) -> int:
        return 1 + sum(lacking[other][cell] < lacking[name][cell] for other in common)

    rows = [
        Standing(
            name,
            statistics.mean(lacking[name].values()),
            max(lacking[name].values()),
            statistics.mean(rank(name, cell) for cell in values),
            statistics.mean(statistics.pstdev(values[cell][name]) for cell in values),
            statistics.mean(statistics.mean(values[cell][name]) for cell in values),
            statistics.mean(seconds[name]),
        )
        for name in common
    ]
    return sorted(rows, key=lambda row: (row.regret, row.rank))


def left_out(results: Mapping[Key, Result]) -> list[tuple[str, str, float]]:
    """Data set, the settings that all others choose, and their mean regret on it."""
    values = cell_values(results)
    common = set.intersection(*(set(by_settings) for by_settings in values.values()))
    lacking = regrets(values, common)
    found = []
    for name in dict.fromkeys(name for name, _ in values):
        others = [cell for cell in values if cell[0] != name]
        here = [cell for cell in values if cell[0] == name]
        if others:
            choice = min(sorted(common), key=lambda one: statistics.mean(lacking[one][cell] for cell in others))
            found.append((name, choice, statistics.mean(lacking[choice][cell] for cell in here)))
    return found


def fit(arguments: argparse.Namespace) -> None:
    """Print both tables."""
    results = {
        key: result
        for key, result in read_results(arguments.out).items()
        if (not arguments.rows or key.rows in arguments.rows)
        and (not arguments.sets or key.data_set in arguments.sets)
        and key.model == arguments.model
    }
    if not results:
        raise SystemExit(f"{arguments.out} has no such runs.")
    print(report(results))


def report(results: Mapping[Key, Result]) -> str:
    """Both tables as Markdown, for the note of a recipe."""
    cells = list(cell_values(results))
    seeds = sorted({key.seed for key in results})
    lines = [
        f"{len({name for name, _ in cells})} data sets, {len(cells)} with a number of rows, seeds {seeds}",
        "",
        "| settings | mean regret | worst | mean rank | deviation over seeds | mean score | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in standings(results):
        spread = f"{row.spread:.4f}" if len(seeds) > 1 else "–"
        numbers = f"{row.regret:.4f} | {row.worst:.4f} | {row.rank:.1f} | {spread} | {row.score:.4f}"
        lines.append(f"| {row.settings} | {numbers} | {row.seconds:.0f} |")
    lines += ["", "| left out | chosen by the others | its regret there |", "|---|---|---|"]
    lines += [f"| {name} | {settings} | {regret:.4f} |" for name, settings, regret in left_out(results)]
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "fit"))
    parser.add_argument("--out", type=Path, required=True, help="CSV file of the results, to read and to append to")
    parser.add_argument("--data", type=Path, help="folder with a folder for each data set; generated ones need none")
    parser.add_argument("--sets", nargs="+", default=[], help="data sets (fit: only these)")
    parser.add_argument("--rows", type=int, nargs="+", default=[], help="numbers of training rows (fit: only these)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--test", type=int, default=1000, help="at most so many rows to score on, the same in each run")
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--grid", nargs="+", default=[], metavar="NAME=A,B", help="settings to try in all combinations")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="settings of every run")
    arguments = parser.parse_args()
    if arguments.command == "run" and not (arguments.sets and arguments.rows):
        parser.error("run needs --sets and --rows")
    {"run": run, "fit": fit}[arguments.command](arguments)


if __name__ == "__main__":
    main()
