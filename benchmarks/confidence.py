"""How true are scores, sets and quality estimates of a finished run, on labelled rows that it has not seen?

``python benchmarks/confidence.py RUN FILE [--rows N]`` prints one JSON object:

* entities: the expected calibration error with the run's curve and without it;
* one label per text: for several coverages, how often the right label is in the set, and the mean size;
* generated texts: Spearman's correlation of score and sentence metric, and what the scores cost in time.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import taskzoo
from taskzoo.runs.data import file_rows

COVERAGES = (0.7, 0.8, 0.9, 0.95, 0.99)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("file")
    parser.add_argument("--rows", type=int, default=0, help="use the first N rows (default: all)")
    given = parser.parse_args()
    run = taskzoo.load(given.run)
    rows = file_rows(run.spec, run.task, given.file, columns={})
    rows = rows[: given.rows or None]
    measure = of_texts if run.task.generates else of_entities if run.spec.id == "ner" else of_labels
    print(json.dumps({"run": given.run, "rows": len(rows), **measure(run, rows)}, indent=2))


def of_entities(run: Any, rows: list[Any]) -> dict[str, Any]:
    """The calibration error with the run's curve and without."""
    examples = run.task.prepare(rows, "test")
    references, state, found = run.task.references(examples), run.task.state(), {}
    for name, curve in (("calibrated", state["confidence"]), ("as the model has it", None)):
        run.task.restore({**state, "confidence": curve})
        predictions = run.predict_rows(rows)
        scores = {k: v for metric in run.task.metrics() for k, v in metric.compute(predictions, references).items()}
        found[name] = {"ece": scores["ece"], "f1": scores["f1"], "curve": curve}
        found["entities"] = sum(len(p["entities"]) for p in predictions)
    return found


def of_labels(run: Any, rows: list[Any]) -> dict[str, Any]:
    """Coverage, mean size and share of sets of one label, for several coverages."""
    gold = [reference["label"] for reference in run.task.references(run.task.prepare(rows, "test"))]
    found = {}
    for coverage in COVERAGES:
        sets = [prediction["label_set"] for prediction in run.predict_rows(rows, coverage=coverage)]
        inside = sum(label in labels for label, labels in zip(gold, sets, strict=True))
        found[str(coverage)] = {
            "coverage": inside / len(gold),
            "size": sum(map(len, sets)) / len(sets),
            "single": sum(len(labels) == 1 for labels in sets) / len(sets),
        }
    return found


def of_texts(run: Any, rows: list[Any]) -> dict[str, Any]:
    """The rank correlation, and seconds with and without the pass that scores."""
    task = run.task
    references = task.references(task.prepare(rows, "test"))
    seconds = {}
    plain, free = task._scores, lambda *_: iter([(0.0, 0)] * len(rows))
    run.predict_rows(rows[:20])
    for name, scores in (("without scores", free), ("with scores", plain)):
        task._scores = scores
        began = time.perf_counter()
        predictions = run.predict_rows(rows)
        seconds[name] = time.perf_counter() - began
    metrics = {k: v for metric in task.metrics() for k, v in metric.compute(predictions, references).items()}
    return {task.primary_metric: metrics[task.primary_metric], "score_spearman": metrics["score_spearman"], **seconds}


if __name__ == "__main__":
    main()
