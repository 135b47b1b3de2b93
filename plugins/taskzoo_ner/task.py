"""The task ``ner``: rows to features, outputs to entities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from taskzoo import Encoded, RequestError, Row
from taskzoo.task import Batch, Feature, Metric, Prediction

from .collator import NerCollator
from .crf import iob2_constraints, posterior_marginals, viterbi_decode
from .features import encode_rows
from .head import load_head
from .loss import crf_loss, linear_loss, word_logits
from .rows import plain_row, prepare_rows
from .spans import repair, strict_spans

Part = tuple[int, list[str], list[float]]
"""What one window says: the first word it owns (index in the row), their tags, and the tags' probabilities."""


class NerTask:
    """Named entity recognition with a linear or CRF head (see :class:`taskzoo.Task` for the contract)."""

    primary_metric = "f1"

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = dict(options)
        self.labels: list[str] = []

    # rows

    def prepare(self, rows: Sequence[Row], split: str) -> list[Row]:
        return prepare_rows(rows, self.options["scheme"], labelled=split != "predict")

    def rows_from_texts(self, texts: Sequence[str]) -> list[Row]:
        return [plain_row(text, line=number) for number, text in enumerate(texts, 1)]

    def signature(self, row: Row) -> tuple[str, str]:
        return row["text"], " ".join(row["tags"] or [])

    def references(self, rows: Sequence[Row]) -> list[Prediction]:
        return [{"tags": row["tags"], "entities": row["entities"]} for row in rows]

    # learning

    def fit(self, rows: Sequence[Row]) -> None:
        types = sorted({tag[2:] for row in rows for tag in row["tags"] if tag != "O"})
        if not types:
            raise RequestError("The training rows hold no entity: every tag is O.")
        self.labels = ["O", *(f"{prefix}-{name}" for name in types for prefix in "BI")]

    def encode(self, rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase) -> Encoded:
        ids = {label: i for i, label in enumerate(self.labels)}
        return encode_rows(rows, tokenizer, ids, max_length=self.options["max_length"], overlap=self.options["overlap"])

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        return load_head(checkpoint, self.labels, crf=self._crf, **loading)

    def collator(self, tokenizer: PreTrainedTokenizerBase) -> Callable[[Sequence[Feature]], Batch]:
        return NerCollator(tokenizer.pad_token_id)

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
        if not self._crf:
            return linear_loss(outputs, batch, label_smoothing=label_smoothing)
        if label_smoothing:
            raise RequestError("label_smoothing has no meaning for head=crf; leave it at 0.")
        return crf_loss(outputs, batch)

    # predictions

    def decode(self, outputs: Any, batch: Batch) -> list[Part]:
        """Tags of the words each window owns; a window is decoded whole, so that its context words count."""
        targets = batch["targets"]
        mask = targets["word_mask"]
        logits = word_logits(outputs.logits, targets["word_positions"])  # [B, W, L]
        transitions, start, end = self._decoding_scores(outputs)
        if self.options["decoding"] == "argmax" and not self._crf:
            best = [row[:n] for row, n in zip(logits.argmax(-1).tolist(), mask.sum(1).tolist(), strict=True)]
        else:
            best = viterbi_decode(logits, mask, transitions, start, end)
        probabilities = posterior_marginals(logits, mask, transitions, start, end) if self._crf else logits.softmax(-1)
        chosen = torch.zeros(mask.shape, dtype=torch.long)
        for b, ids in enumerate(best):
            chosen[b, : len(ids)] = torch.tensor(ids, dtype=torch.long)
        scores = probabilities.gather(2, chosen.to(logits.device).unsqueeze(2)).squeeze(2).tolist()  # [B, W]
        return [
            self._own_words(feature, ids, row)
            for feature, ids, row in zip(targets["features"], best, scores, strict=True)
        ]

    def assemble(self, rows: Sequence[Row], parts: Sequence[Sequence[Part]]) -> list[Prediction]:
        return [self._prediction(row, row_parts) for row, row_parts in zip(rows, parts, strict=True)]

    def metrics(self) -> Sequence[Metric]:
        from .metrics import SpanF1  # imports scipy; prediction does without

        return [SpanF1()]

    # storage

    def state(self) -> dict[str, Any]:
        return {"labels": self.labels, "options": self.options}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> NerTask:
        task = cls(state["options"])
        task.labels = list(state["labels"])
        return task

    @property
    def _crf(self) -> bool:
        return bool(self.options["head"] == "crf")

    def _decoding_scores(self, outputs: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        transitions, start, end = iob2_constraints(self.labels)
        if self.options["decoding"] == "argmax":
            transitions, start = torch.zeros_like(transitions), torch.zeros_like(start)
        if self._crf:
            transitions = transitions.to(outputs.transitions) + outputs.transitions
            start = start.to(outputs.start) + outputs.start
            end = end.to(outputs.end) + outputs.end
        return transitions, start, end

    def _own_words(self, feature: Feature, ids: list[int], scores: list[float]) -> Part:
        """Tags of all words of a window, those without sub-tokens filled in, cut to the words it owns."""
        tags: list[str] = []
        probabilities: list[float] = []
        decoded = iter(zip(ids, scores, strict=False))
        for position in feature["positions"]:
            label, probability = next(decoded) if position >= 0 else (None, 1.0)
            tags.append("O" if label is None else self.labels[label])
            probabilities.append(probability)
        known = [i for i, position in enumerate(feature["positions"]) if position >= 0]
        for before, after in pairwise(known):  # an entity goes on over words that have no sub-token
            if tags[after].startswith("I-") and tags[before][2:] == tags[after][2:]:
                tags[before + 1 : after] = [tags[after]] * (after - before - 1)
        first, last = feature["own"]
        return feature["first_word"] + first, tags[first:last], probabilities[first:last]

    def _prediction(self, row: Row, parts: Sequence[Part]) -> Prediction:
        tags = [tag for _, part, _ in parts for tag in part]
        scores = [score for _, _, part in parts for score in part]
        if len(parts) > 1 and self.options["decoding"] == "constrained":
            tags = repair(tags)
        text, words = row["text"], row["words"]
        entities = []
        for span in strict_spans(tags):
            start, end = words[span.start][0], words[span.end - 1][1]
            score = sum(scores[span.start : span.end]) / (span.end - span.start)
            entities.append(
                {"start": start, "end": end, "label": span.label, "text": text[start:end], "score": round(score, 4)}
            )
        return {"text": text, "tokens": [text[a:b] for a, b in words], "tags": tags, "entities": entities}
