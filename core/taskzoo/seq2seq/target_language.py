"""Whether references are in the language of the training targets: by script, and by their frequent words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from typing import Any

from taskzoo.languages import language_name, language_scripts
from taskzoo.scripts import main_script

SAMPLE, WORDS, LEAST_SEEN = 2000, 50, 300
"""Targets that are looked at, words that are kept of them, and words that they must have."""
LEAST_SHARE, LEAST_WORDS = 0.2, 20
"""The frequent words say something if they are this share of all words, and of this many words."""
FOREIGN = 0.25
"""Words of another language have less than this part of that share: 0.02 to 0.08 between English, German and French."""

_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class TargetLanguage:
    """What the training targets showed.

    Args:
        language: code; ``""``: unknown.
        words: the most frequent ones.
        share: of all words.
    """

    language: str = ""
    words: tuple[str, ...] = ()
    share: float = 0.0

    @classmethod
    def of(cls, targets: Iterable[str], language: str) -> TargetLanguage:
        """As seen in training targets."""
        counts = Counter(chain.from_iterable(map(_words, islice(targets, SAMPLE))))
        frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:WORDS]  # whatever the order of rows
        if (total := counts.total()) < LEAST_SEEN:
            return cls(language)
        return cls(language, tuple(word for word, _ in frequent), sum(count for _, count in frequent) / total)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> TargetLanguage:
        """The inverse of :meth:`state`."""
        return cls(state["language"], tuple(state["words"]), state["share"])

    def state(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return asdict(self)

    def remarks(self, references: Sequence[str]) -> list[str]:
        """That references seem to be in another language, if they do."""
        scripts = language_scripts(self.language) if self.language else frozenset()
        found = Counter(filter(None, map(main_script, references)))
        others = sum(count for script, count in found.items() if scripts and script not in scripts)
        name = language_name(self.language) if self.language else "the language of the training targets"
        if 2 * others > found.total():
            return [f"warning   {others} of {len(references)} references are not in the script of {name}"]
        words = [word for text in references[:SAMPLE] for word in _words(text)]
        known = frozenset(self.words)
        share = sum(word in known for word in words) / max(len(words), 1)
        if self.share >= LEAST_SHARE and len(words) >= LEAST_WORDS and share < FOREIGN * self.share:
            what = f"the most frequent words of the training targets make up {share:.0%} of theirs"
            return [f"warning   the references do not seem to be in {name}: {what} ({self.share:.0%} in training)"]
        return []


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
