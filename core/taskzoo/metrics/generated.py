"""What is wrong with generated texts besides their words: length, empty and cut outputs; what summaries copy."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from taskzoo.types import Prediction, Score

from .base import CorpusMetric, ratio
from .pairs import text_pairs
from .words import split_tokens

ORDERS = (1, 2, 3, 4)
LOOP = 3
"""An output loops that has four tokens in a row this often."""


class GeneratedText(CorpusMetric):
    """``GeneratedText().compute(predictions=[{"text": "a cat"}], references=[{"targets": ["the cat"]}])``.

    Tokens are those of :func:`taskzoo.metrics.words.split_tokens`. A score is NaN where there is nothing to count: no
    examples, references without tokens, no output with tokens, no example with a source.

    Predictions have ``text`` and, where it is known, ``_truncated``: whether the length limit cut it. References have
    ``targets``, one or more texts, and for summaries ``_source``. ``length_ratio`` is tokens of the outputs per token
    of the references (of several, of the one nearest in length); ``empty`` and ``truncated`` are shares of the outputs.
    Of summaries (Grusky et al. 2018): ``novel_1grams`` to ``novel_4grams`` are the shares of the outputs' n-grams that
    their sources do not have; ``coverage`` is the mean share of an output's tokens that lie in copied fragments,
    ``density`` the mean over outputs of the fragments' squared lengths per token.

    Args:
        summary: also score what is new and what is copied, from ``_source`` of the references.
    """

    scores = (
        Score("length_ratio", range=(0.0, math.inf)),
        Score("empty", higher_is_better=False),
        Score("truncated", higher_is_better=False),
        *(Score(f"novel_{n}grams") for n in ORDERS),
        Score("coverage"),
        Score("density", range=(0.0, math.inf)),
    )

    def __init__(self, summary: bool = False) -> None:
        self.summary = summary

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Shape ``[examples, 5]``, for summaries ``[examples, 16]``, float64.

        Columns: 1; tokens of the output and of the reference that is nearest in length (the shorter of two); 1 if the
        output is empty; 1 if it is cut. For summaries: new n-grams for n = 1 to 4 and all n-grams for n = 1 to 4,
        coverage, density, and 1 if they count; all 0 without a source or without tokens.

        Raises:
            DataError: unequal numbers of examples, or one without a text or a target (it is named, from 0).
        """
        rows = []
        for index, (text, targets) in enumerate(text_pairs(predictions, references)):
            tokens = split_tokens(text)
            nearest = min((len(split_tokens(t)) for t in targets), key=lambda n: (abs(n - len(tokens)), n))
            cut = bool(predictions[index].get("_truncated"))
            row = [1.0, len(tokens), nearest, not text.strip(), cut]
            if self.summary:
                row += _copied(tokens, references[index].get("_source"))
            rows.append(row)
        width = 8 + 2 * len(ORDERS) if self.summary else 5
        return np.asarray(rows, dtype=np.float64).reshape(-1, width)

    def details(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> dict[str, Any]:
        """What a model generates that has not learnt to read its input, or to end.

        ``generated``: ``{"empty", "copies", "loops"}``, how many outputs are empty, are their source (and not a
        reference), and have the same four tokens :data:`LOOP` times (and no reference has). ``most_repeated_output``:
        ``{"text", "rows"}``, the output that was generated most often where the references differ; missing if there is
        none.
        """
        beside: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
        found = {"empty": 0, "copies": 0, "loops": 0}
        for index, (text, targets) in enumerate(text_pairs(predictions, references)):
            if not text.strip():
                found["empty"] += 1
                continue
            beside[text][tuple(sorted(targets))] += 1
            tokens, wanted = split_tokens(text), [split_tokens(target) for target in targets]
            source = predictions[index].get("source") or references[index].get("_source") or ""
            found["copies"] += tokens == split_tokens(source) and tokens not in wanted
            found["loops"] += _loops(tokens) and not any(map(_loops, wanted))
        rows, text = max(((rows.total(), text) for text, rows in beside.items() if len(rows) > 1), default=(0, ""))
        most = {"most_repeated_output": {"text": text, "rows": rows}} if rows else {}
        return {"generated": found} | most

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """All scores from summed statistics."""
        found = {
            "length_ratio": ratio(total[1], total[2]),
            "empty": ratio(total[3], total[0]),
            "truncated": ratio(total[4], total[0]),
        }
        if self.summary:
            new, every = np.split(total[5 : 5 + 2 * len(ORDERS)], 2)
            coverage, density, counted = total[-3:]
            found |= {f"novel_{n}grams": ratio(new[i], every[i]) for i, n in enumerate(ORDERS)}
            found |= {"coverage": ratio(coverage, counted), "density": ratio(density, counted)}
        return found


def fragments(source: Sequence[str], summary: Sequence[str]) -> list[int]:
    """Lengths of the extractive fragments of ``summary``: what it shares with ``source``, longest first at each token.

    The greedy search of Grusky et al. (2018), figure 3: at a token of the summary it takes the longest run of tokens
    that also stands in the source, and goes on behind it. Within the source it also goes on behind each run.
    """
    places = defaultdict(list)
    for place, token in enumerate(source):
        places[token].append(place)
    lengths = []
    start = 0
    while start < len(summary):
        longest = free = 0
        for place in places.get(summary[start], ()):
            if place < free:
                continue
            length = 1
            while (
                start + length < len(summary)
                and place + length < len(source)
                and summary[start + length] == source[place + length]
            ):
                length += 1
            longest, free = max(longest, length), place + length
        if longest:
            lengths.append(longest)
        start += max(longest, 1)
    return lengths


def _copied(tokens: list[str], source: str | None) -> list[float]:
    """The columns for summaries."""
    if not source or not tokens:
        return [0.0] * (3 + 2 * len(ORDERS))
    read = split_tokens(source)
    new, every = [], []
    for n in ORDERS:
        known = set(_ngrams(read, n))
        found = _ngrams(tokens, n)
        new.append(float(sum(ngram not in known for ngram in found)))
        every.append(float(len(found)))
    lengths = fragments(read, tokens)
    return [*new, *every, sum(lengths) / len(tokens), sum(n * n for n in lengths) / len(tokens), 1.0]


def _loops(tokens: list[str]) -> bool:
    counts = Counter(_ngrams(tokens, 4))
    return max(counts.values(), default=0) >= LOOP


def _ngrams(tokens: list[str], n: int) -> list[tuple[str, ...]]:
    return list(zip(*(tokens[i:] for i in range(n)), strict=False))
