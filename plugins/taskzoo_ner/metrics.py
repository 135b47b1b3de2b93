"""Span F1: an entity counts if its offsets and its type are exactly right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import datasets
import evaluate
import numpy as np

from taskzoo.errors import DataError
from taskzoo.metrics.base import CorpusMetric

from .spans import conlleval_spans

_DESCRIPTION = """\
Precision, recall and F1 over exactly matching entities (Tjong Kim Sang & De Meulder 2003; "exact-match" in Nadeau &
Sekine 2007), accuracy over words, and F1 as the conlleval script computes it from tags."""

_CITATION = """\
@inproceedings{tjong-kim-sang-de-meulder-2003-introduction,
  title = {Introduction to the {C}o{NLL}-2003 Shared Task: Language-Independent Named Entity Recognition},
  author = {Tjong Kim Sang, Erik F. and De Meulder, Fien},
  booktitle = {Proceedings of CoNLL-2003},
  pages = {142--147},
  year = {2003}
}
@article{nadeau2007survey,
  title = {A survey of named entity recognition and classification},
  author = {Nadeau, David and Sekine, Satoshi},
  journal = {Lingvisticae Investigationes},
  volume = {30},
  number = {1},
  pages = {3--26},
  year = {2007}
}"""

_INPUTS = """
Args:
    predictions: one dict per example: "tags", the IOB2 tag of each word, and "entities", a list of dicts
        {"start", "end", "label"} with character offsets (end exclusive). Further keys are ignored.
    references: the same, gold. "tags" must be as long as in the prediction.

Returns:
    precision, recall, f1: over entities that match in start, end and label.
    accuracy: the share of words with the right tag.
    f1_conlleval: F1 over the entities that the tags spell in the lenient reading of conlleval.
    All from 0 to 1; a score without anything to count is 0.0, as in seqeval and conlleval.
"""


class SpanF1(CorpusMetric):
    """``SpanF1().compute(predictions=[...], references=[...])``; needs no network and writes no files.

    Every entity is a set member: the same entity given twice counts once.
    """

    def _info(self) -> evaluate.MetricInfo:
        example = {
            "tags": [datasets.Value("string")],
            "entities": [
                {"start": datasets.Value("int64"), "end": datasets.Value("int64"), "label": datasets.Value("string")}
            ],
        }
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features({"predictions": example, "references": example}),
            reference_urls=["https://aclanthology.org/W03-0419/"],
        )

    def add_batch(self, *, predictions: Any = None, references: Any = None, **kwargs: Any) -> None:
        """Keep examples for a later :meth:`compute`.

        Raises:
            DataError: predictions or references are missing.
        """
        if predictions is None or references is None:
            raise DataError("SpanF1 compares predictions with references; give both.")
        # evaluate fails with a bare KeyError on dicts that hold more than the declared features
        super().add_batch(predictions=_plain(predictions), references=_plain(references), **kwargs)

    def add(self, *, prediction: Any = None, reference: Any = None, **kwargs: Any) -> None:
        """Keep one example for a later :meth:`compute`."""
        self.add_batch(predictions=[prediction], references=[reference], **kwargs)

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """Additive counts, shape ``[examples, 8]``, float64.

        Columns: matching, predicted and gold entities; right words and words; matching, predicted and gold entities
        in the reading of conlleval.

        Raises:
            DataError: unequal numbers of examples, or of tags in an example (the example is named, from 0).
        """
        _check(predictions, references)
        rows = []
        for predicted, gold in zip(predictions, references, strict=True):
            right = sum(p == g for p, g in zip(predicted["tags"], gold["tags"], strict=True))
            lenient_predicted, lenient_gold = (set(conlleval_spans(side["tags"])) for side in (predicted, gold))
            rows.append(
                [
                    *_counts(_entities(predicted), _entities(gold)),
                    right,
                    len(gold["tags"]),
                    *_counts(lenient_predicted, lenient_gold),
                ]
            )
        return np.asarray(rows, dtype=np.float64).reshape(-1, 8)

    def scores(self, total: np.ndarray) -> dict[str, float]:
        """Scores from summed statistics of shape ``[8]``; 0.0 where there is nothing to count."""
        precision, recall, f1 = _prf(*total[:3])
        return {
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "accuracy": _ratio(total[3], total[4]),
            "f1_conlleval": _prf(*total[5:8])[2],
        }

    def details(self, predictions: Sequence[Any], references: Sequence[Any]) -> dict[str, Any]:
        """``{"per_type": {label: {"precision", "recall", "f1", "support"}}}``, labels in alphabetical order.

        ``support`` is the number of gold entities. A label that occurs in predictions only is listed with support 0.

        Raises:
            DataError: as :meth:`statistics`.
        """
        _check(predictions, references)
        matching: Counter[str] = Counter()
        predicted_count: Counter[str] = Counter()
        gold_count: Counter[str] = Counter()
        for prediction, reference in zip(predictions, references, strict=True):
            predicted, gold = _entities(prediction), _entities(reference)
            matching.update(_labels(predicted & gold))
            predicted_count.update(_labels(predicted))
            gold_count.update(_labels(gold))
        per_type = {}
        for label in sorted(predicted_count | gold_count):
            precision, recall, f1 = _prf(matching[label], predicted_count[label], gold_count[label])
            per_type[label] = {"precision": precision, "recall": recall, "f1": f1, "support": gold_count[label]}
        return {"per_type": per_type}


def _check(predictions: Sequence[Any], references: Sequence[Any]) -> None:
    if len(predictions) != len(references):
        raise DataError(f"There are {len(predictions)} predictions for {len(references)} references.")
    for index, (predicted, gold) in enumerate(zip(predictions, references, strict=True)):
        found, expected = len(predicted["tags"]), len(gold["tags"])
        if found != expected:
            raise DataError(f"Example {index} has {found} predicted tags for {expected} words; each word needs one.")


def _plain(sides: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Only the keys that count."""
    keys = ("start", "end", "label")
    return [
        {"tags": side["tags"], "entities": [{key: entity[key] for key in keys} for entity in side["entities"]]}
        for side in sides
    ]


def _entities(side: Mapping[str, Any]) -> set[tuple[int, int, str]]:
    return {(entity["start"], entity["end"], entity["label"]) for entity in side["entities"]}


def _labels(entities: Iterable[tuple[int, int, str]]) -> list[str]:
    return [label for _, _, label in entities]


def _counts(predicted: set[Any], gold: set[Any]) -> tuple[int, int, int]:
    return len(predicted & gold), len(predicted), len(gold)


def _prf(matching: float, predicted: float, gold: float) -> tuple[float, float, float]:
    return _ratio(matching, predicted), _ratio(matching, gold), _ratio(2 * matching, predicted + gold)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
