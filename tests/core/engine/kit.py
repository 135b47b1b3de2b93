"""A tagger of a few hundred weights and the smallest task that trains it, so that a test takes milliseconds."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from taskzoo.callbacks import Callback, RunFacts
from taskzoo.config import Training, make_training
from taskzoo.engine.accelerator import RunAccelerator
from taskzoo.engine.checkpoint import TrainingState
from taskzoo.engine.history import History
from taskzoo.engine.interrupt import StopRequest
from taskzoo.engine.job import Job
from taskzoo.engine.precision import make_accelerator
from taskzoo.engine.progress import Progress, Silent
from taskzoo.engine.session import Session
from taskzoo.engine.trainer import train
from taskzoo.metrics.base import CorpusMetric
from taskzoo.runs.finetune import as_reporter
from taskzoo.task import Objective, Task
from taskzoo.types import IGNORE_INDEX, Batch, Collate, Encoded, Example, Feature, Loss, Metric, Prediction, Row, Score

TOKENS, LABELS = 40, 4


@dataclass
class Output:
    logits: torch.Tensor  # [B, T, L]


class Tagger(nn.Module):
    """An embedding, a norm and two linear layers."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(TOKENS, 16)
        self.norm = nn.LayerNorm(16)
        self.dropout = nn.Dropout(dropout)
        self.inner = nn.Linear(16, 16)
        self.outer = nn.Linear(16, LABELS)

    def forward(self, input_ids: torch.Tensor) -> Output:
        states = self.dropout(self.norm(self.embeddings(input_ids)))
        return Output(self.outer(torch.tanh(self.inner(states))))


class TaggingTask(Task):
    """Labels that follow from the tokens; what it cannot do a test does not need."""

    def __init__(self, primary_metric: str = "score") -> None:
        super().__init__({})
        self.primary_metric = primary_metric

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        raise NotImplementedError

    def dedup_key(self, example: Example) -> tuple[str, str]:
        raise NotImplementedError

    def fit(self, examples: Sequence[Example]) -> None:
        raise NotImplementedError

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        """Examples of :func:`encode` hold their features."""
        return Encoded([feature for example in examples for feature in example["features"]])

    def head(self, checkpoint: str, **loading: Any) -> Any:
        raise NotImplementedError

    def collator(self, processor: Any) -> Collate:
        return collate

    def loss(self, outputs: Output, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        labels = batch.targets["labels"]

        def total(smoothing: float) -> torch.Tensor:
            return functional.cross_entropy(
                outputs.logits.flatten(0, 1),
                labels.flatten(),
                ignore_index=IGNORE_INDEX,
                reduction="sum",
                label_smoothing=smoothing,
            )

        return Loss(
            total(label_smoothing), (labels != IGNORE_INDEX).sum(), total(0.0).detach() if label_smoothing else None
        )

    def decode(self, outputs: Output, batch: Batch) -> list[list[int]]:
        lengths = batch.targets["lengths"]
        return [ids[:n] for ids, n in zip(outputs.logits.argmax(-1).tolist(), lengths, strict=True)]

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[list[int]]]) -> list[Prediction]:
        return [{"labels": [label for part in row_parts for label in part]} for row_parts in parts]

    def references(self, examples: Sequence[Example]) -> list[Prediction]:
        return [{"labels": example["labels"]} for example in examples]

    def metrics(self) -> list[Metric]:
        return [Accuracy()]


class Accuracy(CorpusMetric):
    """The share of right labels and of wrong ones, from additive statistics."""

    scores = (Score("score"), Score("mistakes", higher_is_better=False))

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        pairs = [(p["labels"], r["labels"]) for p, r in zip(predictions, references, strict=True)]
        return np.array([[sum(map(int.__eq__, p, r)), len(r)] for p, r in pairs], dtype=np.float64).reshape(-1, 2)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        score = float(total[0] / total[1]) if total[1] else float("nan")
        return {"score": score, "mistakes": 1 - score}


def make_feature(row: int, ids: list[int], **values: Any) -> Feature:
    """A feature of these tokens."""
    return Feature(row, len(ids), {"input_ids": ids, **values})


def make_features(count: int, seed: int = 0) -> list[Feature]:
    """Features of 2 to 12 tokens; some labels are ignored, so batches of one size have unlike numbers of targets."""
    generator = random.Random(seed)
    features = []
    for row in range(count):
        ids = [generator.randrange(1, TOKENS) for _ in range(generator.randint(2, 12))]
        labels = [IGNORE_INDEX if generator.random() < 0.3 else i % LABELS for i in ids]
        features.append(make_feature(row, ids, labels=[ids[0] % LABELS, *labels[1:]]))
    return features


def encode(features: Sequence[Feature]) -> list[Example]:
    """Examples whose features are these, with every label active."""
    examples: list[dict[str, list[Any]]] = [
        {"labels": [], "features": []} for _ in range(1 + max(f.row for f in features))
    ]
    for feature in features:
        labels = [i % LABELS for i in feature["input_ids"]]
        examples[feature.row]["features"].append(replace(feature, values={**feature.values, "labels": labels}))
        examples[feature.row]["labels"].extend(labels)
    return [Example(fields) for fields in examples]


def collate(features: Sequence[Feature]) -> Batch:
    longest = max(f.length for f in features)
    ids = [f["input_ids"] + [0] * (longest - f.length) for f in features]
    labels = [f["labels"] + [IGNORE_INDEX] * (longest - f.length) for f in features]
    targets = {"labels": torch.tensor(labels), "lengths": [f.length for f in features]}
    return Batch({"input_ids": torch.tensor(ids)}, targets)


def make_tagger(dropout: float = 0.0, seed: int = 0) -> Tagger:
    torch.manual_seed(seed)
    return Tagger(dropout)


def settings(**values: Any) -> Training:
    """Plain descent at a constant rate with a line per step, but for ``values``."""
    plain = {
        "optimizer": "sgd",
        "schedule": "constant",
        "warmup": 0,
        "learning_rate": 0.5,
        "weight_decay": 0,
        "max_grad_norm": 0,
        "log_every": 1,
        "batch_size": 32,
        "epochs": 1,
        "precision": "fp32",
    }
    return make_training({**plain, **values})


def make_session(
    model: Any,
    features: Sequence[Feature] = (),
    *,
    task: Task | None = None,
    collate: Collate = collate,
    accelerator: RunAccelerator | None = None,
    callbacks: Sequence[Callback] = (),
    **values: Any,
) -> Session:
    """A session whose training rows are these features, with ``values`` for settings."""
    return Session(
        task=task or TaggingTask(),
        model=model,
        processor=None,
        collate=collate,
        examples={},
        encoded={"train": Encoded(list(features))},
        settings=settings(**values),
        accelerator=accelerator or make_accelerator("fp32"),
        reporter=Silent(),
        trained=model,
        callbacks=list(callbacks),
    )


@dataclass
class Told(Callback):
    """Remembers what it was told."""

    events: list[tuple[str, Any]] = field(default_factory=list)

    def training_started(self, step: int) -> None:
        self.events.append(("training_started", step))

    def step(self, values: Any) -> None:
        self.events.append(("step", values["step"]))

    def evaluation(self, values: Any) -> None:
        self.events.append(("evaluation", values["step"]))

    def checkpoint(self, step: int) -> None:
        self.events.append(("checkpoint", step))


def fit(
    model: nn.Module,
    features: Sequence[Feature],
    folder: Path,
    *,
    collate: Collate = collate,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    task: Objective | None = None,
    callbacks: Sequence[Callback] = (),
    say: Callable[[str], object] | None = None,
    rows: int = 0,
    **values: Any,
) -> Progress:
    """Train as a run of the command line does; ``folder`` holds history and state. ``rows`` are evaluated on."""
    lines = History()
    lines.run_started(RunFacts(folder, {}, {}))
    objective = task or TaggingTask()
    known = objective if isinstance(objective, Task) else TaggingTask("loss")
    session = make_session(
        model, features, task=known, collate=collate, callbacks=[lines, *callbacks], **{"precision": "fp32", **values}
    )
    session.reporter = as_reporter(say)
    job = Job(model, objective, features, collate, evaluate, rows, known.score_of(known.primary_metric))
    with StopRequest() as session.stop:
        return train(session, job, TrainingState(folder / "checkpoints"))


def history(folder: Path) -> list[dict[str, Any]]:
    """The lines of the history without those values that tell the time."""
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{k: v for k, v in line.items() if k != "tokens_per_second"} for line in lines]


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of all weights."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Whether the weights are equal bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def distance(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """The largest difference of two weights."""
    return max((one[name] - other[name]).abs().max().item() for name in one)
