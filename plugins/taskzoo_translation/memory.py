"""A translation memory: the translation of the nearest training source, which any model has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CHUNK = 256
"""Sources that are compared at a time."""


class TranslationMemory:
    """Finds the source with the highest cosine of TF-IDF weights of its characters' 1- to 4-grams.

    Args:
        sources: of the training pairs.
        targets: one for each.
    """

    def __init__(self, sources: Sequence[str], targets: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, dtype=np.float32)
        self._known = self._vectorizer.fit_transform(sources)
        self._targets = list(targets)

    def translate(self, sources: Sequence[str]) -> list[str]:
        """The target of the nearest source; the first of several that are equally near."""
        found: list[str] = []
        for start in range(0, len(sources), CHUNK):
            near = self._vectorizer.transform(sources[start : start + CHUNK]) @ self._known.T
            found += [self._targets[i] for i in np.asarray(near.argmax(axis=1)).flatten()]
        return found
