"""The task ``reranking``: query and passage are read together, which orders better and cannot be kept or searched."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from transformers import PreTrainedModel

from taskzoo import Batch, DataError, Encoded, Example, Feature, Loss, Metric, RequestError, Row, Task
from taskzoo.models.losses import binary_cross_entropy
from taskzoo.models.sequence import load_sequence_model
from taskzoo.models.text_encoding import encode_texts

from .pair_collator import padded, padded_texts
from .ranking import RankingScores

Prediction = dict[str, Any]


class RerankingTask(Task):
    """A cross-encoder with one output (see :class:`taskzoo.Task`), trained row by row (Nogueira & Cho 2019)."""

    primary_metric = "ndcg@10"

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.highest = 1.0

    @property
    def input_roles(self) -> Sequence[str]:
        return ("query", "passage")

    # from rows to features

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        return [_checked(row, labelled=split != "predict") for row in rows]

    def dedup_key(self, example: Example) -> tuple[str, str]:
        return json.dumps([example["query"], example["passage"]]), str(example["relevance"])

    def group(self, example: Example) -> str | None:
        return str(example["query"])

    def vocabulary_texts(self, examples: Sequence[Example]) -> tuple[list[str], list[str] | None]:
        return [text for example in examples for text in (example["query"], example["passage"])], None

    def fit(self, examples: Sequence[Example]) -> None:
        found = [example["relevance"] for example in examples]
        self.highest = max(found)
        if not min(found) < self.highest:
            raise RequestError("All training rows have the same relevance; add passages that are less relevant.")

    def encode(self, examples: Sequence[Example], processor: Any) -> Encoded:
        queries, passages = [e["query"] for e in examples], [e["passage"] for e in examples]
        encoded = encode_texts(processor, queries, passages, max_length=self.options["max_length"])
        for feature, example in zip(encoded.features, examples, strict=True):
            gold = example["relevance"]
            feature.values["target"] = math.nan if gold is None else min(gold / self.highest, 1.0)
        return encoded

    # the model

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        return load_sequence_model(checkpoint, problem_type="regression", **loading)

    def collator(self, processor: Any) -> Any:
        def collate(features: Sequence[Feature]) -> Batch:
            inputs = padded_texts([feature["input_ids"] for feature in features], processor.pad_token_id)
            if "token_type_ids" in features[0].values:
                inputs["token_type_ids"] = padded([feature["token_type_ids"] for feature in features], 0)
            return Batch(inputs, {"values": np.array([feature["target"] for feature in features], dtype=np.float32)})

        return collate

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        targets = batch.targets["values"].unsqueeze(-1)
        return binary_cross_entropy(outputs.logits, targets, label_smoothing=label_smoothing)

    # predictions and scores

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Any]]) -> list[Prediction]:
        values = [1 / (1 + math.exp(-float(logits[0]))) for (logits,) in parts]
        return [
            {"query": e["query"], "passage": e["passage"], "value": value}
            for e, value in zip(examples, values, strict=True)
        ]

    def references(self, examples: Sequence[Example]) -> list[Prediction]:
        return [{"query": e["query"], "passage": e["passage"], "value": e["relevance"]} for e in examples]

    def metrics(self) -> Sequence[Metric]:
        return [RankingScores()]

    # what was learnt

    def state(self) -> dict[str, Any]:
        return {"highest": self.highest}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.highest = state["highest"]

    # without this library

    def plain_use(self, saved: Any) -> str:
        trust = ", trust_remote_code=True" if saved.own_code else ""
        return "\n".join(
            [
                "```python",
                "from sentence_transformers import CrossEncoder",
                "",
                f"model = CrossEncoder({json.dumps(saved.shown, ensure_ascii=False)}{trust})",
                'values = model.predict([("a query", "a passage")])',
                "```",
            ]
        )


def _checked(row: Row, *, labelled: bool) -> Example:
    """The row with two texts and, if ``labelled``, a relevance from 0."""
    query, passage, relevance = row.get("query"), row.get("passage"), row.get("relevance")
    for role, text in {"query": query, "passage": passage}.items():
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"the {role} is missing or not text.", file=row.source, line=row.line)
    if not labelled:
        return row.example(query=query, passage=passage, relevance=None)
    try:
        number = float(relevance)  # a table has text
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise DataError(f"the relevance {relevance!r} is not a number from 0.", file=row.source, line=row.line)
    return row.example(query=query, passage=passage, relevance=number)
