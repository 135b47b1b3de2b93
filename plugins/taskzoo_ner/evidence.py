"""The evidence for an entity: the log-probability of exactly its tags, summed over all tags of the other words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from taskzoo import RequestError
from taskzoo.arrays import as_array
from taskzoo.evidence import LOG_PROBABILITY, Claim, Evidence, Question, Word
from taskzoo.types import Batch, Feature, Prediction

from .chain import FORBIDDEN, Scores, forward_sums, log_sum
from .words import split_words


class WindowScores(NamedTuple):
    """What a window says of its words.

    Args:
        feature: the window.
        logits: of the words that have sub-tokens, ``[W, L]``.
        scores: of pairs of tags, of first and of last ones.
    """

    feature: Feature
    logits: np.ndarray
    scores: Scores


class EntityEvidence(Evidence):
    """An entity is ``B-TYPE I-TYPE ...`` on its words, and anything but ``I-TYPE`` on the word after it."""

    differentiable = True

    def labels(self, prediction: Prediction) -> Sequence[str]:
        return sorted({label[2:] for label in self.task.labels if label != "O"})

    def unit(self, claim: Claim) -> str:
        return LOG_PROBABILITY

    def words(self, inputs: Mapping[str, str]) -> list[Word]:
        return [Word(self.role, start, end) for start, end in split_words(inputs[self.role])]

    def parts(self, model: Any, batch: Batch) -> list[Any]:
        outputs = self.task.forward(model, batch)
        positions, mask = as_array(batch.targets["word_positions"]), as_array(batch.targets["word_mask"])
        logits = np.take_along_axis(as_array(outputs.logits), positions[:, :, None], axis=1)
        scores, features = self.task.decoding_scores(outputs), batch.targets["features"]
        return [
            WindowScores(feature, row[: real.sum()], scores)
            for feature, row, real in zip(features, logits, mask, strict=True)
        ]

    def value(self, question: Question, parts: Sequence[Any]) -> float:
        total = 0.0
        if all(self._barred(question, part.feature) is None for part in parts):
            raise unseen()
        for feature, logits, scores in parts:
            barred = self._barred(question, feature)
            if barred is not None:
                both = np.where(barred, FORBIDDEN, logits)
                rules = _may_begin_inside(scores, barred)
                given, claimed = log_sum(forward_sums(both, np.ones(both.shape[:2]), rules)[-1] + rules[2], axis=1)
                total += float(claimed - given)
        return total

    def score(self, outputs: Any, batch: Batch, question: Question, rows: Any) -> Any:
        import torch

        from .crf import log_partition
        from .loss import word_logits

        features = batch.targets["features"]
        copies = int(rows.max()) + 1
        windows = len(features) // copies
        logits, mask = word_logits(outputs.logits, batch.targets["word_positions"]), batch.targets["word_mask"]
        total = logits.new_zeros(copies)
        if all(self._barred(question, feature) is None for feature in features[:windows]):
            raise unseen()
        for at, feature in enumerate(features[:windows]):
            barred = self._barred(question, feature)
            if barred is None:
                continue
            rules = _may_begin_inside(self.task.decoding_scores(outputs), barred)
            transitions, start, end = (torch.from_numpy(each).to(logits) for each in rules)
            barred = np.pad(barred, ((0, 0), (0, logits.shape[1] - barred.shape[1]), (0, 0)))
            given, claimed = (
                log_partition(
                    logits[at::windows].masked_fill(each, FORBIDDEN), mask[at::windows], (transitions, start, end)
                )
                for each in torch.from_numpy(barred).to(logits.device)
            )
            total = total + claimed - given
        return total

    def places(self, question: Question, features: Sequence[Feature], processor: Any) -> list[list[Word | None]]:
        from taskzoo.models.tokenizers import special_tokens_around

        words, found = question.example["_words"], []
        after = len(special_tokens_around(processor)[1])
        for feature in features:
            row: list[Word | None] = [None] * feature.length
            starts = [(at, place) for at, place in enumerate(feature["positions"]) if place >= 0]
            content = feature.length - after
            ends = [place for _, place in starts[1:]] + [content]
            for (at, first), last in zip(starts, ends, strict=True):
                row[first:last] = [Word(self.role, *words[feature["first_word"] + at])] * (last - first)
            found.append(row)
        return found

    def _barred(self, question: Question, feature: Feature) -> np.ndarray | None:
        """The tags that are excluded, of the words of a window that have sub-tokens, ``[2, W, L]``.

        First those excluded by what windows before this one say of the entity, which is the tag of the word before
        those that the window owns; then those that the entity excludes on the words that it owns, as well. ``None``:
        it owns none of them.
        """
        words, span = question.example["_words"], question.claim.span
        entity = [i for i, (a, b) in enumerate(words) if span is not None and span.start <= a and b <= span.end]
        known = [feature["first_word"] + at for at, place in enumerate(feature["positions"]) if place >= 0]
        first, last = (feature["first_word"] + place for place in feature["own"])
        ours = [word for word in entity if first <= word < last and word in known]
        if not ours:
            return None
        labels, name = self.task.labels, question.claim.name
        barred = np.zeros((2, len(known), len(labels)), dtype=bool)
        before = max((word for word in known if word in entity and word < ours[0]), default=-1)
        for at, word in enumerate(known):
            if word == before or word in ours:
                tag = labels.index(f"{'B' if word == entity[0] else 'I'}-{name}")
                barred[int(word != before) :, at, np.arange(len(labels)) != tag] = True
            elif word == entity[-1] + 1 and ours[-1] == entity[-1]:
                barred[1, at, labels.index(f"I-{name}")] = True
        return barred


def unseen() -> RequestError:
    """The error that an entity has no words with tokens."""
    return RequestError("The model reads none of the words of an entity, so there is no evidence for it.")


def _may_begin_inside(scores: Scores, barred: np.ndarray) -> Scores:
    """The scores without a rule for first tags where the entity has begun before the window."""
    transitions, start, end = scores
    first = barred[1, 0]
    impossible = bool(first.any() and (start[~first] <= FORBIDDEN / 2).all())
    return transitions, np.zeros_like(start) if impossible else start, end
