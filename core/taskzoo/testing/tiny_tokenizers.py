"""Tokenizers for tiny checkpoints: each of the class, and with the order of ids, that its family is published with."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

TrainTokenizer = Callable[[Sequence[str], int, Path], Any]
"""From texts, the most tokens (language codes not counted) and the folder for its files to a tokenizer."""

_FAIRSEQ = ("<s>", "<pad>", "</s>", "<unk>")


def of_class(name: str) -> TrainTokenizer:
    """Trained anew by ``transformers`` from an empty tokenizer of the class ``name``."""

    def train(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
        import transformers

        return _train_anew(getattr(transformers, name)(), texts, vocabulary)

    return train


def _train_anew(empty: Any, texts: Sequence[str], vocabulary: int) -> Any:
    return empty.train_new_from_iterator(list(texts), vocabulary, show_progress=False)


def modernbert(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """As published: no class of its own, a byte-level BPE between ``[CLS]`` and ``[SEP]``."""
    from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    backend = Tokenizer(BPE(vocab={token: i for i, token in enumerate(special)}, merges=[]))
    backend.add_special_tokens(special)
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    empty = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "attention_mask"],
    )
    return _train_anew(empty, texts, vocabulary)


def t5(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """Few of the sentinels, of which the published ones have a hundred."""
    from transformers import T5Tokenizer

    return _train_anew(T5Tokenizer(extra_ids=4), texts, vocabulary)


def marian(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """``source.spm``, ``target.spm`` and the vocabulary of both, which begins with ``</s>`` and ends with ``<pad>``."""
    from transformers import MarianTokenizer

    model = _sentencepiece(texts, vocabulary, "unigram", "nfkc")
    for side in ("source", "target"):
        (folder / f"{side}.spm").write_bytes(model)
    tokens = ["</s>", "<unk>", *(piece for piece, _ in _plain(model)), "<pad>"]
    _write_vocabulary(folder / "vocab.json", tokens)
    return MarianTokenizer(
        source_spm=str(folder / "source.spm"),
        target_spm=str(folder / "target.spm"),
        vocab=str(folder / "vocab.json"),
        source_lang="en",
        target_lang="zh",
    )


def m2m_100(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """``sentencepiece.bpe.model`` and ``vocab.json``; the languages (``__en__``) come after them."""
    from transformers import M2M100Tokenizer
    from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

    model = _sentencepiece(texts, vocabulary, "bpe", "nfkc")
    (folder / "sentencepiece.bpe.model").write_bytes(model)
    _write_vocabulary(folder / "vocab.json", [*_FAIRSEQ, *(piece for piece, _ in _plain(model))])
    return M2M100Tokenizer(
        vocab_file=str(folder / "vocab.json"),
        spm_file=str(folder / "sentencepiece.bpe.model"),
        additional_special_tokens=[f"__{code}__" for code in FAIRSEQ_LANGUAGE_CODES["m2m100"]],
    )


def mbart(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """Pieces, the 25 languages (``en_XX``), the mask; a text is closed by ``</s>`` and its language."""
    from transformers import MBartTokenizer
    from transformers.models.mbart.tokenization_mbart import FAIRSEQ_LANGUAGE_CODES

    return MBartTokenizer(vocab=_with_languages(texts, vocabulary, FAIRSEQ_LANGUAGE_CODES))


def mbart50(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """Pieces, the 52 languages (``en_XX``), the mask; a text stands between its language and ``</s>``."""
    from transformers import MBart50Tokenizer
    from transformers.models.mbart50.tokenization_mbart50 import FAIRSEQ_LANGUAGE_CODES

    return MBart50Tokenizer(vocab=_with_languages(texts, vocabulary, FAIRSEQ_LANGUAGE_CODES))


def nllb(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """A BPE, the 202 languages (``eng_Latn``), the mask; a text stands between its language and ``</s>``."""
    from transformers import NllbTokenizer
    from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

    from taskzoo.models.pieces import merges_of

    model = _sentencepiece(texts, vocabulary, "bpe", "identity")
    tokens = [*_FAIRSEQ, *(piece for piece, _ in _plain(model)), *FAIRSEQ_LANGUAGE_CODES, "<mask>"]
    return NllbTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=merges_of(model))


def pegasus(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """``<pad>``, ``</s>``, the masks, a hundred tokens that only pre-training used, then ``<unk>`` and the pieces."""
    from transformers import PegasusTokenizer

    special = ["<pad>", "</s>", "<mask_1>", "<mask_2>", *(f"<unk_{i}>" for i in range(2, 103)), "<unk>"]
    pieces = _plain(_sentencepiece(texts, vocabulary, "unigram", "identity"))
    return PegasusTokenizer(vocab=[*((token, 0.0) for token in special), *pieces])


def mt5(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """The tokenizer class of T5 without sentinels."""
    from transformers import T5Tokenizer

    return _train_anew(T5Tokenizer(extra_ids=0), texts, vocabulary)


def _with_languages(texts: Sequence[str], vocabulary: int, languages: Sequence[str]) -> list[tuple[str, float]]:
    special = [(token, 0.0) for token in _FAIRSEQ]
    model = _sentencepiece(texts, vocabulary, "unigram", "identity")
    return [*special, *_plain(model), *((code, 0.0) for code in languages), ("<mask>", 0.0)]


def _sentencepiece(texts: Sequence[str], vocabulary: int, kind: str, rule: str) -> bytes:
    """A sentencepiece model that begins with ``<unk>``, ``<s>``, ``</s>``, as those of all these families do."""
    from taskzoo.models.pieces import train_pieces

    return train_pieces(texts, kind, vocabulary, {}, bytes_for_rare=False, rule=rule)


def _plain(model: bytes) -> list[tuple[str, float]]:
    """Its pieces without the special ones."""
    from taskzoo.models.pieces import read_pieces

    return read_pieces(model)[3:]


def _write_vocabulary(path: Path, tokens: Sequence[str]) -> None:
    path.write_text(json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False), encoding="utf-8")
