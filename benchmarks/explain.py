"""Which method of explanation finds the words that a model goes by, on three data sets?

``python benchmarks/explain.py --data FOLDER`` trains a run on some rows of each data set, measures every method of
``zoo explain`` and random order on test rows that it has not seen, and prints a table: comprehensiveness (more is
better), sufficiency (less is better), and their difference against random order, each with its 95% interval.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from data_sets import data_set, draw, read

import taskzoo
from taskzoo.explanations.faithfulness import RANDOM, Faithfulness, Mean, measure
from taskzoo.types import Row

SETS = {"rt_polarity": {"method": "linear-probe"}, "banking77": {"method": "linear-probe"}, "wnut17": {"epochs": 2}}
"""Data sets, and how a run on them is trained."""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a folder that holds a folder for each data set")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--model", default="minilm")
    parser.add_argument("--train", type=int, default=400, help="training rows of each")
    parser.add_argument("--rows", type=int, default=100, help="rows that are explained")
    parser.add_argument("--steps", type=int, default=32, help="of integrated gradients")
    parser.add_argument("--runs", type=Path, help="keep the runs in this folder, and use those that are there")
    parser.add_argument("--out", type=Path, help="write all figures here as JSON")
    given = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in given.sets:
            found, seconds = measured(name, given, given.runs or Path(folder))
            figures[name] = {**found.to_dict(), "seconds": seconds}
            print("\n".join(table(name, found)), flush=True)
    if given.out:
        given.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def measured(name: str, given: argparse.Namespace, folder: Path) -> tuple[Faithfulness, float]:
    """The figures of one data set, and how long it took to measure them."""
    rows = draw(read(name, given.data), given.train, 1, tuning=False, most=given.rows)
    path = folder / name
    if not path.is_dir():
        splits = {"train": rows.train, "validation": rows.validation, "test": rows.test}
        taskzoo.finetune(data_set(name).task, model=given.model, output=path, **splits, **SETS.get(name, {}), seed=1)
    run = taskzoo.load(path, precision="fp32")
    inputs = [{k: v for k, v in row.items() if not run.spec.columns[k].target} for row in rows.test]
    began = time.perf_counter()
    found = measure(run, [Row(each, name, i) for i, each in enumerate(inputs, 1)], steps=given.steps)
    return found, time.perf_counter() - began


def table(name: str, found: Faithfulness) -> list[str]:
    """Lines of Markdown."""
    lines = []
    for method in found.comprehensiveness:
        against = "" if method == RANDOM else shown(found.difference[method, RANDOM])
        values = [shown(found.comprehensiveness[method]), shown(found.sufficiency[method]), against]
        lines.append(f"| {name}, {found.rows} rows | {method} | {' | '.join(values)} |")
    for (first, second), mean in found.difference.items():
        if second != RANDOM:
            lines.append(f"| {name} | {first} - {second} | | | {shown(mean)} |")
    return lines


def shown(mean: Mean) -> str:
    """``0.412 [0.380, 0.444]``."""
    ends = "" if mean.interval is None else f" [{mean.interval[0]:.3f}, {mean.interval[1]:.3f}]"
    return f"{mean.value:.3f}{ends}"


if __name__ == "__main__":
    main()
