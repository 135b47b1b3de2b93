"""Tokenizers learnt from the training texts, for models from scratch.

All spell characters without a token in bytes, so that nothing is unknown and text comes back as it was. (Only U+2581,
which stands for the space in pieces, comes back as a space.) What is only read is read in Unicode's NFKC form, in which
full and half width are alike; a model that writes must be able to write the full-width marks of Chinese, so its
tokenizer composes characters (NFC) and changes nothing else.
"""

from __future__ import annotations

import json
import string
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .loading import quietly
from .pieces import COMPOSED, SPACE, PieceSettings, merges_of, read_pieces, train_pieces

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

VOCABULARY = 8000
CONTEXT_LENGTH = 512
PAD, UNKNOWN, END, START, MASK = "<pad>", "<unk>", "</s>", "<s>", "<mask>"
COVERAGE = 0.9995
"""Share of the characters that become pieces; of 2,800 Chinese ones about 500 are so rare that bytes do as well."""

_SETTINGS: dict[str, Any] = {
    "pad_token": PAD,
    "unk_token": UNKNOWN,
    "eos_token": END,
    "model_max_length": CONTEXT_LENGTH,
}
_MORE_TOKENS: dict[str, Any] = {"bos_token": START, "mask_token": MASK, "cls_token": START, "sep_token": END}
_TEMPLATES = {"bert": f"{START} $A {END}", "gpt2": "$A", "t5": f"$A {END}"}
_SPELLED = "".join(sorted({*PAD, *UNKNOWN, *END, *MASK, *string.hexdigits.upper(), "x"}))
"""The characters of special pieces and of those that stand for bytes (``<0x0A>``): text that looks like one is not."""


def train_tokenizer(
    texts: Iterable[str],
    architecture: str,
    kind: str = "unigram",
    vocabulary: int = VOCABULARY,
    form: Literal["NFC", "NFKC"] = "NFKC",
) -> PreTrainedTokenizerBase:
    """A fast tokenizer that cuts texts as the sentencepiece model learnt from ``texts`` does.

    Args:
        texts: what to learn from; the same texts give the same tokenizer.
        architecture: ``bert``, ``gpt2`` or ``t5``, which differ in the special tokens around a text.
        kind: ``unigram`` or ``bpe``.
        vocabulary: maximum number of tokens.
        form: Unicode's form of the text, ``NFKC`` or ``NFC``.

    Raises:
        RequestError: there is no text to learn from, or ``vocabulary`` is too small for its characters.
        UnknownNameError: another kind.
    """
    from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    ids = {"pad_id": 0, "unk_id": 1, "eos_id": 2, "bos_id": 3}
    names = {"pad_piece": PAD, "unk_piece": UNKNOWN, "eos_piece": END, "bos_piece": START, "control_symbols": MASK}
    settings = PieceSettings(kind, vocabulary, {**ids, **names}, COVERAGE, required=_SPELLED)
    model = train_pieces((unicodedata.normalize(form, text) for text in texts), settings)
    backend = Tokenizer(_backend(model, kind))
    backend.normalizer = normalizers.Sequence([getattr(normalizers, form)(), normalizers.Prepend(SPACE)])
    spaces: dict[str, Any] = {"replacement": SPACE, "prepend_scheme": "never"}
    backend.pre_tokenizer = pre_tokenizers.Metaspace(**spaces)
    steps = [decoders.ByteFallback(), decoders.Metaspace(**spaces), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    backend.decoder = decoders.Sequence(steps)
    template = _TEMPLATES[architecture]
    backend.post_processor = processors.TemplateProcessing(
        single=template, pair=template + f" $B {END}", special_tokens=[(START, 3), (END, 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, clean_up_tokenization_spaces=False, **_SETTINGS, **_MORE_TOKENS
    )


def _backend(model: bytes, kind: str) -> Any:
    """The segmentation of a sentencepiece model in the terms of ``tokenizers``."""
    from tokenizers import models

    pieces = read_pieces(model)
    if kind == "bpe":
        vocabulary = {piece: i for i, (piece, _) in enumerate(pieces)}
        return models.BPE(vocabulary, merges_of(model), unk_token=UNKNOWN, fuse_unk=True, byte_fallback=True)
    # Special pieces and bytes score 0, the best there is; sentencepiece never matches them in a text, this model would.
    never = min(score for _, score in pieces) - 1000.0
    return models.Unigram(
        [(piece, score if score < 0 else never) for piece, score in pieces], unk_id=1, byte_fallback=True
    )


def train_marian_tokenizer(
    sources: Sequence[str],
    targets: Sequence[str],
    folder: Path,
    kind: str = "unigram",
    vocabulary: int = VOCABULARY,
    *,
    separate: bool = False,
) -> Any:
    """A ``MarianTokenizer`` whose files lie in ``folder``: one vocabulary for both sides, or one for each.

    ``</s>``, ``<unk>`` and ``<pad>`` are 0, 1 and 2 on both sides. Characters are composed by the sentencepiece models
    themselves, for the class has no other normaliser.

    Raises:
        RequestError: there is no text to learn from, or ``vocabulary`` is too small for its characters.
        UnknownNameError: another kind.
    """
    from transformers import MarianTokenizer

    files = {name: folder / name for name in ("source.spm", "target.spm", "vocab.json", "target_vocab.json")}
    sides = [sources, targets] if separate else [chain(sources, targets)]
    ids = {"eos_id": 0, "unk_id": 1, "pad_id": 2, "bos_id": -1}
    names = {"eos_piece": END, "unk_piece": UNKNOWN, "pad_piece": PAD}
    settings = PieceSettings(kind, vocabulary, {**ids, **names}, COVERAGE, rule=COMPOSED)
    models = [train_pieces(texts, settings) for texts in sides]
    for name, model in zip(("source.spm", "target.spm"), (models[0], models[-1]), strict=True):
        files[name].write_bytes(model)
    for name, model in zip(("vocab.json", "target_vocab.json"), models, strict=False):
        pieces = {piece: i for i, (piece, _) in enumerate(read_pieces(model))}
        files[name].write_text(json.dumps(pieces, ensure_ascii=False), encoding="utf-8")
    with quietly():
        return MarianTokenizer(
            source_spm=str(files["source.spm"]),
            target_spm=str(files["target.spm"]),
            vocab=str(files["vocab.json"]),
            target_vocab_file=str(files["target_vocab.json"]) if separate else None,
            separate_vocabs=separate,
            **_SETTINGS,
        )
