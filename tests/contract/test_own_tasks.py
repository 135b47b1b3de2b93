"""Tasks of other kinds than the built-in ones, as classes without a package, keep the contract and train."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoModel, AutoModelForSequenceClassification, PreTrainedModel

from taskzoo import (
    Batch,
    Column,
    Encoded,
    Example,
    Feature,
    Loss,
    Row,
    Score,
    Task,
    TaskSpec,
    finetune,
    load,
)
from taskzoo.metrics.base import CorpusMetric
from taskzoo.models.losses import cross_entropy
from taskzoo.models.text_encoding import encode_texts
from taskzoo.testing import Bench, TaskContract, checks, make_tiny_checkpoint

WORDS = ("red", "green", "blue", "white", "black", "grey", "brown", "pink")


def padded(features: Sequence[Feature], name: str, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask ``[B, T]`` of one of the texts of each feature."""
    ids = [torch.tensor(feature[name][side]) for feature in features]
    return pad_sequence(ids, batch_first=True), pad_sequence([torch.ones_like(row) for row in ids], batch_first=True)


# two encodings of a row


class AbsoluteError(CorpusMetric):
    """Lower is better, without an upper limit."""

    scores = (Score("mae", higher_is_better=False, range=(0.0, float("inf"))),)

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        return np.array([[abs(p["value"] - r["value"]), 1.0] for p, r in zip(predictions, references, strict=True)])

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        return {"mae": float(total[0] / total[1])}


class Similarity(Task):
    """A bi-encoder: the cosine of two texts, each encoded for itself by the same model."""

    spec = TaskSpec(
        id="similarity",
        contract=2,
        summary="How similar two texts are.",
        columns={
            "left": Column("a text", required=True),
            "right": Column("another", required=True),
            "value": Column("from -1 to 1", required=True, target=True),
        },
        kinds=("encoder",),
    )
    primary_metric = "mae"
    parameters_without_gradient = ("pooler",)

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        return [
            row.example(texts=(row["left"], row["right"]), value=None if split == "predict" else float(row["value"]))
            for row in rows
        ]

    def dedup_key(self, example: Example) -> tuple[str, str]:
        return "\t".join(example["texts"]), str(example["value"])

    def fit(self, examples: Sequence[Example]) -> None: ...

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        sides = [encode_texts(processor, example["texts"]) for example in examples]
        features = []
        for i, (side, example) in enumerate(zip(sides, examples, strict=True)):
            ids = [feature["input_ids"] for feature in side.features]
            features.append(Feature(i, sum(map(len, ids)), {"side_ids": ids, "value": example["value"]}))
        return Encoded(features, {"truncated_texts": sum(side.counts["truncated_rows"] for side in sides)})

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        model: PreTrainedModel = AutoModel.from_pretrained(checkpoint, **loading)
        return model

    def collator(self, processor: Any) -> Any:
        return self.collate

    def collate(self, features: Sequence[Feature]) -> Batch:
        (left, left_mask), (right, right_mask) = (padded(features, "side_ids", side) for side in (0, 1))
        inputs = {"left_ids": left, "left_mask": left_mask, "right_ids": right, "right_mask": right_mask}
        values = [float("nan") if f["value"] is None else f["value"] for f in features]
        return Batch(inputs, {"values": torch.tensor(values)})

    def forward(self, model: Any, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        sides = []
        for side in ("left", "right"):
            mask = batch.inputs[f"{side}_mask"]
            states = model(input_ids=batch.inputs[f"{side}_ids"], attention_mask=mask).last_hidden_state
            sides.append((states * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True))
        return sides[0], sides[1]

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        values = batch.targets["values"]
        known = ~values.isnan()
        errors = functional.cosine_similarity(*outputs) - values.nan_to_num()
        return Loss(torch.where(known, errors.square(), 0.0).sum(), known.sum())

    def decode(self, outputs: Any, batch: Batch) -> list[float]:
        return list(functional.cosine_similarity(*outputs).tolist())

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
        return [{"value": value} for (value,) in parts]

    def references(self, examples: Sequence[Example]) -> list[dict[str, Any]]:
        return [{"value": example["value"]} for example in examples]

    def metrics(self) -> list[AbsoluteError]:
        return [AbsoluteError()]


class Retrieval(Similarity):
    """The same model, trained with in-batch negatives (InfoNCE): each left text belongs to its own right text."""

    spec = TaskSpec(
        id="retrieval", contract=2, summary="Find the text that belongs to another.", columns=Similarity.spec.columns
    )
    batch_coupled = True

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        left, right = (functional.normalize(side, dim=-1) for side in outputs)
        own = torch.arange(len(left), device=left.device)
        return cross_entropy(left @ right.T / 0.1, own, label_smoothing=label_smoothing)


def pairs(count: int, shift: int = 0) -> list[Row]:
    rows = []
    for i in range(shift, shift + count):
        one, two, other = WORDS[i % 8], WORDS[(i // 8) % 8], WORDS[(i * 3 + 1) % 8]
        right = f"a {one} thing near {two}" if i % 2 else f"nothing but {other}"
        rows.append(Row({"left": f"the {one} and {two} number {i}", "right": right, "value": float(i % 2)}, "rows", i))
    return rows


class OwnTask(TaskContract):
    """On rows from here instead of a demo set."""

    __test__ = False

    @classmethod
    def setup_class(cls) -> None:
        super().setup_class()
        cls.bench.__dict__["raw"] = {"train": pairs(24), "validation": pairs(8, 24), "test": pairs(8, 32)}

    def test_spec(self) -> None:
        with pytest.raises(AssertionError, match="no demo set"):
            checks.check_spec(self.bench)


class TestSimilarity(OwnTask):
    __test__ = True
    task = Similarity


class TestRetrieval(OwnTask):
    __test__ = True
    task = Retrieval


def test_in_batch_negatives_need_to_say_so(tmp_path: Path) -> None:
    uncoupled = type("Uncoupled", (Retrieval,), {"batch_coupled": False})
    bench = Bench(uncoupled, tmp_path, family="bert")
    bench.__dict__["raw"] = {"train": pairs(24), "validation": pairs(8, 24), "test": pairs(8, 32)}
    with pytest.raises(AssertionError, match="batch_coupled = True"):
        checks.check_loss(bench)


# a score that is better when it is lower


class WordErrors(CorpusMetric):
    """Stands for a word error rate: the share of wrong labels in percent, or more than that."""

    scores = (Score("wer", higher_is_better=False, range=(0.0, float("inf")), unit="%"),)

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        return np.array([[p["label"] != r["label"], 1.0] for p, r in zip(predictions, references, strict=True)])

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        return {"wer": float(100 * total[0] / total[1])}


def collate(features: Sequence[Feature]) -> Batch:
    ids, mask = padded(features, "text_ids", 0)
    labels = torch.tensor([feature["label"] for feature in features])
    return Batch({"input_ids": ids, "attention_mask": mask}, {"labels": labels})


class Answer(Task):
    """``yes`` or ``no``, scored by its errors."""

    spec = TaskSpec(
        id="answer",
        contract=2,
        columns={"text": Column("a text", required=True), "label": Column("yes or no", required=True, target=True)},
    )
    primary_metric = "wer"
    labels = ("no", "yes")

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        return [row.example(text=row["text"], label=row.get("label", "no")) for row in rows]

    def dedup_key(self, example: Example) -> tuple[str, str]:
        return example["text"], example["label"]

    def fit(self, examples: Sequence[Example]) -> None: ...

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        features = []
        for i, example in enumerate(examples):
            ids = processor(example["text"])["input_ids"]
            features.append(Feature(i, len(ids), {"text_ids": [ids], "label": self.labels.index(example["label"])}))
        return Encoded(features)

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        load_model = partial(AutoModelForSequenceClassification.from_pretrained, num_labels=2)
        model: PreTrainedModel = load_model(checkpoint, **loading)
        return model

    def collator(self, processor: Any) -> Any:
        return collate

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        return cross_entropy(outputs.logits, batch.targets["labels"], label_smoothing=label_smoothing)

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        return [{"label": self.labels[int(logits.argmax())]} for (logits,) in parts]

    def references(self, examples: Sequence[Example]) -> list[dict[str, Any]]:
        return [{"label": example["label"]} for example in examples]

    def metrics(self) -> list[WordErrors]:
        return [WordErrors()]


def answers(count: int, shift: int, swapped: bool) -> list[Mapping[str, str]]:
    return [
        {
            "text": f"{'good' if i % 2 else 'bad'} {WORDS[i % 8]} {WORDS[(i // 8) % 8]} {i}",
            "label": "yes" if (i % 2 == 1) != swapped else "no",
        }
        for i in range(shift, shift + count)
    ]


def test_the_checkpoint_with_the_lowest_error_rate_is_kept(tmp_path: Path) -> None:
    """Validation rows contradict the training rows, so the error rate grows while training goes on."""
    train, validation = answers(64, 0, swapped=False), answers(16, 64, swapped=True)
    checkpoint = make_tiny_checkpoint(tmp_path / "bert", "bert", [row["text"] for row in train])
    settings = {"epochs": 6, "batch_size": 8, "learning_rate": 3e-3, "evaluate_every": 4, "precision": "fp32"}
    run = finetune(
        Answer, model=str(checkpoint), train=train, validation=validation, output=tmp_path / "run", **settings
    )
    found = [line["validation_wer"] for line in map(json.loads, lines(run.path)) if "validation_wer" in line]
    assert min(found) < found[-1] == 100.0
    assert run.metrics["validation"]["wer"] == min(found)


def lines(path: Path) -> list[str]:
    return (path / "history.jsonl").read_text(encoding="utf-8").splitlines()


def test_a_class_without_a_package_runs_and_loads(tmp_path: Path) -> None:
    train = answers(32, 0, swapped=False)
    checkpoint = make_tiny_checkpoint(tmp_path / "bert", "bert", [row["text"] for row in train])
    settings = {"epochs": 6, "batch_size": 8, "learning_rate": 1e-2, "precision": "fp32"}
    splits = dict.fromkeys(("train", "validation", "test"), train)
    run = finetune(Answer, model=str(checkpoint), output=tmp_path / "run", **splits, **settings)
    assert run.metrics["test"]["wer"] == 0.0
    again = load(run.path, task=Answer)
    assert again.predict("good red red") == {"label": "yes"}
    assert again.predict([{"text": "bad pink red"}, "good grey blue"]) == [{"label": "no"}, {"label": "yes"}]
