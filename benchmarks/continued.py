"""A class more: training on from a finished run (``zoo run --from``) against training from scratch on all rows.

    python benchmarks/continued.py --data FOLDER [--rows 20] [--seeds 1 2 3] [--method linear-probe] [--mix 0.25 1520]

FOLDER has ``train.csv`` and ``test.csv`` with text and label, such as BANKING77. Each seed leaves out another class and
draws ``--rows`` training rows and five test rows of each of the others; a run on these is the old one. Then the class
is added with as many rows, in four ways: with its rows alone, with old rows mixed in, and from scratch on all rows. For
each: the recall of the new class on all of its test rows, the accuracy on the old test rows less that of the old run
with the 95% interval of a paired bootstrap, and the seconds that the run took.
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from common import write_results

import taskzoo
from taskzoo.metrics.paired import difference_interval

MODEL = "minilm"
OLD_TEST = 5
Rows = list[dict[str, str]]


def main() -> None:
    """Make all runs and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--method", default="linear-probe")
    parser.add_argument("--mix", type=float, nargs="+", default=[0.25, 1e6])
    parser.add_argument("--out", type=Path, help="write all figures here as JSON")
    arguments = parser.parse_args()
    train, test = (read(arguments.data / f"{split}.csv") for split in ("train", "test"))
    results: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for seed in arguments.seeds:
        for arm, figures in one_seed(train, test, seed, arguments).items():
            results[arm].append({"seed": seed, **figures})
            print(f"{arm}, seed {seed}: {figures}", flush=True)
        write_results(arguments.out, results)
    print(
        "| arm | recall of the new class | accuracy on old rows, less that of the old run | seconds |",
        "|---|---|---|---|",
        sep="\n",
    )
    for arm, runs in results.items():
        forgotten = "; ".join(f"{r['forgotten']:+.3f} [{r['low']:+.3f}, {r['high']:+.3f}]" for r in runs)
        recall = ", ".join(f"{run['recall']:.2f}" for run in runs)
        print(f"| {arm} | {recall} | {forgotten} | {np.mean([run['seconds'] for run in runs]):.0f} |")


def read(path: Path) -> dict[str, Rows]:
    """Label -> its rows."""
    with path.open(encoding="utf-8", newline="") as file:
        rows: dict[str, Rows] = defaultdict(list)
        for row in csv.DictReader(file):
            text, label = row.values()
            rows[label].append({"text": text, "label": label})
    return rows


def one_seed(
    train: dict[str, Rows], test: dict[str, Rows], seed: int, arguments: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    """Arm -> its figures."""
    chance = random.Random(seed)
    new = chance.choice(sorted(train))
    known = sorted(train.keys() - {new})
    drawn = {label: chance.sample(train[label], arguments.rows) for label in [*known, new]}
    old_rows = [row for label in known for row in drawn[label]]
    old_test = [row for label in known for row in chance.sample(test[label], OLD_TEST)]
    settings: dict[str, Any] = {"seed": seed, "method": arguments.method, "baseline": False}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        old = taskzoo.finetune(
            "classification", model=MODEL, train=old_rows, test=old_test, output=place / "old", **settings
        )
        before = right(old, old_test)
        ways: dict[str, dict[str, Any]] = {"new rows only": {"from_run": old, "train": drawn[new]}}
        for mix in arguments.mix:
            name = f"with {mix:.0%} of the old rows" if mix < 1 else "with all old rows"
            ways[name] = {"from_run": old, "train": drawn[new], "mix_old": mix}
        ways["from scratch on all"] = {"model": MODEL, "train": [*old_rows, *drawn[new]]}
        found = {}
        for number, (name, way) in enumerate(ways.items()):
            began = time.perf_counter()
            run = taskzoo.finetune("classification", **way, test=test[new], output=place / str(number), **settings)
            seconds = time.perf_counter() - began
            after = right(run, old_test)
            low, high = difference_interval(
                len(before),
                lambda weights, after=after: float(weights @ after / weights.sum()),  # type: ignore[misc]
                lambda weights: float(weights @ before / weights.sum()),
            )
            found[name] = {
                "recall": float(right(run, test[new]).mean()),
                "forgotten": float(after.mean() - before.mean()),
                "low": low,
                "high": high,
                "old": float(before.mean()),
                "seconds": seconds,
            }
    return found


def right(run: taskzoo.Run, rows: Rows) -> np.ndarray:
    """1 for each row whose label is predicted."""
    found = run.predict([row["text"] for row in rows])
    return np.array([a["label"] == row["label"] for a, row in zip(found, rows, strict=True)], dtype=np.float64)


if __name__ == "__main__":
    main()
