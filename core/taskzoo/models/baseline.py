"""A linear model over TF-IDF weights: what any transformer has to beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
MOST_LABELS = 50
MOST_WEIGHTS = 10_000_000

Scorer = Callable[[Any], np.ndarray]
"""From features ``[n, F]`` to probabilities ``[n, L]`` or values ``[n]``."""


@dataclass
class TextBaseline:
    """TF-IDF with logistic regression (one against the rest for several labels) or ridge regression.

    Features are words and pairs of words, and all sequences of four characters within words. Where a fifth of the
    letters or more belong to scripts without spaces between words (Chinese, Japanese, Thai, ...; Hangul too), they are
    sequences of one to three characters. Features of only one row are left out from 1000 rows on. Term frequencies are
    sublinear.

    The inverse strength of the L2 penalty (``C`` of scikit-learn, ``1 / alpha`` of ridge) is chosen from
    :data:`STRENGTHS` by the likelihood (the squared error) of a fifth of at most :data:`MOST_ROWS` training rows, with
    several labels by about :data:`MOST_LABELS` of them; with fewer than :data:`FEWEST_ROWS` rows it is
    :data:`DEFAULT_STRENGTH`.

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

    def __post_init__(self) -> None:
        if self.problem_type not in PROBLEM_TYPES:
            known = ", ".join(PROBLEM_TYPES)
            raise RequestError(f"The baseline has no problem type {self.problem_type!r}; it must be one of {known}.")

    def fit(self, texts: Sequence[str], targets: Any) -> Self:
        """Learn from training rows.

        Args:
            texts: one per row.
            targets: with one label ids ``[n]``; with several 0 and 1 ``[n, L]``, NaN where unknown; for regression
                numbers ``[n]``.

        Raises:
            RequestError: no rows, or no text that holds anything but whitespace.
        """
        single, several = (self.problem_type == name for name in PROBLEM_TYPES[:2])
        self._vectorizer = _vectorizer(texts, self.num_labels)
        try:
            features = self._vectorizer.fit_transform(texts)
        except ValueError:  # scikit-learn's empty vocabulary
            raise RequestError(
                f"The baseline found nothing to count in the {len(texts)} training texts: they are empty or share no "
                "word; check that the right column is read as text, or leave the baseline out."
            ) from None
        targets = np.asarray(targets, dtype=np.int64 if single else np.float64)
        self.strength = DEFAULT_STRENGTH
        if len(targets) >= FEWEST_ROWS:
            aims = targets[:, :: max(1, self.num_labels // MOST_LABELS)] if several else targets
            tried = np.random.default_rng(self.seed).permutation(len(aims))[:MOST_ROWS]
            held, rest = np.split(tried, [len(tried) // 5])
            scorers = (self._solve(features[rest], aims[rest], strength) for strength in STRENGTHS)
            losses = [self._loss(score(features[held]), aims[held]) for score in scorers]
            self.strength = STRENGTHS[int(np.argmin(losses))]
        self._score = self._solve(features, targets, self.strength)
        return self

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities ``[n, L]`` in float32, or for regression values ``[n]`` in float64."""
        if not len(texts):
            regression = self.problem_type == "regression"
            return np.zeros(0) if regression else np.zeros((0, self.num_labels), np.float32)
        return self._score(self._vectorizer.transform(texts))

    def _solve(self, features: Any, targets: np.ndarray, strength: float) -> Scorer:
        from sklearn.linear_model import LogisticRegression, Ridge

        if self.problem_type == "regression":
            return Ridge(alpha=1 / strength).fit(features, targets).predict  # type: ignore[no-any-return]
        common = {"C": strength, "max_iter": 1000, "class_weight": self.class_weight}
        if self.problem_type == "single_label_classification":
            return _classifier(LogisticRegression(**common), features, targets, self.num_labels)
        # liblinear's dual solver, at its own tolerance, is the fastest for one label of many rows and features
        fastest = {"solver": "liblinear", "dual": True, "tol": 0.1, "random_state": self.seed}
        columns = []
        for target in targets.T:
            known = ~np.isnan(target)
            label = LogisticRegression(**common, **fastest)
            columns.append(_classifier(label, features[known], target[known].astype(np.int64), 2))
        return lambda unseen: np.stack([score(unseen)[:, 1] for score in columns], axis=1)

    def _loss(self, scores: np.ndarray, targets: np.ndarray) -> float:
        """Negative log-likelihood or squared error, mean over what is known."""
        if self.problem_type == "regression":
            return float(np.mean((scores - targets) ** 2))
        bounded = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
        if self.problem_type == "single_label_classification":
            return -float(np.log(bounded[np.arange(len(targets)), targets]).mean())
        return -float(np.nanmean(targets * np.log(bounded) + (1 - targets) * np.log1p(-bounded)))


def _vectorizer(texts: Sequence[str], num_labels: int) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    least, most = 2 if len(texts) >= 1000 else 1, MOST_WEIGHTS // max(1, num_labels)
    common = {"sublinear_tf": True, "min_df": least, "max_features": most}
    words = {"tokenizer": TOKEN.findall, "token_pattern": None, **common}
    if _is_unspaced(texts):
        return TfidfVectorizer(ngram_range=(1, 3), **words)
    return make_union(
        TfidfVectorizer(ngram_range=(1, 2), **words), TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 4), **common)
    )


def _is_unspaced(texts: Sequence[str]) -> bool:
    """Whether enough letters belong to scripts without spaces; looks at about 1000 texts."""
    sample = "".join(texts[:: max(1, len(texts) // 1000)])
    unspaced = len(regex.findall(WORD_ITSELF, sample, regex.V1))
    letters = len(regex.findall(rf"[\w{WORD_ITSELF}]", sample, regex.V1))
    return unspaced > 0 and unspaced >= UNSPACED_SHARE * letters


def _classifier(model: Any, features: Any, targets: np.ndarray, num_labels: int) -> Scorer:
    """The fitted model; labels that do not occur have probability 0, and a single one that does is certain."""
    present = np.unique(targets)
    if len(present) > 1:
        model.fit(features, targets)

    def score(unseen: Any) -> np.ndarray:
        probabilities = np.zeros((unseen.shape[0], num_labels), np.float32)
        probabilities[:, present] = model.predict_proba(unseen) if len(present) > 1 else 1.0
        return probabilities

    return score
