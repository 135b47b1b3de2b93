"""How well ``zoo labels`` finds wrong labels that were planted, against chance and against cleanlab.

Of some rows of each data set a share of the labels is made wrong: a class becomes another one, one of several labels is
added or taken away, a number becomes that of another row, an entity is dropped, gets another type or another border.
Both libraries are given the same cross-validated probabilities. For k = the number of planted ones: precision (which is
recall, too) at k, and the area under the ROC curve; and what zoo estimates: how many are wrong, and the precision at k.
What the authors of a data set labelled wrongly themselves counts as a mistake here.

    pip install cleanlab
    python benchmarks/labels.py --data path/to/data --sets banking77 rt_polarity wnut17 demo-classification
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import data_sets
import generate
import numpy as np
from common import mean_interval

from taskzoo import registry
from taskzoo.engine.progress import Silent
from taskzoo.labelling.entities import spans_of
from taskzoo.labelling.kinds import check_kind
from taskzoo.labelling.noise import fit_noise
from taskzoo.labelling.out_of_fold import OutOfFold, out_of_fold
from taskzoo.runs.data import demo_rows
from taskzoo.runs.plan import Plan, make_plan
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request

Rows = list[dict[str, Any]]
Planted = list[set[Any]]
"""For each row what was made wrong there: ``0`` for a class or number, the name of a label, the number of a word."""
SETS = ("demo-classification", "demo-ner", "generated-20-10", "banking77", "rt_polarity", "wnut17")


def main() -> None:
    """Read the arguments, plant wrong labels in every data set, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--similar", action="store_true", help="a wrong class is one that a probe takes for likely")
    parser.add_argument("--out", type=Path, help="write all figures here as JSON")
    arguments = parser.parse_args()
    generate.WRONG = 0.0
    results: dict[str, list[dict[str, float]]] = {}
    for name in arguments.sets:
        task, rows, settings = read(name, arguments.data, arguments.rows)
        for seed in arguments.seeds:
            began, chance = time.perf_counter(), random.Random(seed)
            likely = None
            if arguments.similar:
                likely = judged(task, rows, settings)[1]
            wrong_rows, planted = plant(rows, arguments.share, chance, likely)
            plan, found = judged(task, wrong_rows, settings)
            figures = measure(plan, found, planted) | {"seconds": time.perf_counter() - began}
            results.setdefault(name, []).append(figures)
            print(name, seed, {key: round(value, 3) for key, value in figures.items()}, flush=True)
            if arguments.out:
                arguments.out.write_text(json.dumps(results, indent=1), encoding="utf-8")
    table(results)


def read(name: str, folder: Path, count: int) -> tuple[str, Rows, dict[str, Any]]:
    """The task, rows and settings of a data set, or of ``demo-TASK``."""
    if name.startswith("demo-"):
        entry = registry.task_entry(name.removeprefix("demo-"))
        task = entry.load()(entry.spec.resolve_options({}))
        return entry.name, [dict(row.fields) for row in demo_rows(entry.spec, task)["train"]][:count], {}
    known = data_sets.data_set(name)
    rows = data_sets.read(name, folder)["train"]
    return known.task, random.Random(0).sample(rows, len(rows))[:count], dict(known.settings)


def judged(task: str, rows: Rows, settings: dict[str, Any]) -> tuple[Plan, OutOfFold]:
    """The rows as a plan, and what probes say of them."""
    request = RunRequest(task, "minilm", DataRequest(train=rows), {"method": "linear-probe", **settings})
    plan = make_plan(resolve_request(request), {"train": rows, "validation": [], "test": []})
    return plan, out_of_fold(plan, 5, Silent(), lambda: False)


def plant(rows: Rows, share: float, chance: random.Random, likely: OutOfFold | None) -> tuple[Rows, Planted]:
    """The rows with a share of their labels (of their entities) made wrong."""
    rows, planted = copy.deepcopy(rows), [set[Any]() for _ in rows]
    if "tags" in rows[0]:
        spans = [(row, span) for row, item in enumerate(rows) for span in spans_of(item["tags"])]
        for row, span in chance.sample(spans, round(share * len(spans))):
            planted[row] |= _other_entity(rows[row]["tags"], span, sorted({s.label for _, s in spans}), chance)
        return rows, planted
    golds = [row["label"] for row in rows]
    names = sorted({name for gold in golds for name in (gold if isinstance(gold, list) else [str(gold)])})
    for row in chance.sample(range(len(rows)), round(share * len(rows))):
        gold = golds[row]
        if isinstance(gold, list):
            name = chance.choice(gold) if len(gold) > 1 and chance.random() < 0.5 else ""
            name = name or chance.choice([other for other in names if other not in gold])
            rows[row]["label"] = sorted(set(gold) ^ {name})
            planted[row] = {name}
            continue
        if isinstance(gold, float):
            others = [other for other in golds if other != gold]
        elif likely is not None:
            others = _likely_others(likely, row, str(gold))
        else:
            others = [name for name in names if name != str(gold)]
        rows[row]["label"] = chance.choice(others)
        planted[row] = {0}
    return rows, planted


def _likely_others(likely: OutOfFold, row: int, gold: str) -> list[str]:
    """The three classes that a probe finds likeliest, but for the right one."""
    order = np.argsort(-likely.logits[row])
    return [name for name in (likely.labels[i] for i in order) if name != gold][:3]


def _other_entity(tags: list[str], span: Any, types: Sequence[str], chance: random.Random) -> set[int]:
    """Make an entity wrong in ``tags``; the numbers of the words that changed."""
    before, how = list(tags), chance.choice(["dropped", "type", "border"])
    label = span.label
    start, end = span.start, span.end
    for word in range(start, end):
        tags[word] = "O"
    if how == "type" and len(types) > 1:
        label = chance.choice([name for name in types if name != label])
    elif how == "border" and end < len(tags) and before[end] == "O":
        end += 1
    elif how == "border" and end - start > 1:
        end -= 1
    else:
        return set(range(start, end))
    tags[start:end] = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
    return set(range(start, max(end, span.end)))


def measure(plan: Plan, found: OutOfFold, planted: Planted) -> dict[str, float]:
    """The figures of one data set with one draw of planted labels."""
    checked = check_kind(plan.task, plan.splits.examples["train"], found)
    noise = fit_noise(checked.parts, checked.pool)
    truth, order = _truth(checked, found, planted), np.argsort(-noise.chances, kind="stable")
    k = sum(1 for row in planted for _ in row) if checked.unit != "entity" else sum(map(bool, planted))
    figures = {
        "labels": float(len(truth)),
        "planted": float(k),
        **_scores("zoo", noise.chances, truth, k),
        "random precision": float(truth.mean()),
        "estimated wrong": noise.wrong[0],
        "low": noise.wrong[1],
        "high": noise.wrong[2],
    }
    for size in (20, k):
        ((middle, low, high),) = noise.precisions(order, [size])
        name = "k" if size == k else str(size)
        right = float(truth[order[:size]].mean())
        figures |= {f"precision at {name}": right, f"estimated at {name}": middle}
        figures |= {f"inside at {name}": float(low <= right <= high)}
    peer = peer_scores(checked, found, plan)
    if peer is not None:
        sentences = np.array([bool(words) for words in planted])
        if checked.unit == "entity":  # the peer ranks sentences
            ours = np.zeros(len(planted))
            np.maximum.at(ours, [label.row for label in checked.labels], noise.chances)
            figures |= _scores("zoo rows", ours, sentences, int(sentences.sum()))
            figures |= _scores("cleanlab rows", peer, sentences, int(sentences.sum()))
        else:
            figures |= _scores("cleanlab", peer, truth, k)
    return figures


def _truth(checked: Any, found: OutOfFold, planted: Planted) -> np.ndarray:
    """Which of the checked labels were made wrong."""
    if checked.unit == "decision":
        names = found.labels
        return np.array([names[i % len(names)] in planted[label.row] for i, label in enumerate(checked.labels)])
    if checked.unit == "entity":
        return np.array([bool(set(range(*label.words)) & planted[label.row]) for label in checked.labels])
    return np.array([bool(planted[label.row]) for label in checked.labels])


def _scores(name: str, chances: np.ndarray, truth: np.ndarray, k: int) -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    first = np.argsort(-chances, kind="stable")[:k]
    return {f"{name} precision": float(truth[first].mean()), f"{name} auroc": float(roc_auc_score(truth, chances))}


def peer_scores(checked: Any, found: OutOfFold, plan: Plan) -> np.ndarray | None:
    """What cleanlab makes of the same probabilities, high for labels that look wrong; ``None`` if it is not there."""
    try:
        from cleanlab.multilabel_classification.rank import get_label_quality_scores_per_class
        from cleanlab.rank import get_label_quality_scores
        from cleanlab.regression.rank import get_label_quality_scores as of_numbers
        from cleanlab.token_classification.rank import get_label_quality_scores as of_words
    except ImportError:
        return None
    (targets,) = found.targets.values() if len(found.targets) == 1 else (found.targets[plan.task.token_target],)
    logits = found.logits.astype(np.float64)
    if checked.unit == "number":
        return -of_numbers(targets, logits[:, 0])
    if checked.unit == "decision":
        lists = [np.flatnonzero(row).tolist() for row in targets]
        return -get_label_quality_scores_per_class(lists, 1 / (1 + np.exp(-logits))).ravel()
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    if checked.unit == "label":
        return -get_label_quality_scores(targets, probabilities)
    starts = np.searchsorted(found.rows, np.arange(1, len(plan.splits.examples["train"])))
    labels = [part.tolist() for part in np.split(targets, starts)]
    return -np.asarray(of_words(labels, np.split(probabilities, starts))[0])


def table(results: dict[str, list[dict[str, float]]]) -> None:
    """A line for each data set: means over the seeds with 95% intervals."""
    names = [name for runs in results.values() for name in runs[0]]
    columns = list(dict.fromkeys(names))
    print("| data | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for name, runs in results.items():
        cells = [mean_interval([run[column] for run in runs]) if column in runs[0] else "-" for column in columns]
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
