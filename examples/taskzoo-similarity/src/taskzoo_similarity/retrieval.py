"""Ranks of the right texts in a pool, and the scores of them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from taskzoo import Example, Score
from taskzoo.metrics.base import CorpusMetric

TIED = 1e-6
"""Cosines that differ by less are equal; of equal ones the wrong texts come first."""
CUT, KEPT_RANKS = 10, 100
CHUNK = 512
"""Texts that are compared with the pool at once."""


class Right:
    """Which texts are right for a text, over all rows: those of its rows, and those of the topics of these.

    Args:
        rows: text, other text and topic, or ``None``, of each.
    """

    def __init__(self, rows: Iterable[tuple[str, str, str | None]] = ()) -> None:
        self._others: dict[str, set[str]] = defaultdict(set)
        self._topics: dict[str, set[str]] = defaultdict(set)
        self._of_topic: dict[str, set[str]] = defaultdict(set)
        for text, other, topic in rows:
            self._others[text].add(other)
            if topic is not None:
                self._topics[text].add(topic)
                self._of_topic[topic].add(other)

    def of(self, text: str) -> list[set[str]]:
        """Sets that together are right; those of topics are shared, as they may be large."""
        return [self._others.get(text, set()), *(self._of_topic[topic] for topic in self._topics.get(text, ()))]

    def __iter__(self) -> Iterator[str]:
        return iter(self._others)


def right_texts(examples: Sequence[Example]) -> dict[str, set[str]]:
    """Text -> the texts to be found for it: those of its rows, and all of its topic, but not itself."""
    right = Right((example["text"], example["other"], example["topic"]) for example in examples)
    return {text: set().union(*right.of(text)) - {text} or {text} for text in right}


def ranks_in_pool(
    right: Mapping[str, set[str]], texts: Mapping[str, np.ndarray], pool: Mapping[str, np.ndarray]
) -> dict[str, list[int]]:
    """Text -> the ranks, from 1, of the texts that are right for it among all of ``pool`` but itself, best first.

    Ranks above :data:`KEPT_RANKS` are left out, but for the best.

    Args:
        right: text -> the texts that are right for it, all of them in the pool.
        texts: text -> its vector ``[H]``, of length 1.
        pool: the same for the texts to find.
    """
    place = {text: i for i, text in enumerate(pool)}
    vectors, queries = np.stack(list(pool.values())), list(right)
    found: dict[str, list[int]] = {}
    for start in range(0, len(queries), CHUNK):
        chunk = queries[start : start + CHUNK]
        for query, cosines in zip(chunk, np.stack([texts[q] for q in chunk]) @ vectors.T, strict=True):
            wanted = [place[text] for text in right[query]]
            wrong = np.ones(len(pool), dtype=bool)
            wrong[wanted] = False
            if query not in right[query] and query in place:
                wrong[place[query]] = False
            above = np.sort(cosines[wrong])
            best = -np.sort(-cosines[wanted])
            before = len(above) - np.searchsorted(above, best - TIED)
            ranks = [int(rank) for rank in before + np.arange(1, len(best) + 1)]
            found[query] = [rank for rank in ranks if rank <= KEPT_RANKS] or ranks[:1]
    return found


class Retrieval(CorpusMetric):
    """``Retrieval().compute([{"ranks": [2]}], [{"text": "a", "right": 1}])``: nDCG@10, MRR@10 and recall.

    ``ranks`` are those of the right texts in the pool, best first, as far as they are 100 at most; ``right`` is their
    number. A unit is a text that is searched for: intervals draw such texts, and their pool stays as it is.
    """

    scores = (Score("ndcg@10"), Score("mrr@10"), Score("recall@10"), Score("recall@100"))

    def statistics(self, predictions: Sequence[Any], references: Sequence[Any]) -> np.ndarray:
        """Shape ``[texts, 5]``: the four scores, 1."""
        rows = {r["text"]: _scores(p["ranks"], r["right"]) for p, r in zip(predictions, references, strict=True)}
        return np.array(list(rows.values()), dtype=np.float64).reshape(-1, 5)

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """Means over the texts."""
        names = [score.name for score in self.scores]
        means = total[:-1] / total[-1] if total[-1] else [math.nan] * len(names)
        return dict(zip(names, map(float, means), strict=True))


def _scores(ranks: Sequence[int], right: int) -> list[float]:
    gains = sum(1 / math.log2(1 + rank) for rank in ranks if rank <= CUT)
    ideal = sum(1 / math.log2(1 + rank) for rank in range(1, min(right, CUT) + 1))
    reciprocal = 1 / ranks[0] if ranks[0] <= CUT else 0.0
    recalls = [sum(rank <= k for rank in ranks) / right for k in (CUT, KEPT_RANKS)]
    return [gains / ideal, reciprocal, *recalls, 1.0]
