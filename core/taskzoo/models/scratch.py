"""``scratch:ARCHITECTURE-SIZE``: a model without pretrained weights, with a tokenizer learnt from the training texts.

The tokenizer is a sentencepiece unigram model (Kudo 2018) with byte fallback, so that no character is unknown.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError, UnknownNameError

from .checkpoints import SCRATCH, Checkpoint

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SIZES = {  # hidden size, layers, attention heads
    "tiny": (128, 2, 2),
    "mini": (256, 4, 4),
    "small": (512, 4, 8),
    "base": (768, 12, 12),
}
ARCHITECTURES = ("bert", "gpt2", "t5")
LARGEST_VOCABULARY = 8000
CONTEXT_LENGTH = 512
PAD, UNKNOWN, END, START, MASK = "<pad>", "<unk>", "</s>", "<s>", "<mask>"


def parse_scratch(name: str) -> tuple[str, str]:
    """``"scratch:bert-mini"`` to ``("bert", "mini")``.

    Raises:
        UnknownNameError: no such architecture or size, with the nearest.
    """
    architecture, _, size = name.removeprefix(SCRATCH).partition("-")
    if architecture not in ARCHITECTURES or size not in SIZES:
        known = [f"{SCRATCH}{a}-{s}" for a in ARCHITECTURES for s in SIZES]
        raise UnknownNameError("model", name, known, f"They are {', '.join(known)}.")
    return architecture, size


def make_scratch(checkpoint: Checkpoint, texts: Sequence[str], folder: Path, *, seed: int) -> Checkpoint:
    """Train the tokenizer on ``texts``, initialise the model, save both in ``folder``; the checkpoint found there.

    Raises:
        RequestError: the texts are too few for a vocabulary.
    """
    import torch
    from transformers import AutoConfig, AutoModel

    architecture, size = parse_scratch(checkpoint.name)
    tokenizer = train_tokenizer(texts, architecture)
    hidden, layers, heads = SIZES[size]
    shape: dict[str, dict[str, Any]] = {
        "bert": {
            "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
            "intermediate_size": 4 * hidden, "max_position_embeddings": CONTEXT_LENGTH,
        },
        "gpt2": {"n_embd": hidden, "n_layer": layers, "n_head": heads, "n_positions": CONTEXT_LENGTH},
        "t5": {
            "d_model": hidden, "d_kv": hidden // heads, "d_ff": 4 * hidden, "num_layers": layers, "num_heads": heads,
        },
    }  # fmt: skip
    config = AutoConfig.for_model(
        architecture,
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **({"decoder_start_token_id": tokenizer.pad_token_id} if architecture == "t5" else {}),
        **shape[architecture],
    )
    torch.manual_seed(seed)
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return replace(checkpoint, location=str(folder))


def train_tokenizer(texts: Sequence[str], architecture: str) -> PreTrainedTokenizerBase:
    """A fast tokenizer around a sentencepiece unigram model of at most ``LARGEST_VOCABULARY`` pieces.

    The same texts give the same tokenizer.

    Raises:
        RequestError: there is no text to learn from.
    """
    import sentencepiece
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    model = io.BytesIO()
    lines = (unicodedata.normalize("NFKC", text).replace("\n", " ") for text in texts)
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=lines, model_writer=model, model_type="unigram", vocab_size=LARGEST_VOCABULARY,
            hard_vocab_limit=False, byte_fallback=True, character_coverage=0.9995, normalization_rule_name="identity",
            pad_id=0, unk_id=1, eos_id=2, bos_id=3, pad_piece=PAD, unk_piece=UNKNOWN, eos_piece=END, bos_piece=START,
            control_symbols=MASK, num_threads=1, minloglevel=2, max_sentence_length=1 << 16,
        )  # fmt: skip
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1][:200]
        raise RequestError(f"A tokenizer cannot be trained on the training texts: {reason}") from error
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    vocabulary = [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(pieces.get_piece_size())]
    backend = Tokenizer(models.Unigram(vocabulary, unk_id=1, byte_fallback=True))
    backend.normalizer = normalizers.NFKC()
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(), decoders.Fuse()])
    template = {"bert": f"{START} $A {END}", "gpt2": "$A", "t5": f"$A {END}"}[architecture]
    backend.post_processor = processors.TemplateProcessing(
        single=template, pair=template + f" $B {END}", special_tokens=[(START, 3), (END, 2)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token=PAD, unk_token=UNKNOWN, eos_token=END, bos_token=START, mask_token=MASK,
        cls_token=START, sep_token=END, model_max_length=CONTEXT_LENGTH,
    )  # fmt: skip
