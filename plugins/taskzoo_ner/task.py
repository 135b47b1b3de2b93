"""The task ``ner``: rows to features, outputs to entities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from taskzoo.arrays import as_array
from taskzoo.errors import RequestError
from taskzoo.evidence import Evidence
from taskzoo.models.calibration import ConfidenceCurve, fit_confidence
from taskzoo.task import Task
from taskzoo.types import (
    Batch,
    Collate,
    Encoded,
    Example,
    Feature,
    LogitTargets,
    Loss,
    Metric,
    Prediction,
    Row,
    SavedModel,
)

from .chain import Scores, iob2_constraints, viterbi_decode
from .collator import NerCollator
from .confidence import Factors, span_probability, tag_factors
from .dictionary import Dictionary
from .evidence import EntityEvidence
from .features import encode_examples
from .plain_use import plain_use
from .rows import prepare_rows, telling_rows
from .spans import Span, repair, spans_to_tags, strict_spans
from .summary import describe_entities

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Part = tuple[int, list[str], list[Factors]]
"""Output for one window: the first word it owns (index in the row), their tags, and what is known of the tags."""


class NerTask(Task):
    """Named entity recognition with a linear or CRF head."""

    primary_metric = "f1"

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.labels: list[str] = []
        self._described = ""
        self._curve: ConfidenceCurve | None = None

    # rows

    def prepare(self, rows: Sequence[Row], split: str) -> list[Example]:
        return prepare_rows(rows, self.options["scheme"], labelled=split != "predict")

    def telling_rows(self, rows: Iterable[Row]) -> list[Row] | None:
        return telling_rows(rows)

    def dedup_key(self, example: Example) -> tuple[str, str]:
        return example["text"], " ".join(example["tags"] or [])

    def references(self, examples: Sequence[Example]) -> list[Prediction]:
        return [{"tags": example["tags"], "entities": example["entities"]} for example in examples]

    # learning

    def fit(self, examples: Sequence[Example]) -> None:
        self.labels = ["O"]
        self.extend(examples)

    def extend(self, examples: Sequence[Example]) -> None:
        types = sorted({tag[2:] for example in examples for tag in example["tags"] if tag != "O"})
        if not types:
            raise RequestError("The training rows contain no entity: every tag is O.")
        known = {label[2:] for label in self.labels}
        self.labels += [f"{prefix}-{name}" for name in types if name not in known for prefix in "BI"]
        self._described = describe_entities(examples)

    def describe(self) -> str:
        return self._described

    def encode(self, examples: Sequence[Example], processor: PreTrainedTokenizerBase) -> Encoded:
        ids = {label: i for i, label in enumerate(self.labels)}
        lengths = {name: self.options[name] for name in ("max_length", "overlap")}
        return encode_examples(examples, processor, ids, **lengths)

    def head(self, checkpoint: str, **loading: Any) -> PreTrainedModel:
        from .head import load_head

        return load_head(checkpoint, self.labels, crf=self._crf, **loading)

    def collator(self, processor: PreTrainedTokenizerBase) -> Collate:
        return NerCollator(processor.pad_token_id)

    def loss(self, outputs: Any, batch: Batch, *, label_smoothing: float = 0.0) -> Loss:
        from taskzoo.models.losses import cross_entropy

        from .loss import crf_loss

        if not self._crf:
            return cross_entropy(outputs.logits, batch.targets["labels"], label_smoothing=label_smoothing)
        if label_smoothing:
            raise RequestError("label_smoothing has no meaning for head=crf; leave it at 0.")
        return crf_loss(outputs, batch)

    @property
    def token_target(self) -> str:
        return "" if self._crf else "labels"

    @property
    def logit_targets(self) -> LogitTargets | None:
        return None if self._crf else LogitTargets("softmax", self.labels)

    # predictions

    def decode(self, outputs: Any, batch: Batch) -> list[Part]:
        """Tags of the words each window owns; a window is decoded whole, so that its context words count."""
        mask, positions = as_array(batch.targets["word_mask"]), as_array(batch.targets["word_positions"])
        logits = np.take_along_axis(as_array(outputs.logits), positions[:, :, None], axis=1)  # [B, W, L]
        scores = self.decoding_scores(outputs)
        if self.options["decoding"] == "argmax" and not self._crf:
            best = [row[:n] for row, n in zip(logits.argmax(-1).tolist(), mask.sum(1), strict=True)]
        else:
            best = viterbi_decode(logits, mask, scores)
        chosen = np.zeros(mask.shape, dtype=np.int64)
        chosen[mask] = [label for ids in best for label in ids]
        ids = {label: i for i, label in enumerate(self.labels)}
        inside = [ids[f"I-{label[2:]}"] if label != "O" else -1 for label in self.labels]
        factors = tag_factors(logits, mask, scores, chosen, inside)
        rows = zip(batch.targets["features"], best, factors, strict=True)
        return [self._own_words(feature, ids, row[: len(ids)]) for feature, ids, row in rows]

    def assemble(self, examples: Sequence[Example], parts: Sequence[Sequence[Part]]) -> list[Prediction]:
        return [self._prediction(example, own) for example, own in zip(examples, parts, strict=True)]

    def empty_prediction(self, row: Row) -> Prediction:
        return {"text": row.get("text", ""), "tokens": [], "tags": [], "entities": []}

    def remarks(self, examples: Sequence[Example]) -> list[str]:
        known = {label[2:] for label in self.labels if label != "O"}
        unseen = Counter(e["label"] for example in examples for e in example["entities"] if e["label"] not in known)
        if not unseen:
            return []
        shown = ", ".join(f"{name} ({count})" for name, count in unseen.most_common(5))
        return [f"{unseen.total()} entities have types that the model was not trained on and cannot find: {shown}"]

    def metrics(self) -> Sequence[Metric]:
        from .metrics import SpanF1  # imports scipy; prediction does without
        from .reliability import EntityReliability

        return [SpanF1(), EntityReliability()]

    baseline_name = "the entities of the training rows, looked up"

    def baseline(self, examples: Sequence[Example], seed: int) -> Callable[[Sequence[Example]], list[Prediction]]:
        known = Dictionary([(_words(example), example["tags"]) for example in examples])
        return lambda others: [self._looked_up(known, example) for example in others]

    # how sure predictions are

    def tune(self, examples: Sequence[Example], parts: Sequence[Sequence[Part]]) -> dict[str, Any]:
        """Learn from validation rows how often an entity of which probability is right."""
        probabilities, right = [], []
        for example, own in zip(examples, parts, strict=True):
            gold = {(entity["start"], entity["end"], entity["label"]) for entity in example["entities"]}
            for span, probability in self._found(own)[1]:
                start, end = _characters(example, span)
                probabilities.append(probability)
                right.append((start, end, span.label) in gold)
        if not probabilities:
            self._curve = None
            return {}
        self._curve = fit_confidence(probabilities, right)
        return {"confidence": {**asdict(self._curve), "entities": len(probabilities)}}

    @property
    def calibration_note(self) -> str:
        if self._curve is not None:
            return ""
        return (
            "the scores of this run's entities are not calibrated: it was trained without validation rows, found no "
            "entity in them, or is of an earlier version; train it again with validation rows"
        )

    def abstain(self, prediction: Prediction, least: float) -> Prediction:
        """Without the entities that are less probable; these are under ``doubtful``."""
        tags, kept, doubtful = list(prediction["tags"]), [], []
        for span, entity in zip(strict_spans(tags), prediction["entities"], strict=True):
            if entity["score"] < least:
                doubtful.append(entity)
                tags[span.start : span.end] = ["O"] * (span.end - span.start)
            else:
                kept.append(entity)
        return {**prediction, "tags": tags, "entities": kept, "doubtful": doubtful, "abstained": bool(doubtful)}

    def evidence(self, role: str) -> Evidence:
        return EntityEvidence(self, role)

    # without this library

    def plain_use(self, saved: SavedModel) -> str:
        return plain_use(saved, self.options)

    # storage

    def state(self) -> dict[str, Any]:
        return {"labels": self.labels, "confidence": None if self._curve is None else asdict(self._curve)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.labels = list(state["labels"])
        curve = state.get("confidence")  # runs of earlier versions have none
        self._curve = None if curve is None else ConfidenceCurve(**curve)

    @property
    def _crf(self) -> bool:
        return bool(self.options["head"] == "crf")

    def decoding_scores(self, outputs: Any) -> Scores:
        """The scores of pairs of tags that predictions are made with: rules of IOB2 and, of a CRF, what it learnt."""
        rules = iob2_constraints(self.labels)
        if self.options["decoding"] == "argmax":
            rules = np.zeros_like(rules[0]), np.zeros_like(rules[1]), rules[2]
        if not self._crf:
            return rules
        transitions, start, end = (rule + as_array(own) for rule, own in zip(rules, outputs.scores, strict=True))
        return transitions, start, end

    def _own_words(self, feature: Feature, ids: list[int], factors: list[Factors]) -> Part:
        """Tags of all words of a window, those without sub-tokens filled in, cut to the words it owns."""
        known = [i for i, position in enumerate(feature["positions"]) if position >= 0]
        tags, own = ["O"] * len(feature["positions"]), [Factors()] * len(feature["positions"])
        for i, label, found in zip(known, ids, factors, strict=True):
            tags[i], own[i] = self.labels[label], found
        for before, after in pairwise(known):  # an entity continues over words that have no sub-token
            if tags[after].startswith("I-") and tags[before][2:] == tags[after][2:]:
                tags[before + 1 : after] = [tags[after]] * (after - before - 1)
        first, last = feature["own"]
        return feature["first_word"] + first, tags[first:last], own[first:last]

    def _found(self, parts: Sequence[Part]) -> tuple[list[str], list[tuple[Span, float]]]:
        """The tags of a row, and its entities with their probabilities before calibration."""
        tags = [tag for _, part, _ in parts for tag in part]
        factors = [word for _, _, part in parts for word in part]
        if len(parts) > 1 and self.options["decoding"] == "constrained":
            tags = repair(tags)
        return tags, [(span, span_probability(factors[span.start : span.end])) for span in strict_spans(tags)]

    def _prediction(self, example: Example, parts: Sequence[Part]) -> Prediction:
        tags, found = self._found(parts)
        scores = (self._curve or ConfidenceCurve())(np.array([probability for _, probability in found]))
        entities = [
            {**_entity(example, span), "score": round(score, 4)}
            for (span, _), score in zip(found, scores.tolist(), strict=True)
        ]
        sure = [word.begins for _, _, part in parts for word in part]
        given = {"text": example["text"], "tokens": _words(example)}
        return {**given, "tags": tags, "entities": entities, "_tag_probabilities": sure}

    @staticmethod
    def _looked_up(known: Dictionary, example: Example) -> Prediction:
        words = _words(example)
        spans = known.find(words)
        entities = [_entity(example, span) for span in spans]
        return {
            "text": example["text"],
            "tokens": words,
            "tags": spans_to_tags(spans, len(words)),
            "entities": entities,
        }


def _words(example: Example) -> list[str]:
    text = example["text"]
    return [text[start:end] for start, end in example["_words"]]


def _entity(example: Example, span: Span) -> dict[str, Any]:
    start, end = _characters(example, span)
    return {"start": start, "end": end, "label": span.label, "text": example["text"][start:end]}


def _characters(example: Example, span: Span) -> tuple[int, int]:
    """Where the entity begins and ends in the text."""
    words = example["_words"]
    return words[span.start][0], words[span.end - 1][1]
