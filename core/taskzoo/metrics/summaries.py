"""Scores of summaries against references: ROUGE, by its reference implementation in Python."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np

from taskzoo.errors import RequestError
from taskzoo.types import Prediction, Score

from .base import CorpusMetric, ratio
from .pairs import text_pairs
from .sentences import split_sentences
from .words import split_tokens

ROUGE = ("rouge1", "rouge2", "rougeL", "rougeLsum")
REFERENCES = ("best", "all")


class Rouge(CorpusMetric):
    """``Rouge("en").compute(predictions=[{"text": "a cat"}], references=[{"targets": ["the cat"]}])``.

    ROUGE (Lin 2004) by the package ``rouge_score``: mean F-measures, from 0 to 100, of words and pairs of words in
    common, and of the longest common subsequence of the whole texts (``rougeL``) and of their sentences
    (``rougeLsum``). Predictions have ``text``, references ``targets``, one or more texts.

    For English the tokens are those of ``rouge_score``. It keeps nothing but a-z and 0-9, so any other language has
    the tokens of :func:`taskzoo.metrics.words.split_tokens`: Unicode words, and Han characters one by one. Sentences
    for ``rougeLsum`` are those of :func:`taskzoo.metrics.sentences.split_sentences`, line breaks included.
    A score is NaN without examples, and 0 for an example without tokens on either side.

    Args:
        language: of the summaries, an ISO 639-1 code; ``""``: unknown, which for text in ASCII equals English.
        references: with several, ``"best"`` takes the best one per example and score, as ``RougeScorer.score_multi``
            does, ``"all"`` the mean over them.
        stemming: strip English endings by Porter's algorithm first.

    Raises:
        RequestError: ``references`` is neither of the two, or stemming in another language than English.
    """

    scores = tuple(Score(name, range=(0.0, 100.0), floor=1.0) for name in ROUGE)

    def __init__(self, language: str = "", references: str = "best", stemming: bool = False) -> None:
        from rouge_score.rouge_scorer import RougeScorer

        english = language.replace("_", "-").split("-")[0].lower() == "en"
        if references not in REFERENCES:
            raise RequestError(f"references={references!r} is not one of {', '.join(REFERENCES)}.")
        if stemming and not english:
            raise RequestError(f"Stemming is for English, and the language is {language or 'unknown'!r}; turn it off.")
        self.references = references
        self.tokens = ("rouge_score, stemmed" if stemming else "rouge_score") if english else "unicode"
        tokenizer = _EnglishTokenizer(stemming) if english else _UnicodeTokenizer()
        self._scorer: Any = RougeScorer(list(ROUGE), tokenizer=tokenizer)
        self._row = lru_cache(maxsize=2**14)(self._score)  # details() asks again for the rows of statistics()

    def statistics(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> np.ndarray:
        """Shape ``[examples, 13]``, float64: 1; then F-measure, precision and recall of each score, from 0 to 1.

        Raises:
            DataError: unequal numbers of examples, or one without a text or a target (it is named, from 0).
        """
        rows = [self._row(text, tuple(targets)) for text, targets in text_pairs(predictions, references)]
        return np.asarray(rows, dtype=np.float64).reshape(-1, 1 + 3 * len(ROUGE))

    def from_sums(self, total: np.ndarray) -> dict[str, float]:
        """The mean F-measures from summed statistics."""
        return {name: 100 * ratio(total[1 + 3 * i], total[0]) for i, name in enumerate(ROUGE)}

    def details(self, predictions: Sequence[Prediction], references: Sequence[Prediction]) -> dict[str, Any]:
        """How the scores were made, and their mean ``precision`` and ``recall``, from 0 to 100.

        ``rouge``: ``{"version", "tokens", "references"}``; ``per_score``: ``{name: {"precision", "recall"}}``, ``None``
        without examples.

        Raises:
            DataError: as :meth:`statistics`.
        """
        found = self.statistics(predictions, references)
        means = (100 * found.mean(axis=0)).tolist() if len(found) else [None] * found.shape[1]
        return {
            "rouge": {"version": version("rouge_score"), "tokens": self.tokens, "references": self.references},
            "per_score": {
                name: {"precision": means[2 + 3 * i], "recall": means[3 + 3 * i]} for i, name in enumerate(ROUGE)
            },
        }

    def sentence(self, text: str, targets: Sequence[str]) -> float:
        """The F-measure of ``rougeL`` of one output, from 0 to 100."""
        return 100 * self._row(text, tuple(targets))[1 + 3 * ROUGE.index("rougeL")]

    def _score(self, text: str, targets: tuple[str, ...]) -> list[float]:
        output, *gold = ("\n".join(split_sentences(part)) for part in (text, *targets))
        found = [self._scorer.score(target, output) for target in gold]
        if self.references == "best":
            chosen = [max((f[name] for f in found), key=lambda score: score.fmeasure) for name in ROUGE]
            return [1.0, *(v for s in chosen for v in (s.fmeasure, s.precision, s.recall))]
        values = [[v for name in ROUGE for v in (f[name].fmeasure, f[name].precision, f[name].recall)] for f in found]
        return [1.0, *np.mean(values, axis=0)]


class _UnicodeTokenizer:
    def tokenize(self, text: str) -> list[str]:
        return split_tokens(text)


class _EnglishTokenizer:
    """The default one of ``rouge_score``, which finds the stem of each word once only."""

    def __init__(self, stemming: bool) -> None:
        from rouge_score.tokenize import tokenize

        self._tokenize, self._stemmer = tokenize, _Stemmer() if stemming else None

    def tokenize(self, text: str) -> list[str]:
        tokens: list[str] = self._tokenize(text, self._stemmer)
        return tokens


class _Stemmer:
    def __init__(self) -> None:
        from nltk.stem.porter import PorterStemmer

        self.stem = lru_cache(maxsize=2**16)(PorterStemmer().stem)
