"""A linear model over TF-IDF weights: what any transformer has to beat."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import regex

from taskzoo.errors import RequestError
from taskzoo.scripts import UNSPACED

PROBLEM_TYPES = ("single_label_classification", "multi_label_classification", "regression")

WORD_ITSELF = rf"[{UNSPACED}\p{{sc=Tibt}}\p{{sc=Hang}}]"
"""Characters that are words of their own for the baseline. Hangul is spaced, but its spaces separate phrases, in which
particles are joined to words."""

TOKEN = regex.compile(rf"{WORD_ITSELF}|(?:[[\w\p{{N}}]--{WORD_ITSELF}]|\p{{M}})+|[^\w\s]", regex.V1)
"""Such a character, a word with its marks (accents, vowel signs), or a sign."""

UNSPACED_SHARE = 0.2
STRENGTHS = (0.2, 1.0, 5.0, 25.0)
DEFAULT_STRENGTH = 5.0
FEWEST_ROWS = 100
MOST_ROWS = 5000
MOST_LABELS = 20
MOST_WEIGHTS = 10_000_000

QUICK_SECONDS = 7.0
COUNTING, SOLVING = 5e-6, 1e-7
"""Seconds on one core of 2024: counting takes so long per character, a fit per character and label."""

Scorer = Callable[[Any], np.ndarray]
"""From features ``[n, F]`` to probabilities ``[n, L]`` or values ``[n]``."""


def quick_rows(texts: Sequence[str], fits: int) -> int:
    """How many of the rows a :class:`TextBaseline` is fitted on in about :data:`QUICK_SECONDS`.

    ``fits`` is the number of linear models: that of the labels, or more where they are fitted repeatedly.
    """
    seconds = sum(map(len, texts)) * (COUNTING + SOLVING * fits)
    return len(texts) if seconds <= QUICK_SECONDS else max(1, int(len(texts) * QUICK_SECONDS / seconds))


@dataclass
class TextBaseline:
    """TF-IDF with logistic regression, each label against the rest, or ridge regression.

    Features are words and pairs of words, and all sequences of four characters within words. Where a fifth of the
    letters or more belong to scripts without spaces between words (Chinese, Japanese, Thai, ...; Hangul too), they are
    sequences of one to three characters. Features of only one row are left out from 1000 rows on, unless there are no
    others. Term frequencies are sublinear.

    The inverse strength of the L2 penalty (``C`` of scikit-learn, ``1 / alpha`` of ridge) is chosen from
    :data:`STRENGTHS` by the likelihood (the squared error) of a fifth of at most :data:`MOST_ROWS` training rows, and
    of about :data:`MOST_LABELS` of the labels; with fewer than :data:`FEWEST_ROWS` rows it is :data:`DEFAULT_STRENGTH`.

    Args:
        problem_type: one of :data:`PROBLEM_TYPES`.
        num_labels: L. A label that no row has gets probability 0.
        seed: of the rows that are held out, and of the solver.
        class_weight: ``"balanced"`` gives rare labels as much weight as frequent ones.

    Raises:
        RequestError: an unknown problem type.
    """

    problem_type: str
    num_labels: int
    seed: int = 0
    class_weight: str | None = None

    strength: float = field(default=DEFAULT_STRENGTH, init=False)
    """The inverse strength of the penalty, chosen by :meth:`fit`."""
    held_scores: np.ndarray | None = field(default=None, init=False)
    """As of :meth:`predict`, for the rows that were held out of a further fit by :meth:`fit`."""

    def __post_init__(self) -> None:
        if self.problem_type not in PROBLEM_TYPES:
            known = ", ".join(PROBLEM_TYPES)
            raise RequestError(f"The baseline has no problem type {self.problem_type!r}; it must be one of {known}.")

    def fit(self, texts: Sequence[str], targets: Any, held: np.ndarray | None = None) -> Self:
        """Learn from training rows.

        Args:
            texts: one per row.
            targets: with one label ids ``[n]``; with several 0 and 1 ``[n, L]``, NaN where unknown; for regression
                numbers ``[n]``.
            held: which rows :attr:`held_scores` are for, ``[n]`` of truth values: those of a fit on the others, with
                the same features and strength.

        Raises:
            RequestError: no rows, or no text that holds anything but whitespace.
        """
        features = self._count(texts)
        targets = np.asarray(targets, dtype=np.int64 if self._single else np.float64)
        if len(targets) >= FEWEST_ROWS:
            self.strength = self._best_strength(features, targets)
        self._score = self._solve(features, targets, self.strength)
        if held is not None:
            self.held_scores = self._solve(features[~held], targets[~held], self.strength)(features[held])
        return self

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities ``[n, L]`` in float32, or for regression values ``[n]`` in float64."""
        if not len(texts):
            return np.zeros(0) if self._regression else np.zeros((0, self.num_labels), np.float32)
        return self._score(self._vectorizer.transform(texts))

    @property
    def _single(self) -> bool:
        return self.problem_type == "single_label_classification"

    @property
    def _regression(self) -> bool:
        return self.problem_type == "regression"

    def _count(self, texts: Sequence[str]) -> Any:
        """The features of the training rows, by the first vectorizer that finds any."""
        for vectorizer in _vectorizers(texts, self.num_labels):
            with suppress(ValueError):  # scikit-learn's empty vocabulary
                features = vectorizer.fit_transform(texts)
                self._vectorizer = vectorizer
                return features
        raise RequestError(
            f"The baseline found nothing to count in the {len(texts)} training texts: they are empty; check that the "
            "right column is read as text, or leave the baseline out (--no-baseline)."
        )

    def _best_strength(self, features: Any, targets: np.ndarray) -> float:
        tried = np.random.default_rng(self.seed).permutation(len(targets))[:MOST_ROWS]
        held, rest = np.split(tried, [len(tried) // 5])
        if self._regression:
            scorers = [self._solve(features[rest], targets[rest], strength) for strength in STRENGTHS]
            losses = [np.mean((score(features[held]) - targets[held]) ** 2) for score in scorers]
            return STRENGTHS[int(np.argmin(losses))]
        totals = np.zeros(len(STRENGTHS))
        for label in range(0, self.num_labels, max(1, self.num_labels // MOST_LABELS)):
            aims = self._aims(targets, label)
            for i, strength in enumerate(STRENGTHS):
                scores = self._classifier(features[rest], aims[rest], strength)(features[held])
                bounded = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
                totals[i] -= np.nansum(aims[held] * np.log(bounded) + (1 - aims[held]) * np.log1p(-bounded))
        return STRENGTHS[int(np.argmin(totals))]

    def _solve(self, features: Any, targets: np.ndarray, strength: float) -> Scorer:
        if self._regression:
            from sklearn.linear_model import Ridge

            return Ridge(alpha=1 / strength).fit(features, targets).predict  # type: ignore[no-any-return]
        two = self._single and self.num_labels == 2
        labels = [1] if two else range(self.num_labels)
        columns = [self._classifier(features, self._aims(targets, label), strength) for label in labels]

        def score(unseen: Any) -> np.ndarray:
            found = np.stack([one(unseen) for one in columns], axis=1)
            if two:
                return np.hstack([1 - found, found])
            return found / np.maximum(found.sum(axis=1, keepdims=True), 1e-30) if self._single else found

        return score

    def _aims(self, targets: np.ndarray, label: int) -> np.ndarray:
        """1 for the rows that have the label, 0 for the others, NaN where unknown."""
        return (targets == label).astype(np.float64) if self._single else targets[:, label]

    def _classifier(self, features: Any, aims: np.ndarray, strength: float) -> Scorer:
        """Probabilities ``[n]`` of one label against the rest; of one that no row has, or each, it is certain."""
        from sklearn.linear_model import LogisticRegression

        known = ~np.isnan(aims)
        if not known.all():
            features, aims = features[known], aims[known]
        if len(aims) == 0 or aims.min() == aims.max():
            always = np.float32(aims[0] if len(aims) else 0.0)
            return lambda unseen: np.full(unseen.shape[0], always, np.float32)
        # the dual solver, at its own tolerance, is the fastest for many rows and features
        settings = {"solver": "liblinear", "dual": True, "tol": 0.1, "random_state": self.seed}
        weights = {"C": strength, "max_iter": 1000, "class_weight": self.class_weight}
        model = LogisticRegression(**settings, **weights).fit(features, aims.astype(np.int64))
        return lambda unseen: model.predict_proba(unseen)[:, 1].astype(np.float32)


def _vectorizers(texts: Sequence[str], num_labels: int) -> Iterator[Any]:
    """What counts features of texts; a later one is for texts in which those before it find nothing.

    In names, codes and other texts of one word, no word may be in two rows.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    most, unspaced = MOST_WEIGHTS // max(1, num_labels), _is_unspaced(texts)
    for least in (2, 1) if len(texts) >= 1000 else (1,):
        common = {"sublinear_tf": True, "min_df": least, "max_features": most}
        words = TfidfVectorizer(
            tokenizer=TOKEN.findall, token_pattern=None, ngram_range=(1, 3 if unspaced else 2), **common
        )
        if unspaced:
            yield words
        else:
            runs = TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 4), **common)
            yield make_union(words, runs)
            yield runs


def _is_unspaced(texts: Sequence[str]) -> bool:
    """Whether enough letters belong to scripts without spaces; looks at about 1000 texts."""
    sample = "".join(texts[:: max(1, len(texts) // 1000)])
    unspaced = len(regex.findall(WORD_ITSELF, sample, regex.V1))
    letters = len(regex.findall(rf"[\w{WORD_ITSELF}]", sample, regex.V1))
    return unspaced > 0 and unspaced >= UNSPACED_SHARE * letters
