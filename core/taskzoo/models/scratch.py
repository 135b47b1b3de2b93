"""``scratch:ARCHITECTURE-SIZE``: a model without pretrained weights, and a tokenizer learnt from the training texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from taskzoo.errors import RequestError, UnknownNameError

from .checkpoints import SCRATCH, Checkpoint
from .scratch_tokenizers import CONTEXT_LENGTH, VOCABULARY, train_marian_tokenizer, train_tokenizer

SIZES = {  # hidden size, layers (of an encoder-decoder: on each side), attention heads
    "tiny": (128, 2, 2),
    "mini": (256, 4, 4),
    "small": (512, 4, 8),
    "base": (768, 12, 12),
}
ARCHITECTURES = ("bert", "gpt2", "t5", "marian")
DROPOUT = 0.1


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


def make_scratch(
    checkpoint: Checkpoint,
    texts: Sequence[str],
    folder: Path,
    *,
    seed: int,
    targets: Sequence[str] | None = None,
    tokenizer: str = "unigram",
    vocabulary: int = VOCABULARY,
    separate: bool = False,
) -> Checkpoint:
    """Train the tokenizer, initialise the model, save both in ``folder``; the checkpoint found there.

    Args:
        checkpoint: of a ``scratch:`` name.
        texts: the inputs of the training rows.
        folder: exists, and gets all files.
        seed: of the weights.
        targets: the texts to generate; the vocabulary is learnt from both.
        tokenizer: ``unigram`` or ``bpe``.
        vocabulary: the most tokens, on each side if ``separate``.
        separate: one vocabulary for inputs and another for targets (Marian only).

    Raises:
        RequestError: the texts are too few for a vocabulary, it is too small for their characters, or the architecture
            has no separate vocabularies.
        UnknownNameError: another kind of tokenizer.
    """
    import torch
    import transformers

    architecture, size = parse_scratch(checkpoint.name)
    learnt = learn_tokenizer(
        checkpoint, texts, folder, targets=targets, tokenizer=tokenizer, vocabulary=vocabulary, separate=separate
    )
    values = _SHAPES[architecture](*SIZES[size])
    if separate:
        values |= {"share_encoder_decoder_embeddings": False, "decoder_vocab_size": len(learnt.target_encoder)}
    if architecture in ("t5", "marian"):
        values["decoder_start_token_id"] = learnt.pad_token_id
    config = transformers.AutoConfig.for_model(
        architecture,
        vocab_size=len(learnt),
        pad_token_id=learnt.pad_token_id,
        bos_token_id=learnt.bos_token_id,
        eos_token_id=learnt.eos_token_id,
        **values,
    )
    torch.manual_seed(seed)
    model = getattr(transformers, _HEADS[architecture]).from_config(config)
    model.save_pretrained(folder)
    learnt.save_pretrained(folder)
    return replace(checkpoint, location=str(folder))


def learn_tokenizer(
    checkpoint: Checkpoint,
    texts: Sequence[str],
    folder: Path,
    *,
    targets: Sequence[str] | None = None,
    tokenizer: str = "unigram",
    vocabulary: int = VOCABULARY,
    separate: bool = False,
) -> Any:
    """The tokenizer that :func:`make_scratch` makes of the same arguments; ``folder`` gets Marian's files.

    Raises:
        RequestError, UnknownNameError: as :func:`make_scratch` does.
    """
    architecture, size = parse_scratch(checkpoint.name)
    if architecture == "marian":
        return train_marian_tokenizer(texts, targets or texts, folder, tokenizer, vocabulary, separate=separate)
    if separate:
        raise RequestError(
            f"{checkpoint.name} has one vocabulary for inputs and targets, so scratch_separate=true does not suit it; "
            f"take {SCRATCH}marian-{size}, or scratch_separate=false."
        )
    pieces = chain(texts, targets or ())
    return train_tokenizer(pieces, architecture, tokenizer, vocabulary, "NFKC" if targets is None else "NFC")


_HEADS = {
    "bert": "AutoModel",
    "gpt2": "AutoModelForCausalLM",
    "t5": "AutoModelForSeq2SeqLM",
    "marian": "AutoModelForSeq2SeqLM",
}


def _bert(hidden: int, layers: int, heads: int) -> dict[str, Any]:
    return {
        "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
        "intermediate_size": 4 * hidden, "max_position_embeddings": CONTEXT_LENGTH,
    }  # fmt: skip


def _gpt2(hidden: int, layers: int, heads: int) -> dict[str, Any]:
    return {"n_embd": hidden, "n_layer": layers, "n_head": heads, "n_positions": CONTEXT_LENGTH}


def _t5(hidden: int, layers: int, heads: int) -> dict[str, Any]:
    """T5 1.1: a gated feed-forward layer (Shazeer 2020), which has three matrices and is narrower for it by a third."""
    return {
        "d_model": hidden, "d_kv": hidden // heads, "d_ff": _multiple(8 * hidden / 3, 64), "num_layers": layers,
        "num_heads": heads, "feed_forward_proj": "gated-gelu", "dropout_rate": DROPOUT,
    }  # fmt: skip


def _marian(hidden: int, layers: int, heads: int) -> dict[str, Any]:
    """The Transformer of Vaswani et al. (2017) as Marian has it."""
    sides: dict[str, Any] = {}
    for side in ("encoder", "decoder"):
        sides |= {f"{side}_layers": layers, f"{side}_attention_heads": heads, f"{side}_ffn_dim": 4 * hidden}
    return {
        **sides, "d_model": hidden, "activation_function": "swish", "scale_embedding": True, "dropout": DROPOUT,
        "init_std": hidden**-0.5, "max_position_embeddings": CONTEXT_LENGTH, "forced_eos_token_id": 0,
    }  # fmt: skip


def _multiple(number: float, of: int) -> int:
    """The nearest multiple."""
    return round(number / of) * of


_SHAPES = {"bert": _bert, "gpt2": _gpt2, "t5": _t5, "marian": _marian}
