"""Whether a run in several processes ends as the same run in one: weights, losses, predictions and metrics.

    python benchmarks/processes.py
    python benchmarks/processes.py --tasks ner --methods lora --processes 1 2 4 --sharded 2

Tiny models without dropout, in fp32. The first line of each is another run in one process, with other micro-batches:
what rounding alone does. 64 training rows in steps of 7 leave a last step of one row, fewer than there are
processes; 11 validation and 13 test rows do not divide either.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskzoo.testing import make_tiny_checkpoint

ROWS = {"train": 64, "validation": 11, "test": 13}
MICRO_BATCH_SIZES = (2, 3)
"""Of all runs, and of one more in one process: its sums are rounded otherwise, so it shows what rounding alone does."""
SETTINGS = "batch_size=7 epochs=6 learning_rate=0.01 precision=fp32 log_every=1 probe_first=false lora_dropout=0"
SETTINGS += " compact_embeddings=false"
TRANSLATION = "source_lang=en target_lang=es max_new_tokens=16 min_new_tokens=4"
MODELS = {"classification": "bert", "ner": "bert", "translation": "t5"}
METHODS = ("full", "lora")
FIRST = 12
"""An epoch has 10 steps, the last of one row."""
LABELS = {"animals": ["cat", "dog", "hen"], "food": ["soup", "rice", "bread"]}
FILLER = ["the", "my", "old", "big", "is", "was", "very"]
CONTINUOUS = {"loss", "log_loss", "ece", "score_spearman"}
"""Metrics of probabilities, which any rounding of a weight changes."""
SPANISH = {"cat": "gato", "dog": "perro", "hen": "gallina", "soup": "sopa", "rice": "arroz", "bread": "pan"}


@dataclass(frozen=True, slots=True)
class Differences:
    """What a run in several processes does not have in common with the run in one.

    Attributes:
        weights: the length of the difference of all weights, as a share of the way that training moved them.
        losses: the largest difference of a loss in the history, as a share of the highest.
        first_losses: the same of the first :data:`FIRST` steps, before rounding has grown.
        predictions: test rows with another prediction. Probabilities do not count.
        metrics: the largest difference of a metric of what was predicted.
        rows: the prediction of each test row is there once, in order.
    """

    weights: float
    losses: float
    first_losses: float
    predictions: int
    metrics: float
    rows: bool


def compare(
    task: str, method: str, processes: Sequence[int], folder: Path, sharded: Sequence[int] = ()
) -> list[Differences]:
    """Train in one process, again with other micro-batches, and in each number of processes; compare to the first.

    In each number of ``sharded`` the model is divided over the processes.
    """
    rows = {split: list(make_rows(task, count, seed)) for seed, (split, count) in enumerate(ROWS.items(), 1)}
    for split, made in rows.items():
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made), encoding="utf-8")
    texts = [" ".join([*LABELS["animals"], *LABELS["food"], *FILLER, *SPANISH.values(), str(i)]) for i in range(99)]
    model = make_tiny_checkpoint(folder / "model", MODELS[task], texts, vocabulary=200, dropout=0.0)
    usual, other_size = MICRO_BATCH_SIZES
    one, *others = (train(task, method, 1, size, folder) for size in (usual, other_size))
    others += [train(task, method, number, usual, folder) for number in processes]
    others += [train(task, method, number, usual, folder, fsdp=True) for number in sharded]
    return [differences(one, other, model, rows["test"]) for other in others]


def make_rows(task: str, count: int, seed: int) -> Iterable[dict[str, Any]]:
    """Rows for one of the tasks, no two alike."""
    generator = random.Random(seed)
    for number in range(count):
        label = generator.choice(list(LABELS))
        words = [*generator.choices(FILLER, k=generator.randint(1, 9)), generator.choice(LABELS[label])]
        generator.shuffle(words)
        words += [str(100 * seed + number)]
        if task == "ner":
            tags = {word: f"B-{name}" for name, known in LABELS.items() for word in known}
            yield {"tokens": words, "tags": [tags.get(word, "O") for word in words]}
        elif task == "translation":
            yield {"source": " ".join(words), "target": " ".join(SPANISH.get(word, word) for word in words)}
        else:
            yield {"text": " ".join(words), "label": label}


def train(task: str, method: str, processes: int, micro_batch_size: int, folder: Path, *, fsdp: bool = False) -> Path:
    """The directory of a finished run."""
    path = folder / f"{method}-{processes}-{micro_batch_size}{'-sharded' * fsdp}"
    command: list[str | Path] = [sys.executable, "-m", "taskzoo", "run", task, "--model", folder / "model"]
    command += ["--data", folder, "--output", path]
    command += ["--method", method, "--processes", str(processes), "--no-baseline", "--quiet"]
    command += ["--fsdp"] * fsdp
    settings = f"micro_batch_size={micro_batch_size} {SETTINGS} {TRANSLATION if task == 'translation' else ''}"
    command += [word for setting in settings.split() for word in ("--set", setting)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"{task}, {method}, {processes} processes: {done.stderr}")
    return path


def differences(one: Path, other: Path, start: Path, test: Sequence[dict[str, Any]]) -> Differences:
    """Compare two finished runs that began with the model ``start``."""
    from safetensors.torch import load_file

    begun, ones, others = (load_file(p / "model.safetensors") for p in (start, one / "model", other / "model"))
    if ones.keys() != others.keys():
        raise RuntimeError(f"The models have other tensors: {sorted(ones.keys() ^ others.keys())}")
    moved = sum((ones[name] - begun[name]).square().sum().item() for name in ones.keys() & begun.keys())
    weights = sum((ones[name] - others[name]).square().sum().item() for name in ones)
    history = [_losses(path) for path in (one, other)]
    shown = [_lines(path / "predictions.jsonl") for path in (one, other)]
    metrics = [_metrics(path) for path in (one, other)]
    return Differences(
        math.sqrt(weights / moved),
        max(abs(a - b) for a, b in zip(*history, strict=True)) / max(history[0]),
        max(abs(a - b) for a, b in zip(*(losses[:FIRST] for losses in history), strict=True)) / max(history[0]),
        sum(_said(a) != _said(b) for a, b in zip(*shown, strict=True)),
        max(abs(metrics[0][name] - metrics[1][name]) for name in metrics[0].keys() | metrics[1].keys()),
        [_input(line) for line in shown[1]] == [_input(row) for row in test],
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _losses(path: Path) -> list[float]:
    names = ("loss", "validation_loss")
    return [line[name] for line in _lines(path / "history.jsonl") for name in names if name in line]


def _said(line: dict[str, Any]) -> Any:
    return line["entities"] if "tokens" in line else line["text"] if "source" in line else line["label"]


def _input(row: dict[str, Any]) -> Any:
    return row.get("source") or row.get("tokens") or row["text"]


def _metrics(path: Path) -> dict[str, float]:
    found = json.loads((path / "metrics.json").read_text(encoding="utf-8"))
    return {
        f"{split} {name}": value
        for split in ("validation", "test")
        for name, value in found[split].items()
        if isinstance(value, (int, float)) and name not in CONTINUOUS
    }


def main() -> None:
    """Compare what was asked for and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--processes", nargs="*", type=int, default=[2, 3])
    parser.add_argument("--sharded", nargs="*", type=int, default=[2, 3])
    given = parser.parse_args()
    heads = ["task", "method", "processes", "weights", "losses"]
    heads += ["other predictions", "difference of a metric"]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for task in given.tasks:
        for method in given.methods:
            with tempfile.TemporaryDirectory() as folder:
                found = compare(task, method, given.processes, Path(folder), given.sharded)
            runs = ["1, other micro-batches", *given.processes, *(f"{number}, sharded" for number in given.sharded)]
            for number, one in zip(runs, found, strict=True):
                if not one.rows:
                    sys.exit(f"{task}, {method}, {number} processes: test rows are missing, twice or in another order")
                figures = [f"{one.weights:.1g}", f"{one.losses:.1g}"]
                cells = [task, method, number, *figures, f"{one.predictions} of {ROWS['test']}", f"{one.metrics:.1g}"]
                print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
