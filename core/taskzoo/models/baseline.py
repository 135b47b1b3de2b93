"""A linear model over TF-IDF weights: what any transformer has to beat."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taskzoo.errors import RequestError

KINDS = ("single", "multi", "regression")

UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese, Khmer
    "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\uac00-\ud7af"  # Hangul: blanks part phrases, and particles grow onto words
)
"""Characters that are words of their own for the baseline, as regular-expression ranges."""

MARKS = "\u0300-\u036f\u0610-\u065f\u0900-\u0dff"
"""Marks that are part of a word but no letters to ``\\w``: accents, Arabic vowels, Indic vowel signs."""

TOKEN = rf"[{UNSPACED}]|(?:[^\W{UNSPACED}]|[{MARKS}])+|[^\w\s]"

UNSPACED_SHARE = 0.2
STRENGTHS = (0.2, 1.0, 5.0, 25.0)
DEFAULT_STRENGTH = 5.0
FEWEST_ROWS = 100
MOST_ROWS = 5000
MOST_LABELS = 50
MOST_WEIGHTS = 10_000_000

Scorer = Callable[[Any], np.ndarray]
"""From features ``[n, F]`` to probabilities ``[n, L]`` or values ``[n]``."""


class TextBaseline:
    """TF-IDF with logistic regression (one against the rest for ``multi``) or ridge regression.

    Features are words and pairs of words, and all runs of four characters within words. Where a fifth of the letters
    or more belong to scripts without blanks between words (Chinese, Japanese, Thai, ...; Hangul too), they are runs of
    one to three characters. Features of only one row are left out from 1000 rows on. Term frequencies are sublinear.

    The inverse strength of the L2 penalty (``C`` of scikit-learn, ``1 / alpha`` of ridge) is chosen from
    :data:`STRENGTHS` by the likelihood (the squared error) of a fifth of at most :data:`MOST_ROWS` training rows, for
    ``multi`` of about :data:`MOST_LABELS` labels; with fewer than :data:`FEWEST_ROWS` rows it is
    :data:`DEFAULT_STRENGTH`.
    """

    strength: float
    """The inverse strength of the penalty; there after :meth:`fit`."""

    def fit(
        self,
        texts: Sequence[str],
        targets: Any,
        *,
        kind: str,
        num_labels: int,
        seed: int,
        class_weight: str | None = None,
    ) -> None:
        """Learn from training rows.

        Args:
            texts: one per row.
            targets: for ``single`` label ids ``[n]``; for ``multi`` 0 and 1 ``[n, L]``, NaN where unknown; for
                ``regression`` numbers ``[n]``.
            kind: one of :data:`KINDS`.
            num_labels: L. A label that no row has gets probability 0.
            seed: of the rows that are held out, and of the solver.
            class_weight: ``"balanced"`` gives rare labels as much weight as frequent ones.

        Raises:
            RequestError: an unknown kind, no rows, or no text that holds anything but blanks.
        """
        if kind not in KINDS:
            raise RequestError(f"The baseline has no kind {kind!r}; it must be one of {', '.join(KINDS)}.")
        self._kind, self._num_labels = kind, num_labels
        self._vectorizer = _vectorizer(texts, num_labels)
        try:
            features = self._vectorizer.fit_transform(texts)
        except ValueError:  # scikit-learn's empty vocabulary
            raise RequestError(
                f"The baseline found nothing to count in the {len(texts)} training texts: they are blank or share no "
                "word; check that the right column is read as text, or leave the baseline out."
            ) from None
        targets = np.asarray(targets, dtype=np.int64 if kind == "single" else np.float64)

        def solve(rows: np.ndarray | slice, aims: np.ndarray, strength: float) -> Scorer:
            return _solve(kind, features[rows], aims[rows], num_labels, strength, seed, class_weight)

        self.strength = DEFAULT_STRENGTH
        if len(targets) >= FEWEST_ROWS:
            aims = targets[:, :: max(1, num_labels // MOST_LABELS)] if kind == "multi" else targets
            tried = np.random.default_rng(seed).permutation(len(aims))[:MOST_ROWS]
            held, rest = np.split(tried, [len(tried) // 5])
            losses = [_loss(kind, solve(rest, aims, c)(features[held]), aims[held]) for c in STRENGTHS]
            self.strength = STRENGTHS[int(np.argmin(losses))]
        self._score = solve(slice(None), targets, self.strength)

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities ``[n, L]`` in float32, or for regression values ``[n]`` in float64."""
        if not len(texts):
            return np.zeros(0) if self._kind == "regression" else np.zeros((0, self._num_labels), np.float32)
        return self._score(self._vectorizer.transform(texts))


def _vectorizer(texts: Sequence[str], num_labels: int) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_union

    common = {
        "sublinear_tf": True,
        "min_df": 2 if len(texts) >= 1000 else 1,
        "max_features": MOST_WEIGHTS // max(1, num_labels),
    }
    if _is_unspaced(texts):
        return TfidfVectorizer(token_pattern=TOKEN, ngram_range=(1, 3), **common)
    return make_union(
        TfidfVectorizer(token_pattern=TOKEN, ngram_range=(1, 2), **common),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(4, 4), **common),
    )


def _is_unspaced(texts: Sequence[str]) -> bool:
    """Whether enough letters belong to scripts without blanks; looks at about 1000 texts."""
    sample = "".join(texts[:: max(1, len(texts) // 1000)])
    unspaced = len(re.findall(f"[{UNSPACED}]", sample))
    return unspaced > 0 and unspaced >= UNSPACED_SHARE * len(re.findall(rf"[\w{UNSPACED}]", sample))


def _solve(
    kind: str, features: Any, targets: np.ndarray, num_labels: int, strength: float, seed: int, class_weight: str | None
) -> Scorer:
    from sklearn.linear_model import LogisticRegression, Ridge

    if kind == "regression":
        return Ridge(alpha=1 / strength).fit(features, targets).predict  # type: ignore[no-any-return]
    if kind == "single":
        joint = LogisticRegression(C=strength, max_iter=1000, class_weight=class_weight)
        return _spread(*_classes(joint, features, targets), num_labels)
    # liblinear's dual solver, at its own tolerance, is the fastest for one label of many rows and features
    columns = []
    for target in targets.T:
        known = ~np.isnan(target)
        single = LogisticRegression(
            C=strength, max_iter=1000, solver="liblinear", dual=True, tol=0.1, class_weight=class_weight,
            random_state=seed,
        )  # fmt: skip
        columns.append(_spread(*_classes(single, features[known], target[known].astype(np.int64)), 2))
    return lambda unseen: np.stack([score(unseen)[:, 1] for score in columns], axis=1)


def _classes(model: Any, features: Any, targets: np.ndarray) -> tuple[np.ndarray, Scorer]:
    """The labels that occur and a function to their probabilities; a single one is certain."""
    present = np.unique(targets)
    if len(present) > 1:
        return present, model.fit(features, targets).predict_proba
    return present, lambda unseen: np.ones((unseen.shape[0], len(present)))


def _spread(present: np.ndarray, score: Scorer, num_labels: int) -> Scorer:
    """``score`` with columns of zeros for the labels that do not occur, in float32."""

    def spread(unseen: Any) -> np.ndarray:
        probabilities = np.zeros((unseen.shape[0], num_labels), np.float32)
        probabilities[:, present] = score(unseen)
        return probabilities

    return spread


def _loss(kind: str, scores: np.ndarray, targets: np.ndarray) -> float:
    """Negative log-likelihood or squared error, mean over what is known."""
    if kind == "regression":
        return float(np.mean((scores - targets) ** 2))
    bounded = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
    if kind == "single":
        return -float(np.log(bounded[np.arange(len(targets)), targets]).mean())
    return -float(np.nanmean(targets * np.log(bounded) + (1 - targets) * np.log1p(-bounded)))
