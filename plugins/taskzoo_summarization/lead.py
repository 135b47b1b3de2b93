"""The first sentences of a text, which any summarizer has to beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from taskzoo.metrics.sentences import sentences_of
from taskzoo.types import Metric

MOST = 3
SAMPLE = 500
"""Training rows on which the number of sentences is chosen."""


class Lead:
    """The first one to three sentences, as many as do best on training rows.

    Args:
        metric: of summaries.
        score: the one of its scores that chooses.
        join: sentences to one text.
    """

    sentences = 1

    def __init__(self, metric: Metric, score: str, join: Callable[[Sequence[str]], str]) -> None:
        self._metric = metric
        self._score = score
        self._join = join

    def fit(self, sources: Sequence[str], targets: Sequence[Sequence[str]]) -> None:
        """Choose the number of sentences on the first training rows."""
        references = [{"targets": list(t)} for t in targets[:SAMPLE]]
        best = -1.0
        for count in range(1, MOST + 1):
            predictions = [{"text": self._lead(source, count)} for source in sources[:SAMPLE]]
            score = self._metric.compute(predictions, references)[self._score]
            if score > best:
                best, self.sentences = score, count

    def summarize(self, sources: Sequence[str]) -> list[str]:
        """The lead of each text."""
        return [self._lead(source, self.sentences) for source in sources]

    def _lead(self, source: str, count: int) -> str:
        return self._join(list(islice(sentences_of(source), count)))
