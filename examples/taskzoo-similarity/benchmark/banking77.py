"""Retrieval of questions with the same intent on BANKING77: ``python banking77.py FOLDER RESULTS.jsonl SEED...``.

FOLDER has train.csv and test.csv (Casanueva et al. 2020). For each seed 4 pairs of questions of each of the 77 intents
are drawn for training (308 pairs) and as many for testing: 308 queries that search a pool of 308 questions, 4 of which
have the intent. Every arm trains minilm on the same pairs, for as many epochs, at the same rate, in batches of 32, and
keeps the last weights; ``sentence-transformers`` with its MultipleNegativesRankingLoss, which has no topics to mask.
"""

from __future__ import annotations

import csv
import json
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

PER_INTENT = 4
EPOCHS, BATCH, RATE, WARMUP = 3.0, 32, 5e-5, 0.1
Pair = dict[str, str]

ARMS: Mapping[str, Mapping[str, Any]] = {
    "untrained": {"method": "none"},
    "zoo": {"method": "full"},
    "zoo without topics": {"method": "full", "topics": False},
    "zoo hard-negatives": {"method": "hard-negatives"},
    "zoo hard-negatives without topics": {"method": "hard-negatives", "topics": False},
}


def pairs(file: Path, seed: int) -> list[Pair]:
    """Questions of one intent, two by two, each question once."""
    of_intent: dict[str, list[str]] = defaultdict(list)
    with file.open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            of_intent[row["category"]].append(row["text"].strip())
    chance = random.Random(seed)
    found = []
    for intent, texts in sorted(of_intent.items()):
        drawn = chance.sample(sorted(set(texts)), 2 * PER_INTENT)
        found += [{"text": a, "other": b, "topic": intent} for a, b in zip(drawn[::2], drawn[1::2], strict=True)]
    return found


def by_zoo(train: Sequence[Pair], test: Sequence[Pair], seed: int, arm: Mapping[str, Any]) -> dict[str, Any]:
    """The scores of one arm of ours."""
    import taskzoo

    settings = {name: value for name, value in arm.items() if name != "topics"}
    if not arm.get("topics", True):
        train = [{"text": pair["text"], "other": pair["other"]} for pair in train]
    with tempfile.TemporaryDirectory() as folder:
        run = taskzoo.finetune(
            "similarity",
            train=list(train),
            validation=[],
            test=list(test),
            output=Path(folder) / "run",
            baseline=False,
            epochs=EPOCHS,
            batch_size=BATCH,
            learning_rate=RATE,
            warmup=WARMUP,
            precision="fp32",
            seed=seed,
            **settings,
        )
        scores: dict[str, Any] = run.metrics["test"]
        return scores | {"seconds": run.manifest["seconds"]["train"], "steps": run.manifest["steps"]}


def by_sentence_transformers(train: Sequence[Pair], test: Sequence[Pair], seed: int) -> dict[str, Any]:
    """The scores of the reference, by the same metric."""
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.losses import MultipleNegativesRankingLoss
    from taskzoo_similarity.retrieval import Retrieval, ranks_in_pool, right_texts

    from taskzoo import Row
    from taskzoo.metrics.intervals import bootstrap_intervals
    from taskzoo.models.refs import resolve_model

    model = SentenceTransformer(resolve_model("minilm").location, device="cpu")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        arguments = SentenceTransformerTrainingArguments(
            folder,
            num_train_epochs=EPOCHS,
            per_device_train_batch_size=BATCH,
            learning_rate=RATE,
            warmup_steps=WARMUP,
            weight_decay=0.01,
            batch_sampler="no_duplicates",
            save_strategy="no",
            report_to=[],
            seed=seed,
            use_cpu=True,
            disable_tqdm=True,
        )
        data = Dataset.from_list([{"anchor": pair["text"], "positive": pair["other"]} for pair in train])
        SentenceTransformerTrainer(
            model, arguments, train_dataset=data, loss=MultipleNegativesRankingLoss(model)
        ).train()
    seconds = time.perf_counter() - began
    examples = [Row(pair).example(**pair) for pair in test]
    sides = [
        dict(zip(texts, np.asarray(model.encode(texts, normalize_embeddings=True)), strict=True))
        for texts in ([pair[side] for pair in test] for side in ("text", "other"))
    ]
    right = right_texts(examples)
    ranks = ranks_in_pool(right, *sides)
    predictions = [{"ranks": ranks[pair["text"]]} for pair in test]
    references = [{"text": pair["text"], "right": len(right[pair["text"]])} for pair in test]
    metric = Retrieval()
    statistics = metric.statistics(predictions, references)
    intervals = bootstrap_intervals(len(statistics), metric.scorer(statistics), described=metric.scores)
    scores = metric.compute(predictions, references)
    return {**scores, **{f"{name}_ci95": ends for name, ends in intervals.items()}, "seconds": seconds}


def main(folder: Path, results: Path, seeds: Sequence[int]) -> None:
    """Append a line for each arm and seed."""
    for seed in seeds:
        train, test = pairs(folder / "train.csv", seed), pairs(folder / "test.csv", seed)
        for name, arm in ARMS.items():
            _write(results, name, seed, by_zoo(train, test, seed, arm))
        _write(results, "sentence-transformers", seed, by_sentence_transformers(train, test, seed))


def _write(results: Path, arm: str, seed: int, scores: Mapping[str, Any]) -> None:
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"arm": arm, "seed": seed, **scores}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [int(seed) for seed in sys.argv[3:]])
