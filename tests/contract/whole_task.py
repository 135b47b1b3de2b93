"""A task without a fault that uses as many members of the contract as fit into one small class.

Mutants are subclasses of it with one fault each. It classifies texts by the mean of their token states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from tests.contract.whole_head import MeanBert
from torch.nn.utils.rnn import pad_sequence

from taskzoo import IGNORE_INDEX, Batch, Column, Encoded, Example, Loss, Option, Row, Score, Task, TaskSpec
from taskzoo.evidence import Evidence, Question, Word
from taskzoo.metrics.base import CorpusMetric
from taskzoo.models.losses import cross_entropy
from taskzoo.models.text_encoding import encode_texts, text_places
from taskzoo.types import Collate, Feature, Metric, Prediction, SavedModel

SPEC = TaskSpec(
    id="whole",
    contract=2,
    summary="Classify texts.",
    columns={"text": Column("a text", required=True), "label": Column("its label", required=True, target=True)},
    options={
        "most_tokens": Option(0, "tokens per text (0: the model's limit)", minimum=0),
        "weighting": Option("none", "how classes are weighed", choices=("none", "balanced")),
    },
    demo="taskzoo_classification:demo",
    kinds=("encoder",),
    default_model="minilm",
)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


class Accuracy(CorpusMetric):
    scores = (Score("accuracy"),)

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        return np.array([[p["label"] == r["label"], 1.0] for p, r in zip(predictions, references, strict=True)])

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        return {"accuracy": float(total[0] / total[1])}


class WholeEvidence(Evidence):
    """The logit of a label."""

    differentiable = True

    def value(self, question: Question, parts: Sequence[Any]) -> float:
        return float(parts[0][self.task.labels.index(question.claim.name)])

    def score(self, outputs: Any, batch: Batch, question: Question, rows: Any) -> Any:
        return outputs.logits[:, self.task.labels.index(question.claim.name)]

    def places(self, question: Question, features: Sequence[Feature], processor: Any) -> list[list[Word | None]]:
        found = text_places(processor, question.example["text"], None, features, max_length=0, long_texts="truncate")
        return [[place and Word("text", *place[1:]) for place in of_feature] for of_feature in found]


class WholeTask(Task):
    spec = SPEC
    primary_metric = "accuracy"
    model_class: ClassVar[Any] = MeanBert

    labels: list[str]
    weights: list[float] | None = None

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        return [row.example(text=row["text"], label=row.get("label")) for row in rows]

    def dedup_key(self, example: Example) -> tuple[str, str]:
        return example["text"], example["label"] or ""

    def fit(self, examples: Sequence[Example]) -> None:
        found = [example["label"] for example in examples]
        self.labels = sorted(set(found))
        self.counts = [found.count(label) for label in self.labels]
        self.weigh_classes(self.options["weighting"])

    @property
    def class_weightings(self) -> Sequence[str]:
        return ("none", "balanced")

    def weigh_classes(self, name: str) -> None:
        total = sum(self.counts)
        balanced = [total / (len(self.counts) * max(1, count)) for count in self.counts]
        self.weights = balanced if name == "balanced" else None

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        texts, limit = [example["text"] for example in examples], self.options["most_tokens"]
        encoded = encode_texts(processor, texts, max_length=limit)
        for feature in encoded.features:
            label = examples[feature.row]["label"]
            feature.values["label"] = self.labels.index(label) if label in self.labels else IGNORE_INDEX
        return encoded

    def head(self, checkpoint: str, **loading: Any) -> Any:
        names = dict(enumerate(self.labels))
        config = self.model_class.config_class.from_pretrained(
            checkpoint, id2label=names, label2id={name: i for i, name in names.items()}
        )
        return self.model_class.from_pretrained(checkpoint, config=config, **loading)

    def collator(self, processor: Any) -> Collate:
        def collate(features: Sequence[Feature]) -> Batch:
            ids = [torch.tensor(feature["input_ids"]) for feature in features]
            mask = pad_sequence([torch.ones_like(row) for row in ids], batch_first=True)
            padded = pad_sequence(ids, batch_first=True, padding_value=processor.pad_token_id)
            labels = torch.tensor([feature["label"] for feature in features])
            return Batch({"input_ids": padded, "attention_mask": mask}, {"labels": labels})

        return collate

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        settings: dict[str, Any] = {"label_smoothing": label_smoothing, "class_weights": self.weights}
        return cross_entropy(outputs.logits, batch.targets["labels"], **settings)

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> list[Prediction]:
        return [
            {"label": self.labels[int(logits.argmax())], "score": round(float(softmax(logits).max()), 4)}
            for (logits,) in parts
        ]

    def references(self, examples: Sequence[Example]) -> list[Prediction]:
        return [{"label": example["label"]} for example in examples]

    def metrics(self) -> Sequence[Metric]:
        return [Accuracy()]

    def evidence(self, role: str) -> Evidence:
        return WholeEvidence(self, role)

    def state(self) -> dict[str, Any]:
        return {"labels": self.labels, "counts": self.counts}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.labels, self.counts = state["labels"], state["counts"]

    def plain_use(self, saved: SavedModel) -> str:
        return "\n".join(["```python", *self.plain_lines(saved), "```"])

    def plain_lines(self, saved: SavedModel) -> list[str]:
        return [
            "from transformers import AutoModelForSequenceClassification, AutoTokenizer",
            f"tokenizer = AutoTokenizer.from_pretrained({saved.shown!r}, trust_remote_code=True)",
            "model = AutoModelForSequenceClassification.from_pretrained(",
            f"    {saved.shown!r}, trust_remote_code=True",
            ")",
            'inputs = tokenizer("some text", truncation=True, max_length=512, return_tensors="pt")',
            "label = model.config.id2label[int(model(**inputs).logits.argmax())]",
        ]
