"""Whether a model can read the texts: how its tokenizer divides them, and which language they seem to be in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import regex

SAMPLE = 500
"""Texts that are looked at, at even distances."""
WORDS = 10_000
"""Words of them that are looked at, as many of each text."""
AGREEMENT = 0.5
"""Share of the texts that must seem to be in one language for it to be named."""
FEWEST_LETTERS = 20
"""Of shorter texts no language is guessed."""
MANY_UNKNOWN = 0.05
"""Share of unknown tokens above which a tokenizer does not fit."""
MANY_PIECES = 1.6
"""Tokens per word above which it does not fit. The English tokenizer of ``minilm`` has 1.03 to 1.12 for English, 1.18
for Nigerian Pidgin, 2.4 for Swahili."""

TIMES_ENGLISH = 2.0
"""How many times as many tokens a word has as one of English in a tokenizer that was not made for its language. That of
GPT-2 divides an English word into 1.02 to 1.13 tokens, one of Nigerian Pidgin into 1.19, of Swahili into 2.6."""
MANY_PER_CHARACTER = 1.3
"""The same for characters of scripts without spaces: GPT-2 divides a Chinese one into 2.3 tokens."""
MOST_CHARACTERS = 5000
"""Of a text without spaces: some tokenizers take ever longer for each further one."""
ENGLISH = (
    "The house stands by the river, and every morning the children walk over the bridge to school. Their teacher knows "
    "all of them by name. When it rains, they come late and tell long stories about the weather and the road."
)

_WORD = regex.compile(r"[\p{L}\p{M}]+", regex.V1)
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]", regex.V1)
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


@dataclass(frozen=True, slots=True)
class Pieces:
    """Into how many tokens a tokenizer divides a ``unit`` (word or character) of some texts, and one of English."""

    unit: str
    here: float
    english: float


def small_pieces(tokenizer: Any, texts: Sequence[str]) -> Pieces | None:
    """How ``tokenizer`` divides ``texts``, if so much smaller than English that it was hardly made for them.

    ``None`` too for a tokenizer of single characters or bytes, which divides everything as small.
    """
    words = _words(_sample(texts))
    unspaced = [word for word in words if _UNSPACED.search(word)]
    english_words = _WORD.findall(ENGLISH)
    if not words or _tokens(tokenizer, english_words) >= sum(map(len, english_words)) / 2:
        return None
    if 2 * len(unspaced) > len(words):
        most = max(1, MOST_CHARACTERS * len(unspaced) // sum(map(len, unspaced)))
        characters = _UNSPACED.findall("".join(_spread(unspaced, most)))[:MOST_CHARACTERS]
        found = Pieces("character", _tokens(tokenizer, ["".join(characters)]) / len(characters), 1.0)
        return found if found.here > MANY_PER_CHARACTER else None
    english = _tokens(tokenizer, english_words) / len(english_words)
    found = Pieces("word", _tokens(tokenizer, words) / len(words), english)
    return found if found.here > max(MANY_PIECES, TIMES_ENGLISH * english) else None


def measure_fit(tokenizer: Any, texts: Sequence[str]) -> TextFit:
    """How ``tokenizer``, of ``transformers``, fits ``texts``, from a sample of them."""
    sample = _sample(texts)
    if not sample:
        return TextFit(0.0, 0.0)
    ids = [token for text in tokenizer(sample, add_special_tokens=False)["input_ids"] for token in text]
    unknown = ids.count(tokenizer.unk_token_id) / max(1, len(ids)) if tokenizer.unk_token_id is not None else 0.0
    words = _words(sample)
    return TextFit(unknown, _tokens(tokenizer, words) / max(1, len(words)))


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
    return _spread(texts, SAMPLE)


def _words(sample: Sequence[str]) -> list[str]:
    """Words of each of the texts, so that a few long ones do not stand for all."""
    most = WORDS // max(1, len(sample))
    return [word for text in sample for word in _spread(_WORD.findall(text), most)]


def _spread(items: Sequence[str], most: int) -> list[str]:
    """At most so many of the items, at even distances from the first to the last."""
    n = min(len(items), most)
    return [items[i * len(items) // n] for i in range(n)]


def _tokens(tokenizer: Any, words: Sequence[str]) -> int:
    return sum(map(len, tokenizer(words, add_special_tokens=False)["input_ids"])) if words else 0
