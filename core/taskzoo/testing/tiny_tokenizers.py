"""Tokenizers for tiny checkpoints: each of the class, and with the order of ids, that its family is published with.

The same texts give the same tokenizer in every process. The trainers of ``tokenizers`` promise that for byte-level BPE
only (others number what they meet in the order of a hash table), so the rest is learnt by sentencepiece, or helped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

TrainTokenizer = Callable[[Sequence[str], int, Path], Any]
"""From texts, the vocabulary size (language codes not counted) and the folder for its files to a tokenizer."""

_FAIRSEQ = ("<s>", "<pad>", "</s>", "<unk>")


def of_class(name: str, *, word_pieces: bool = False) -> TrainTokenizer:
    """Trained anew by ``transformers`` from an empty tokenizer of the class ``name``: byte-level BPE, or WordPiece.

    The trainer of WordPiece is given the letters inside words (``##a``), so that it need not number them itself.
    """

    def train(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
        import transformers

        cls = getattr(transformers, name)
        if not word_pieces:
            return _train_anew(cls(), texts, vocabulary)
        inside = [f"##{letter}" for letter in sorted({letter for text in texts for letter in text.lower()})]
        return cls(vocab=_train_anew(cls(), texts, vocabulary, new_special_tokens=inside).get_vocab())

    return train


def _train_anew(empty: Any, texts: Sequence[str], vocabulary: int, **settings: Any) -> Any:
    return empty.train_new_from_iterator(list(texts), vocabulary, show_progress=False, **settings)


def modernbert(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """As published: no class of its own, a byte-level BPE between ``[CLS]`` and ``[SEP]``."""
    from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    special = {f"{name}_token": f"[{name.upper()}]" for name in ("unk", "cls", "sep", "pad", "mask")}
    backend = Tokenizer(BPE(vocab={token: i for i, token in enumerate(special.values())}, merges=[]))
    backend.add_special_tokens(list(special.values()))
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    inputs = ["input_ids", "attention_mask"]
    empty = PreTrainedTokenizerFast(tokenizer_object=backend, model_input_names=inputs, **special)
    return _train_anew(empty, texts, vocabulary)


def _unigram(name: str, before: Sequence[str], after: Sequence[str] = (), **settings: Any) -> TrainTokenizer:
    """Unigram of the class ``name``: the special tokens ``before``, pieces, and the special tokens ``after``."""

    def train(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
        import transformers

        make = partial(getattr(transformers, name), **settings)
        normalizer = make(vocab=_unscored([*before, *after])).backend_tokenizer.normalizer
        read = texts if normalizer is None else list(map(normalizer.normalize_str, texts))
        pieces = _plain(_sentencepiece(read, vocabulary, "unigram", "identity"))
        return make(vocab=[*_unscored(before), *pieces, *_unscored(after)])

    return train


def _unscored(tokens: Iterable[str]) -> list[tuple[str, float]]:
    return [(token, 0.0) for token in tokens]


albert = _unigram("AlbertTokenizer", ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"))
deberta_v2 = _unigram("DebertaV2Tokenizer", ("[PAD]", "[CLS]", "[SEP]", "[UNK]"), ("[MASK]",))
xlm_roberta = _unigram("XLMRobertaTokenizer", _FAIRSEQ, ("<mask>",))
_T5 = ("<pad>", "</s>", "<unk>")
t5 = _unigram("T5Tokenizer", _T5, [f"<extra_id_{i}>" for i in (3, 2, 1, 0)], extra_ids=4)
"""Few of the sentinels, of which the published ones have a hundred."""
mt5 = _unigram("T5Tokenizer", _T5, extra_ids=0)
_PRETRAINING = ("<mask_1>", "<mask_2>", *(f"<unk_{i}>" for i in range(2, 103)))
pegasus = _unigram("PegasusTokenizer", ("<pad>", "</s>", *_PRETRAINING, "<unk>"))


def mbart(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """Pieces, the 25 languages (``en_XX``), the mask; a text ends with ``</s>`` and its language."""
    return _unigram("MBartTokenizer", _FAIRSEQ, [*_languages("mbart"), "<mask>"])(texts, vocabulary, folder)


def mbart50(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """Pieces, the 52 languages (``en_XX``), the mask; a text is between its language and ``</s>``."""
    return _unigram("MBart50Tokenizer", _FAIRSEQ, [*_languages("mbart50"), "<mask>"])(texts, vocabulary, folder)


def _languages(family: str) -> Any:
    """The languages that ``transformers`` lists for a family, in the order of their ids."""
    from importlib import import_module

    return import_module(f"transformers.models.{family}.tokenization_{family}").FAIRSEQ_LANGUAGE_CODES


def marian(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """``source.spm``, ``target.spm`` and the vocabulary of both, which begins with ``</s>`` and ends with ``<pad>``."""
    from transformers import MarianTokenizer

    model = _sentencepiece(texts, vocabulary, "unigram", "nfkc")
    files = {"source_spm": folder / "source.spm", "target_spm": folder / "target.spm", "vocab": folder / "vocab.json"}
    files["source_spm"].write_bytes(model)
    files["target_spm"].write_bytes(model)
    _write_vocabulary(files["vocab"], ["</s>", "<unk>", *(piece for piece, _ in _plain(model)), "<pad>"])
    return MarianTokenizer(**{name: str(file) for name, file in files.items()}, source_lang="en", target_lang="zh")


def m2m_100(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """``sentencepiece.bpe.model`` and ``vocab.json``; the languages (``__en__``) come after them."""
    from transformers import M2M100Tokenizer

    model = _sentencepiece(texts, vocabulary, "bpe", "nfkc")
    pieces, words = folder / "sentencepiece.bpe.model", folder / "vocab.json"
    pieces.write_bytes(model)
    _write_vocabulary(words, [*_FAIRSEQ, *(piece for piece, _ in _plain(model))])
    languages = [f"__{code}__" for code in _languages("m2m_100")["m2m100"]]
    return M2M100Tokenizer(vocab_file=str(words), spm_file=str(pieces), additional_special_tokens=languages)


def nllb(texts: Sequence[str], vocabulary: int, folder: Path) -> Any:
    """A BPE, the 202 languages (``eng_Latn``), the mask; a text is between its language and ``</s>``."""
    from transformers import NllbTokenizer

    from taskzoo.models.pieces import merges_of

    model = _sentencepiece(texts, vocabulary, "bpe", "identity")
    tokens = [*_FAIRSEQ, *(piece for piece, _ in _plain(model)), *_languages("nllb"), "<mask>"]
    return NllbTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=merges_of(model))


def _sentencepiece(texts: Sequence[str], vocabulary: int, kind: str, rule: str) -> bytes:
    """A sentencepiece model that begins with ``<unk>``, ``<s>``, ``</s>``, as those of all these families do."""
    from taskzoo.models.pieces import PieceSettings, train_pieces

    return train_pieces(texts, PieceSettings(kind, vocabulary, bytes_for_rare=False, rule=rule))


def _plain(model: bytes) -> list[tuple[str, float]]:
    """Its pieces without the special ones."""
    from taskzoo.models.pieces import read_pieces

    return read_pieces(model)[3:]


def _write_vocabulary(path: Path, tokens: Sequence[str]) -> None:
    path.write_text(json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False), encoding="utf-8")
