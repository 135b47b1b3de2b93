"""Token ids back to text as a person writes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_WIDE = "\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_BLANK_BESIDE_WIDE = re.compile(f"(?<=[{_WIDE}]) | (?=[{_WIDE}])")
"""A blank that stands beside a Chinese or Japanese character or mark."""


class TextDecoder:
    """Ids to text without special tokens and outer blanks.

    The tokenizers of BERT and its relatives put blanks around Chinese characters and before marks, and cannot tell them
    from blanks that stood there. Where a tokenizer is seen to do so, they are taken out again.

    Args:
        tokenizer: by which the ids were made.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        separate = getattr(tokenizer, "separate_vocabs", False)  # Marian's: ids to read are those of the target's side
        vocabulary = getattr(tokenizer, "target_encoder", {}) if separate else tokenizer.get_vocab()
        wide = [id for token, id in vocabulary.items() if len(token) == 1 and re.match(f"[{_WIDE}]", token)][:2]
        letters = [id for token, id in vocabulary.items() if token.isascii() and token.isalpha()][:1]
        self._parts_wide = len(wide) == 2 and " " in self._text(wide)
        self._parts_marks = "." in vocabulary and self._text([*letters, vocabulary["."]]).endswith(" .")

    def __call__(self, ids: Sequence[int]) -> str:
        """The text."""
        text = self._text(ids, tidy=self._parts_marks)
        return _BLANK_BESIDE_WIDE.sub("", text) if self._parts_wide else text

    def _text(self, ids: Sequence[int], *, tidy: bool = False) -> str:
        decoded = self._tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=tidy)
        return str(decoded).strip()
