"""Tokenizers learnt from the training texts, for models from scratch.

All spell characters without a piece in bytes, so that nothing is unknown and text comes back as it was. (Only U+2581,
which stands for the blank in pieces, comes back as a blank.) What is only read is read in Unicode's NFKC form, in which
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

from taskzoo.errors import UnknownNameError

from .pieces import BLANK, KINDS, merges_of, read_pieces, train_pieces

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

VOCABULARY = 8000
CONTEXT_LENGTH = 512
PAD, UNKNOWN, END, START, MASK = "<pad>", "<unk>", "</s>", "<s>", "<mask>"
COVERAGE = 0.9995
"""Share of the characters that become pieces; of 2,800 Chinese ones about 500 are so rare that bytes do as well."""

_TEMPLATES = {"bert": f"{START} $A {END}", "gpt2": "$A", "t5": f"$A {END}"}
_SPELLED = "".join(sorted({*PAD, *UNKNOWN, *END, *MASK, *string.hexdigits.upper(), "x"}))
"""The characters of special pieces and of those that stand for bytes (``<0x0A>``): text that looks like one is not."""


def check_kind(kind: str) -> None:
    """Raise :class:`UnknownNameError` unless ``kind`` is one of :data:`~taskzoo.models.pieces.KINDS`."""
    if kind not in KINDS:
        raise UnknownNameError("kind of tokenizer", kind, KINDS, f"There are {' and '.join(KINDS)}.")


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
        vocabulary: the most tokens.
        form: Unicode's form of the text, ``NFKC`` or ``NFC``.

    Raises:
        RequestError: there is no text to learn from, or ``vocabulary`` is too small for its characters.
        UnknownNameError: another kind.
    """
    from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    check_kind(kind)
    model = train_pieces(
        (unicodedata.normalize(form, text) for text in texts), kind, vocabulary,
        {
            "pad_id": 0, "unk_id": 1, "eos_id": 2, "bos_id": 3, "pad_piece": PAD, "unk_piece": UNKNOWN,
            "eos_piece": END, "bos_piece": START, "control_symbols": MASK,
        },
        coverage=COVERAGE, required=_SPELLED,
    )  # fmt: skip
    backend = Tokenizer(_backend(model, kind))
    backend.normalizer = normalizers.Sequence([getattr(normalizers, form)(), normalizers.Prepend(BLANK)])
    backend.pre_tokenizer = pre_tokenizers.Metaspace(replacement=BLANK, prepend_scheme="never")
    backend.decoder = decoders.Sequence(
        [
            decoders.ByteFallback(), decoders.Metaspace(replacement=BLANK, prepend_scheme="never"),
            decoders.Fuse(), decoders.Strip(" ", 1, 0),
        ]
    )  # fmt: skip
    template = _TEMPLATES[architecture]
    backend.post_processor = processors.TemplateProcessing(
        single=template, pair=template + f" $B {END}", special_tokens=[(START, 3), (END, 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token=PAD, unk_token=UNKNOWN, eos_token=END, bos_token=START, mask_token=MASK,
        cls_token=START, sep_token=END, model_max_length=CONTEXT_LENGTH, clean_up_tokenization_spaces=False,
    )  # fmt: skip


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

    ``</s>``, ``<unk>`` and ``<pad>`` are 0, 1 and 2 on both sides.

    Raises:
        RequestError: there is no text to learn from, or ``vocabulary`` is too small for its characters.
        UnknownNameError: another kind.
    """
    from transformers import MarianTokenizer

    check_kind(kind)
    files = {name: folder / name for name in ("source.spm", "target.spm", "vocab.json", "target_vocab.json")}
    sides = [sources, targets] if separate else [chain(sources, targets)]
    models = [
        train_pieces(
            texts, kind, vocabulary,
            {
                "eos_id": 0, "unk_id": 1, "pad_id": 2, "bos_id": -1, "eos_piece": END, "unk_piece": UNKNOWN,
                "pad_piece": PAD,
            },
            coverage=COVERAGE,
        )
        for texts in sides
    ]  # fmt: skip
    for name, model in zip(("source.spm", "target.spm"), (models[0], models[-1]), strict=True):
        files[name].write_bytes(model)
    for name, model in zip(("vocab.json", "target_vocab.json"), models, strict=False):
        ids = {piece: i for i, (piece, _) in enumerate(read_pieces(model))}
        files[name].write_text(json.dumps(ids, ensure_ascii=False), encoding="utf-8")
    return MarianTokenizer(
        source_spm=str(files["source.spm"]),
        target_spm=str(files["target.spm"]),
        vocab=str(files["vocab.json"]),
        target_vocab_file=str(files["target_vocab.json"]) if separate else None,
        separate_vocabs=separate,
        eos_token=END,
        unk_token=UNKNOWN,
        pad_token=PAD,
        model_max_length=CONTEXT_LENGTH,
    )
