"""The entities of the training rows, looked up: what any tagger has to beat.

After the baseline of the CoNLL-2003 shared task (Tjong Kim Sang & De Meulder 2003), which marks phrases that are
entities of one type in the training data, and of several that overlap the longest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from .spans import Span, strict_spans

Phrase = tuple[str, ...]


class Dictionary:
    """Phrases that are entities in training, each with the type that it has most often.

    Left out are those that stand outside of all entities more often.
    """

    def __init__(self, sentences: Sequence[tuple[Sequence[str], Sequence[str]]]) -> None:
        """``sentences`` are words and their IOB2 tags."""
        types: dict[Phrase, Counter[str]] = defaultdict(Counter)
        for words, tags in sentences:
            for start, end, label in strict_spans(tags):
                types[tuple(words[start:end])][label] += 1
        lengths: dict[str, set[int]] = defaultdict(set)
        for phrase in types:
            lengths[phrase[0]].add(len(phrase))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}
        outside = Counter(
            phrase
            for words, tags in sentences
            for start, phrase in self._phrases(words)
            if phrase in types and set(tags[start : start + len(phrase)]) == {"O"}
        )
        self._types = {
            phrase: max(sorted(found), key=lambda label: found[label])
            for phrase, found in types.items()
            if found.total() >= outside[phrase]
        }

    def find(self, words: Sequence[str]) -> list[Span]:
        """The entities in a sentence from left to right, the longest first where several begin at one word."""
        spans, free = [], 0
        for start, phrase in self._phrases(words):
            if start >= free and phrase in self._types:
                free = start + len(phrase)
                spans.append(Span(start, free, self._types[phrase]))
        return spans

    def _phrases(self, words: Sequence[str]) -> Iterator[tuple[int, Phrase]]:
        """The phrases of a sentence as long as an entity that begins with their word, from left, the longest first."""
        for start, word in enumerate(words):
            for length in self._lengths.get(word, ()):
                if start + length <= len(words):
                    yield start, tuple(words[start : start + length])
