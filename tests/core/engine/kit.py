"""A tagger of a few hundred weights and the smallest task that trains it, so that a test takes milliseconds."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from taskzoo.config import Training, make_training
from taskzoo.engine.checkpoint import Checkpoints
from taskzoo.engine.precision import make_accelerator
from taskzoo.engine.progress import Silent
from taskzoo.engine.trainer import Progress, train
from taskzoo.task import IGNORE_INDEX, Batch, Encoded, Feature, Prediction, Row

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


class TaggingTask:
    """Labels that follow from the tokens; what it cannot do a test does not need."""

    primary_metric = "score"

    def __init__(self, primary_metric: str = "score") -> None:
        self.primary_metric = primary_metric

    def loss(self, outputs: Output, batch: Batch, *, label_smoothing: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
        labels = batch["targets"]["labels"]
        loss = functional.cross_entropy(
            outputs.logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORE_INDEX, reduction="sum",
            label_smoothing=label_smoothing,
        )  # fmt: skip
        return loss, (labels != IGNORE_INDEX).sum()

    def decode(self, outputs: Output, batch: Batch) -> list[list[int]]:
        lengths = batch["targets"]["lengths"]
        return [ids[:n] for ids, n in zip(outputs.logits.argmax(-1).tolist(), lengths, strict=True)]

    def assemble(self, rows: Sequence[Row], parts: Sequence[Sequence[list[int]]]) -> list[Prediction]:
        return [{"labels": [label for part in row_parts for label in part]} for row_parts in parts]

    def references(self, rows: Sequence[Row]) -> list[Prediction]:
        return [{"labels": row["labels"]} for row in rows]

    def metrics(self) -> list[Any]:
        return [Accuracy()]


class Accuracy:
    """The share of right labels, from additive statistics."""

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        pairs = [(p["labels"], r["labels"]) for p, r in zip(predictions, references, strict=True)]
        return np.array([[sum(map(int.__eq__, p, r)), len(r)] for p, r in pairs], dtype=np.float64).reshape(-1, 2)

    def scores(self, total: np.ndarray) -> dict[str, float]:
        return {"score": float(total[0] / total[1]) if total[1] else float("nan")}

    def details(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> dict[str, Any]:
        return {}


def make_features(count: int, seed: int = 0) -> list[Feature]:
    """Features of 2 to 12 tokens; some labels are ignored, so batches of one size have unlike numbers of targets."""
    generator = random.Random(seed)
    features = []
    for row in range(count):
        ids = [generator.randrange(1, TOKENS) for _ in range(generator.randint(2, 12))]
        labels = [IGNORE_INDEX if generator.random() < 0.3 else i % LABELS for i in ids]
        features.append({"input_ids": ids, "labels": [ids[0] % LABELS, *labels[1:]], "row": row})
    return features


def encode(features: Sequence[Feature]) -> tuple[list[Row], Encoded]:
    """Features with every label active, and the rows they came from."""
    features = [{**f, "labels": [i % LABELS for i in f["input_ids"]]} for f in features]
    rows: list[list[int]] = [[] for _ in range(1 + max(f["row"] for f in features))]
    for feature in features:
        rows[feature["row"]].extend(feature["labels"])
    return [Row({"labels": labels}) for labels in rows], Encoded(features)


def collate(features: Sequence[Feature]) -> Batch:
    longest = max(len(f["input_ids"]) for f in features)
    ids = [f["input_ids"] + [0] * (longest - len(f["input_ids"])) for f in features]
    labels = [f["labels"] + [IGNORE_INDEX] * (longest - len(f["labels"])) for f in features]
    targets = {"labels": torch.tensor(labels), "lengths": [len(f["input_ids"]) for f in features]}
    return {"inputs": {"input_ids": torch.tensor(ids)}, "targets": targets}


def make_tagger(dropout: float = 0.0, seed: int = 0) -> Tagger:
    torch.manual_seed(seed)
    return Tagger(dropout)


def settings(**values: Any) -> Training:
    """Plain descent at a constant rate with a line per step, but for ``values``."""
    plain = {
        "optimizer": "sgd", "schedule": "constant", "warmup": 0, "learning_rate": 0.5, "weight_decay": 0,
        "max_grad_norm": 0, "log_every": 1, "batch_size": 32, "epochs": 1, "precision": "fp32",
    }  # fmt: skip
    return make_training({**plain, **values})


def fit(
    model: nn.Module,
    features: Sequence[Feature],
    folder: Path,
    *,
    collate: Callable[[Sequence[Feature]], Batch] = collate,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    task: Any = None,
    **values: Any,
) -> Progress:
    """Train as a run does; ``folder`` holds history and checkpoints."""
    return train(
        model, task or TaggingTask(), features, collate, settings(**values), make_accelerator("fp32"),
        Checkpoints(folder / "checkpoints"), history=folder / "history.jsonl", reporter=Silent(), evaluate=evaluate,
    )  # fmt: skip


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
