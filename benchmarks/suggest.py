"""Whether the rows that ``zoo suggest`` chooses are worth more than rows drawn by chance.

From a few labelled rows on, a batch of a pool is labelled at a time: those that ``zoo suggest`` would choose, or any.
After each batch a linear probe is fitted to all labelled rows and scored on test rows; vectors are computed once. The
draws differ in the first rows. What counts is how many labels it takes to reach the score that chance reaches with all.

    python benchmarks/suggest.py --data path/to/data --sets banking77 rt_polarity goemotions
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import tempfile
from pathlib import Path
from typing import Any

import data_sets
import numpy as np
from common import mean_interval

from taskzoo.engine.progress import Silent
from taskzoo.labelling.choose import CANDIDATES, choose
from taskzoo.labelling.doubt import doubt_of
from taskzoo.labelling.suggest import LEAST_CANDIDATES
from taskzoo.labelling.vectors import RowVectors
from taskzoo.runs.loading import load_session
from taskzoo.runs.plan import make_plan
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request
from taskzoo.types import Row

POOL, TEST = 3000, 1000
STRATEGIES = ("chance", "suggest", "most doubtful")


def main() -> None:
    """Read the arguments, run all draws, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--sets", nargs="+", default=["banking77", "rt_polarity", "goemotions"])
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--first", type=int, default=100)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--labels", type=int, default=400)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--vectors", type=Path, help="keep the vectors in this folder")
    parser.add_argument("--out", type=Path, help="write all figures here as JSON")
    arguments = parser.parse_args()
    found: dict[str, dict[str, list[list[float]]]] = {}
    for name in arguments.sets:
        pool, test = vectors(name, arguments)
        for strategy in arguments.strategies:
            curves = [curve(pool, test, strategy, draw, arguments) for draw in range(arguments.draws)]
            found.setdefault(name, {})[strategy] = curves
            print(name, strategy, [round(float(value), 3) for value in np.mean(curves, axis=0)], flush=True)
        if arguments.out:
            arguments.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    table(found, arguments)


def vectors(name: str, arguments: argparse.Namespace) -> tuple[Any, Any]:
    """Vectors and targets of the pool and of the test rows."""
    kept = arguments.vectors / f"{name}.pkl" if arguments.vectors else None
    if kept is not None and kept.is_file():
        found: tuple[Any, Any] = pickle.loads(kept.read_bytes())
        return found
    known = data_sets.data_set(name)
    splits, chance = data_sets.read(name, arguments.data), random.Random(0)
    rows = [
        chance.sample(splits[part], min(size, len(splits[part]))) for part, size in (("train", POOL), ("test", TEST))
    ]
    few = rows[0][:100]
    request = RunRequest(known.task, "minilm", DataRequest(train=few), {"method": "linear-probe"})
    plan = make_plan(resolve_request(request), {"train": few, "validation": [], "test": []})
    names = sorted({label for part in rows for row in part for label in _labels(row)})
    with tempfile.TemporaryDirectory() as folder:
        session = load_session(plan, Silent(), Path(folder)).session
        encode = RowVectors(session.task, session.model, session.processor)
        parts = []
        for part in rows:
            examples = session.task.prepare([Row({"text": row["text"]}) for row in part], "predict")
            parts.append((encode(examples), np.array([[label in _labels(row) for label in names] for row in part])))
    if kept is not None:
        kept.write_bytes(pickle.dumps(tuple(parts)))
    return parts[0], parts[1]


def _labels(row: dict[str, Any]) -> list[str]:
    return row["label"] if isinstance(row["label"], list) else [str(row["label"])]


def curve(pool: Any, test: Any, strategy: str, draw: int, arguments: argparse.Namespace) -> list[float]:
    """The score after each batch."""
    (inputs, targets), several = pool, (pool[1].sum(1) != 1).any()
    chance = np.random.default_rng(draw)
    labelled = chance.permutation(len(inputs))[: arguments.first].tolist()
    scores = []
    while True:
        both = fit(inputs[labelled], targets[labelled], np.concatenate([test[0], inputs]), several=several)
        scores.append(score(both[: len(test[0])], test[1], several=several))
        if len(labelled) >= arguments.labels:
            return scores
        rest = np.setdiff1d(np.arange(len(inputs)), labelled)
        if strategy == "chance":
            chosen = chance.permutation(len(rest))[: arguments.batch]
        else:
            doubts = np.array([doubt(row, several=several) for row in both[len(test[0]) :][rest]])
            order = np.argsort(-doubts, kind="stable")
            chosen = order[: arguments.batch]
            if strategy == "suggest":
                order = order[: max(LEAST_CANDIDATES, CANDIDATES * arguments.batch)]
                chosen = order[choose(doubts[order], inputs[rest][order], arguments.batch, draw)]
        labelled += rest[chosen].tolist()


def doubt(probabilities: np.ndarray, *, several: bool) -> float:
    """As ``zoo suggest`` has it, of a prediction with these probabilities."""
    scores = {str(i): float(value) for i, value in enumerate(probabilities)}
    kind: dict[str, Any] = {"labels": []} if several else {"label": "0", "score": 0.0}
    found = doubt_of({**kind, "scores": scores, "_probabilities": probabilities})
    return found.value if found else 0.0


def fit(inputs: np.ndarray, targets: np.ndarray, others: np.ndarray, *, several: bool) -> np.ndarray:
    """Probabilities of ``others`` by logistic regression, a model for each label where a row may have several."""
    from sklearn.linear_model import LogisticRegression

    found = np.zeros((len(others), targets.shape[1]))
    if not several:
        model = LogisticRegression(C=30, max_iter=200).fit(inputs, targets.argmax(1))
        found[:, model.classes_] = model.predict_proba(others)
        return found
    for place, column in enumerate(targets.T):
        found[:, place] = column.mean()
        if 0 < column.mean() < 1:
            found[:, place] = LogisticRegression(C=10, max_iter=200).fit(inputs, column).predict_proba(others)[:, 1]
    return found


def score(probabilities: np.ndarray, targets: np.ndarray, *, several: bool) -> float:
    """Accuracy; of several labels the mean of their average precisions."""
    from sklearn.metrics import average_precision_score

    if several:
        return float(average_precision_score(targets, probabilities, average="macro"))
    return float((probabilities.argmax(1) == targets.argmax(1)).mean())


def table(found: dict[str, dict[str, list[list[float]]]], arguments: argparse.Namespace) -> None:
    """A line for each data set and strategy, with 95% intervals over the draws."""
    most = arguments.labels
    print(f"\n| data | rows by | score with {most} labels | labels to reach the score of chance with {most} |")
    print("|---|---|---|---|")
    for name, strategies in found.items():
        goal = float(np.mean([one[-1] for one in strategies["chance"]]))
        for strategy, curves in strategies.items():
            costs = [cost(one, goal, arguments) for one in curves]
            print(f"| {name} | {strategy} | {mean_interval([one[-1] for one in curves])} | {mean_labels(costs)} |")


def cost(scores: list[float], goal: float, arguments: argparse.Namespace) -> float:
    """Labels until the score is reached for the first time, in between two batches by interpolation; at most all."""
    before = 0.0
    for batch, value in enumerate(scores):
        if value >= goal:
            part = 1.0 if batch == 0 or value == before else (goal - before) / (value - before)
            return float(arguments.first + (batch - 1 + part) * arguments.batch if batch else arguments.first)
        before = value
    return float(arguments.labels)


def mean_labels(values: list[float]) -> str:
    """``210 ± 20``: the mean with its 95% t-interval."""
    from scipy.stats import t

    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return f"{np.mean(values):.0f} ± {half:.0f}"


if __name__ == "__main__":
    main()
