"""Words whose rows score lower, and words that pull predictions towards a label."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import regex

from taskzoo.metrics.words import split_tokens
from taskzoo.scripts import is_unspaced

from .audited_rows import AuditedRows
from .differences import Difference, exact_p, is_binary, newcombe, of_means
from .gap import LABELS, WORDS, Gap, Section

FEWEST = 20
"""Rows with a word, and without it."""
_APART = regex.compile(r"[^\p{L}\p{N}\p{M}]+")


def words_of(text: str) -> set[str]:
    """The words of a text; of scripts without spaces, pairs of neighbouring characters."""
    found = set[str]()
    for part in _APART.split(unicodedata.normalize("NFKC", text)):
        tokens = split_tokens(part)
        found |= {a + b for a, b in pairwise(tokens) if is_unspaced(a[0]) and is_unspaced(b[0])}
        found |= {token for token in tokens if not is_unspaced(token[0])}
    return found


class Vocabulary:
    """Which rows have which of the frequent words."""

    def __init__(self, texts: Sequence[str]) -> None:
        found = [words_of(text) for text in texts]
        counts = Counter(word for words in found for word in words)
        self.words = sorted(word for word, n in counts.items() if FEWEST <= n <= len(texts) - FEWEST)
        place = {word: i for i, word in enumerate(self.words)}
        rows: list[list[int]] = [[] for _ in self.words]
        for row, words in enumerate(found):
            for word in words & place.keys():
                rows[place[word]].append(row)
        self.rows = [np.array(places) for places in rows]


def word_section(rows: AuditedRows, vocabulary: Vocabulary) -> Section:
    """Each word: whether the rows that have it score lower than those that do not."""
    known = ~np.isnan(rows.scores)
    if is_binary(rows.scores[known]):
        counts = _Counts(vocabulary, rows.scores == 1.0, known)
        gaps = [
            _lower(rows, counts.words[i], counts.difference(i, of_rest=True), *counts.of(i)) for i in range(len(counts))
        ]
        return Section(WORDS, "Words in rows that score lower", tuple(gaps), _note(vocabulary))
    found = []
    for word, places in zip(vocabulary.words, vocabulary.rows, strict=True):
        inside = np.zeros(len(known), dtype=bool)
        inside[places] = True
        side, rest = rows.scores[inside & known], rows.scores[~inside & known]
        if min(len(side), len(rest)) >= FEWEST:
            sides, totals = (float(side.mean()), float(rest.mean())), (len(side), len(rest))
            found.append(_lower(rows, word, of_means(rest, side), sides, totals))
    return Section(WORDS, "Words in rows that score lower", tuple(found), _note(vocabulary))


def pull_section(rows: AuditedRows, vocabulary: Vocabulary) -> Section:
    """Each word and label: whether, of the rows that do not have the label, those with the word get it more often."""
    gaps = []
    for label in sorted({label for labels in rows.predicted for label in labels}):
        outside = np.array([label not in gold for gold in rows.gold])
        false = np.array([label in predicted for predicted in rows.predicted]) & outside
        if not false.any():
            continue
        counts = _Counts(vocabulary, false, outside)
        for i, word in enumerate(counts.words):
            found, (sides, totals) = counts.difference(i), counts.of(i)
            about, of = f"the word {word!r} pulls towards {label!r}", f"share called {label!r} of rows that are not"
            gaps.append(Gap(LABELS, about, of, *found, sides, totals))
    return Section(LABELS, "Words that pull towards a label", tuple(gaps), _note(vocabulary) if gaps else ())


class _Counts:
    """For each word with enough of the rows: how many there are of a kind, with the word and without it.

    Args:
        vocabulary: the words.
        kind: whether each row is of the kind.
        within: whether it counts at all.
    """

    def __init__(self, vocabulary: Vocabulary, kind: np.ndarray, within: np.ndarray) -> None:
        inside = np.array([int(within[places].sum()) for places in vocabulary.rows], dtype=np.int64)
        of_kind = np.array([int((kind & within)[places].sum()) for places in vocabulary.rows], dtype=np.int64)
        total, all_kind = int(within.sum()), int((kind & within).sum())
        chosen = np.flatnonzero((inside >= FEWEST) & (total - inside >= FEWEST))
        self.words = [vocabulary.words[i] for i in chosen]
        self._first = of_kind[chosen], inside[chosen]
        self._rest = all_kind - of_kind[chosen], total - inside[chosen]
        self._ends, self._p = newcombe(self._first, self._rest), exact_p(self._first, self._rest)

    def __len__(self) -> int:
        return len(self.words)

    def of(self, i: int) -> tuple[tuple[float, float], tuple[int, int]]:
        """The shares with and without a word, and of how many rows they are."""
        (count, total), (others, rest) = ((side[0][i], side[1][i]) for side in (self._first, self._rest))
        return (float(count / total), float(others / rest)), (int(total), int(rest))

    def difference(self, i: int, *, of_rest: bool = False) -> Difference:
        """The share with the word minus that without it; ``of_rest``: the other way round."""
        (share, others), _ = self.of(i)
        low, high = float(self._ends[0][i]), float(self._ends[1][i])
        value, ends = (others - share, (-high, -low)) if of_rest else (share - others, (low, high))
        return Difference(value, ends, float(self._p[i]))


def _lower(rows: AuditedRows, word: str, found: Difference, sides: tuple[float, float], totals: tuple[int, int]) -> Gap:
    about = f"rows with the word {word!r}"
    return Gap(WORDS, about, rows.score, *found, sides, totals, rows.scale)


def _note(vocabulary: Vocabulary) -> tuple[str, ...]:
    rest = f"Words of fewer than {FEWEST} rows are not looked at."
    return (rest,) if vocabulary.words else (f"No word is in {FEWEST} rows and missing in as many.",)
