"""A tokenizer by the library ``sentencepiece`` alone, for families that have no ``tokenizer.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskzoo.errors import RequestError

from .fast_tokenizer import TokenizerSettings


@dataclass(frozen=True, slots=True)
class PieceFiles:
    """Files of a tokenizer, as ``transformers`` saves them.

    Args:
        source, target: sentencepiece models of inputs and of generated texts.
        vocabulary: piece -> id, of both sides, or of inputs where ``target_vocabulary`` is there.
        target_vocabulary: piece -> id of generated texts; there only where the sides have separate vocabularies.
        after_special: follows a special token in decoded text.
        tags: whether a text may begin with a tag such as ``>>de<<``, which is one token.
    """

    source: str
    target: str
    vocabulary: str
    target_vocabulary: str
    after_special: str
    tags: bool

    @property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return (self.source, self.target, self.vocabulary, self.target_vocabulary)


PIECE_FILES = {
    "MarianTokenizer": PieceFiles("source.spm", "target.spm", "vocab.json", "target_vocab.json", " ", tags=True),
    "M2M100Tokenizer": PieceFiles(
        *("sentencepiece.bpe.model", "sentencepiece.bpe.model", "vocab.json", "target_vocab.json", ""), tags=False
    ),
}
"""By the name of the tokenizer's class."""


class PieceTokenizer:
    """Token ids and texts as the tokenizer of ``transformers`` gives them that was saved to ``folder``.

    Attributes:
        separate_vocabs: whether inputs and generated texts have each a vocabulary.
        target_encoder: that of generated texts.

    Raises:
        RequestError: a file is missing or damaged.
    """

    def __init__(self, folder: Path, settings: TokenizerSettings) -> None:
        self._files = files = PIECE_FILES[settings.pieces]
        self.model_max_length = settings.model_max_length
        self.pad_token_id, self.unk_token_id = settings.pad_token_id, settings.unk_token_id
        self.all_special_tokens = list(settings.special_tokens)
        self.all_special_ids = list(settings.special_tokens.values())
        self._special = settings.special_tokens
        self.separate_vocabs = (folder / files.target_vocabulary).is_file()
        self._encoder = _read_vocabulary(folder / files.vocabulary)
        named = files.target_vocabulary if self.separate_vocabs else files.vocabulary
        self.target_encoder = _read_vocabulary(folder / named)
        self._decoder = {i: piece for piece, i in self.target_encoder.items()}
        self._decoder |= {i: token for token, i in settings.special_tokens.items()}
        self._source, self._target = _read_pieces(folder / files.source), _read_pieces(folder / files.target)

    def __call__(
        self, text: Sequence[str] = (), *, text_target: Sequence[str] | None = None, **shown: bool
    ) -> dict[str, Any]:
        """``input_ids`` of texts without special tokens, and nothing else, whatever ``shown`` says."""
        if text_target is None:
            return {"input_ids": [self._ids(each, self._source, self._encoder) for each in text]}
        return {"input_ids": [self._ids(each, self._target, self.target_encoder) for each in text_target]}

    def decode(self, ids: Iterable[int], *, skip_special_tokens: bool, clean_up_tokenization_spaces: bool) -> str:
        """The text of token ids of the target side; spaces stay as they are."""
        pieces = self._target if self.separate_vocabs else self._source
        special = set(self.all_special_ids)
        found, waiting = "", list[str]()
        for i in ids:
            if i in special and skip_special_tokens:
                continue
            token = self._decoder.get(i, self._unknown)
            if token in self._special:
                found += str(pieces.decode_pieces(waiting)) + token + self._files.after_special
                waiting = []
            else:
                waiting.append(token)
        return (found + str(pieces.decode_pieces(waiting))).replace("▁", " ").strip()

    def get_vocab(self) -> dict[str, int]:
        """Token -> id, of inputs where the sides are separate."""
        return {**self._encoder, **self._special}

    @property
    def _unknown(self) -> str:
        return next((token for token, i in self._special.items() if i == self.unk_token_id), "")

    def _ids(self, text: str, pieces: Any, encoder: dict[str, int]) -> list[int]:
        tag = ""
        if self._files.tags and text.startswith(">>") and (end := text.find("<<")) != -1:
            tag, text = text[: end + 2], text[end + 2 :]
        tokens = [*filter(None, [tag]), *pieces.encode(text, out_type=str)]
        return [self._special.get(token, encoder.get(token, encoder[self._unknown])) for token in tokens]


def _read_vocabulary(file: Path) -> dict[str, int]:
    try:
        return {str(piece): int(i) for piece, i in json.loads(file.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise RequestError(f"{str(file)!r} is missing or damaged; copy the export again ({error!s:.100}).") from None


def _read_pieces(file: Path) -> Any:
    from sentencepiece import SentencePieceProcessor

    try:
        return SentencePieceProcessor(model_file=str(file))
    except (OSError, RuntimeError) as error:
        raise RequestError(f"{str(file)!r} is missing or damaged; copy the export again ({error!s:.100}).") from None
