"""Whether a model can read the texts: how its tokenizer divides them, and which language they seem to be in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import regex

SAMPLE = 500
"""Texts that are looked at, at even distances."""
AGREEMENT = 0.5
"""Share of the texts that must seem to be in one language for it to be named."""
FEWEST_LETTERS = 20
"""Of shorter texts no language is guessed."""
MANY_UNKNOWN = 0.05
"""Share of unknown tokens above which a tokenizer does not fit."""
MANY_PIECES = 1.6
"""Tokens per word above which it does not fit. The English tokenizer of ``minilm`` has 1.03 to 1.12 for English, 1.18
for Nigerian Pidgin, 2.4 for Swahili."""

_WORD = regex.compile(r"[\p{L}\p{M}]+", regex.V1)
_FAMILY = {"wuu": "zh", "yue": "zh", "nb": "no", "nn": "no"}
"""What the guesser tells apart, and models rarely do -> the language they are listed under."""


@dataclass(frozen=True, slots=True)
class TextFit:
    """What a tokenizer makes of some texts.

    Attributes:
        unknown: share of tokens that stand for what the tokenizer does not know.
        tokens_per_word: of words of letters by themselves; in scripts without spaces a run of letters is one.
    """

    unknown: float
    tokens_per_word: float

    @property
    def loses_words(self) -> bool:
        return self.unknown > MANY_UNKNOWN

    @property
    def splits_words(self) -> bool:
        return self.tokens_per_word > MANY_PIECES


def measure_fit(tokenizer: Any, texts: Sequence[str]) -> TextFit:
    """How ``tokenizer``, of ``transformers``, fits ``texts``, from a sample of them."""
    sample = _sample(texts)
    if not sample:
        return TextFit(0.0, 0.0)
    ids = [token for text in tokenizer(sample, add_special_tokens=False)["input_ids"] for token in text]
    unknown = ids.count(tokenizer.unk_token_id) / max(1, len(ids)) if tokenizer.unk_token_id is not None else 0.0
    words = list(islice((word for text in sample for word in _WORD.findall(text)), 20 * SAMPLE))
    pieces = sum(map(len, tokenizer(words, add_special_tokens=False)["input_ids"])) if words else 0
    return TextFit(unknown, pieces / max(1, len(words)))


def guess_language(texts: Sequence[str]) -> str:
    """The code of the language that most of ``texts`` seem to be in; ``""``: they agree on none, or are too short.

    Each text of a sample is classified by itself (Lui & Baldwin 2012, as retrained by py3langid).
    """
    import py3langid

    long = [text for text in _sample(texts) if sum(map(len, _WORD.findall(text))) >= FEWEST_LETTERS]
    counts = Counter(_FAMILY.get(code, code) for code in (py3langid.classify(text)[0] for text in long))
    [(language, count)] = counts.most_common(1) or [("", 0)]
    return language if count >= AGREEMENT * len(long) else ""


def _sample(texts: Sequence[str]) -> list[str]:
    return list(texts[:: max(1, len(texts) // SAMPLE)][:SAMPLE])
