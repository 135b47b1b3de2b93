"""A tokenizer by the library ``tokenizers`` alone: of ``transformers``' fast tokenizers, what encoding asks for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TOKENIZER_FILE = "tokenizer.json"


@dataclass(frozen=True, slots=True)
class TokenizerSettings:
    """What a tokenizer has besides its ``tokenizer.json``.

    Args:
        model_max_length: tokens of one input, special ones included.
        pad_token_id: fills up batches.
        unk_token_id: stands for what the vocabulary lacks; ``None``: it lacks nothing.
        special_tokens: special token -> its id.
        token_types: whether the model wants to know which text of a pair a token is of.
        pieces: a name in :data:`~taskzoo.models.piece_tokenizer.PIECE_FILES` where there is no ``tokenizer.json``.
    """

    model_max_length: int
    pad_token_id: int
    unk_token_id: int | None
    special_tokens: dict[str, int]
    token_types: bool
    pieces: str = ""

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> TokenizerSettings:
        """Those of a tokenizer of ``transformers``, as :func:`~taskzoo.models.tokenizers.load_tokenizer` gives it."""
        special = dict(zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True))
        types = "token_type_ids" in tokenizer.model_input_names
        ids = (int(tokenizer.pad_token_id), tokenizer.unk_token_id)
        pieces = "" if tokenizer.is_fast else type(tokenizer).__name__
        return cls(int(tokenizer.model_max_length), *ids, special, types, pieces)


class FastTokenizer:
    """Token ids as the tokenizer of ``transformers`` gives them that was saved to ``folder``; thread-safe.

    Raises:
        RequestError: the file is missing or damaged.
    """

    def __init__(self, folder: Path, settings: TokenizerSettings) -> None:
        from tokenizers import Tokenizer

        file = folder / TOKENIZER_FILE
        try:
            self.backend_tokenizer = Tokenizer.from_file(str(file))
        except Exception as error:  # the library raises Exception itself
            raise RequestError(f"{str(file)!r} is missing or damaged; copy the export again ({error}).") from None
        self.backend_tokenizer.no_truncation()
        self.backend_tokenizer.no_padding()
        self.model_max_length = settings.model_max_length
        self.pad_token_id, self.unk_token_id = settings.pad_token_id, settings.unk_token_id
        self.all_special_tokens = list(settings.special_tokens)
        self.all_special_ids = list(settings.special_tokens.values())
        self._types = settings.token_types
        self._lock = threading.Lock()  # how special tokens in a text are read is a state of the tokenizer

    def __call__(
        self,
        text: str | Sequence[Any] = (),
        text_pair: str | None = None,
        *,
        text_target: Sequence[str] | None = None,
        add_special_tokens: bool = True,
        split_special_tokens: bool = False,
        is_split_into_words: bool = False,
        **shown: bool,
    ) -> dict[str, Any]:
        """``input_ids`` and, where the model has them, ``token_type_ids`` of a text, a pair of texts, or several texts.

        ``text_target``: texts that the model generates, which are split as others are. ``shown`` says what else should
        be given or warned of, which is nothing.
        """
        text = text if text_target is None else text_target
        single = isinstance(text, str)
        inputs = [text if text_pair is None else (text, text_pair)] if single else list(text)
        with self._lock:
            self.backend_tokenizer.encode_special_tokens = split_special_tokens
            found = self.backend_tokenizer.encode_batch_fast(
                inputs, is_pretokenized=is_split_into_words, add_special_tokens=add_special_tokens
            )
        values = {"input_ids": [encoding.ids for encoding in found]}
        if self._types:
            values["token_type_ids"] = [encoding.type_ids for encoding in found]
        return {name: value[0] for name, value in values.items()} if single else values

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool, clean_up_tokenization_spaces: bool) -> str:
        """The text of token ids; spaces stay as they are (an export whose tokenizer needs more is refused)."""
        return str(self.backend_tokenizer.decode(list(ids), skip_special_tokens=skip_special_tokens))

    def get_vocab(self) -> dict[str, int]:
        """Token -> id."""
        return dict(self.backend_tokenizer.get_vocab(with_added_tokens=True))
