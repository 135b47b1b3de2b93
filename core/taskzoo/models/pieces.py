"""Vocabularies of sub-words learnt from texts: sentencepiece models (Kudo and Richardson 2018).

Two kinds: ``unigram`` (Kudo 2018) and ``bpe`` (Sennrich et al. 2016).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from taskzoo.errors import RequestError, UnknownNameError

from .composition import composing_rules

KINDS = ("unigram", "bpe")
SPACE = "\u2581"
"""What a space is in a piece."""

COMPOSED = "nfc"
"""The rule for Unicode's composed form, which sentencepiece has no name for."""

_UNREADABLE = str.maketrans({"\t": " ", "\x00": " ", "\u2585": " "})
"""Characters for whose sake sentencepiece would leave out the whole line."""

_LINE = 4000
"""Characters of the longest line; sentencepiece leaves out lines of more bytes than its limit, here 65,536."""


@dataclass(frozen=True, slots=True)
class PieceSettings:
    """How a sentencepiece model is learnt.

    Args:
        kind: one of :data:`KINDS`.
        size: maximum number of pieces, special ones included.
        special: ids and names of the special pieces, in sentencepiece's words (``pad_id``, ``eos_piece``, ...).
        coverage: share of the characters that become pieces, the frequent ones first.
        bytes_for_rare: whether all others are spelled in bytes (256 pieces more) instead of being unknown.
        rule: how the model itself normalises, one of sentencepiece's names or :data:`COMPOSED`.
        required: characters that become pieces however rare.
    """

    kind: str
    size: int
    special: Mapping[str, Any] = field(default_factory=dict)
    coverage: float = 1.0
    bytes_for_rare: bool = True
    rule: str = "identity"
    required: str = ""


def train_pieces(texts: Iterable[str], settings: PieceSettings) -> bytes:
    """A sentencepiece model as the content of its file; the same texts and settings give the same.

    Args:
        texts: what to learn from, normalised as the tokenizer will normalise; long ones are cut into lines.
        settings: kind, size and the rest.

    Raises:
        RequestError: the texts are too few, or the size too small for their characters.
        UnknownNameError: another kind.
    """
    import sentencepiece

    if settings.kind not in KINDS:
        raise UnknownNameError("kind of tokenizer", settings.kind, KINDS, f"There are {' and '.join(KINDS)}.")
    model = io.BytesIO()
    try:
        with _normalisation(settings.rule) as rule:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=_lines(texts),
                model_writer=model,
                model_type=settings.kind,
                vocab_size=settings.size,
                hard_vocab_limit=False,
                byte_fallback=settings.bytes_for_rare,
                character_coverage=settings.coverage,
                remove_extra_whitespaces=False,
                required_chars=settings.required,
                num_threads=1,
                minloglevel=2,
                max_sentence_length=1 << 16,
                **rule,
                **settings.special,
            )
    except RuntimeError as error:
        raise RequestError(_explain(str(error), settings.size)) from error
    return model.getvalue()


@contextmanager
def _normalisation(rule: str) -> Iterator[dict[str, Any]]:
    """The setting of sentencepiece for a rule; rules of our own are a file while it trains."""
    if rule != COMPOSED:
        yield {"normalization_rule_name": rule}
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rules.tsv"
        file.write_text(composing_rules(), encoding="utf-8")
        yield {"normalization_rule_tsv": str(file)}


def _explain(reason: str, size: int) -> str:
    """What sentencepiece's complaint means for the texts."""
    if "sentences_.empty()" in reason:
        return "There is no text to learn a tokenizer from: all inputs are empty."
    if found := re.search(r"required_chars. \d+ vs (\d+)", reason):
        return (
            f"A vocabulary of {size} is too small: the characters of these texts alone take {found[1]}; "
            "set scratch_vocabulary higher, to about three times that number."
        )
    return f"A tokenizer of {size} pieces cannot be trained on the texts: {reason.strip().splitlines()[-1][:200]}"


def _lines(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        for line in text.translate(_UNREADABLE).splitlines():
            for start in range(0, len(line), _LINE):
                yield line[start : start + _LINE]


def read_pieces(model: bytes) -> list[tuple[str, float]]:
    """Pieces and scores of a sentencepiece model, in the order of their ids."""
    import sentencepiece

    pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(pieces.get_piece_size())]


def merges_of(model: bytes) -> list[tuple[str, str]]:
    """The merges of a ``bpe`` model, first those that come first.

    Sentencepiece joins the two neighbours whose union is the piece of the highest score; so every way to split a piece
    into two others is a merge, and its rank is the rank of the piece.
    """
    import sentencepiece

    pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
    plain = [
        pieces.id_to_piece(i)
        for i in range(pieces.get_piece_size())
        if not (pieces.is_control(i) or pieces.is_unknown(i) or pieces.is_byte(i))
    ]
    known = set(plain)
    scores = {piece: pieces.get_score(pieces.piece_to_id(piece)) for piece in plain}
    return [
        (piece[:cut], piece[cut:])
        for piece in sorted(plain, key=lambda piece: -scores[piece])
        for cut in range(1, len(piece))
        if piece[:cut] in known and piece[cut:] in known
    ]
