"""Token ids back to text as a person writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import regex

from taskzoo.scripts import WIDE

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_WIDE = regex.compile(WIDE, regex.V1)
_SPACE_NEXT_TO_WIDE = regex.compile(f"(?<={WIDE}) | (?={WIDE})", regex.V1)


class TextDecoder:
    """Ids to text without special tokens and outer spaces.

    The tokenizers of BERT and similar models put spaces around Chinese characters and before punctuation marks, and
    cannot tell them from spaces that were there. Where a tokenizer is seen to do so, they are taken out again.

    Args:
        tokenizer: by which the ids were made.

    Attributes:
        separates_wide: whether it puts spaces around Chinese characters.
        separates_marks: whether it puts spaces before punctuation marks.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        separate = getattr(tokenizer, "separate_vocabs", False)  # Marian's: ids are decoded by the target's side
        vocabulary = getattr(tokenizer, "target_encoder", {}) if separate else tokenizer.get_vocab()
        wide = [id for token, id in vocabulary.items() if len(token) == 1 and _WIDE.match(token)][:2]
        letters = [id for token, id in vocabulary.items() if token.isascii() and token.isalpha()][:1]
        self.separates_wide = len(wide) == 2 and " " in self._text(wide)
        self.separates_marks = "." in vocabulary and self._text([*letters, vocabulary["."]]).endswith(" .")

    def __call__(self, ids: Sequence[int]) -> str:
        """The text."""
        text = self._text(ids, tidy=self.separates_marks)
        return _SPACE_NEXT_TO_WIDE.sub("", text) if self.separates_wide else text

    def _text(self, ids: Sequence[int], *, tidy: bool = False) -> str:
        decoded = self._tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=tidy)
        return str(decoded).strip()
