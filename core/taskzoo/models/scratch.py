"""``scratch:ARCHITECTURE-SIZE``: a model without pretrained weights, and a tokenizer learnt from the training texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from taskzoo.errors import RequestError

from .loading import quietly
from .refs import SCRATCH, SIZES, ModelRef, parse_scratch
from .scratch_tokenizers import CONTEXT_LENGTH, VOCABULARY, train_marian_tokenizer, train_tokenizer

DROPOUT = 0.1


@dataclass(frozen=True, slots=True)
class ScratchRecipe:
    """What a model from scratch is made of.

    Args:
        texts: the inputs of the training rows.
        targets: the texts to generate; the vocabulary is learnt from both.
        tokenizer: ``unigram`` or ``bpe``.
        vocabulary: maximum number of tokens, on each side if ``separate``.
        separate: one vocabulary for inputs and another for targets (Marian only).
        seed: of the weights.
    """

    texts: Sequence[str]
    targets: Sequence[str] | None = None
    tokenizer: str = "unigram"
    vocabulary: int = VOCABULARY
    separate: bool = False
    seed: int = 0


def make_scratch(ref: ModelRef, recipe: ScratchRecipe, folder: Path) -> ModelRef:
    """Train the tokenizer, initialise the model, save both in ``folder``, which exists; the model found there.

    Seeds torch's global generators and draws from them: the caller keeps its own state (``torch.random.fork_rng``).

    Raises:
        RequestError: the texts are too few for a vocabulary, it is too small for their characters, or the architecture
            has no separate vocabularies.
        UnknownNameError: another kind of tokenizer.
    """
    import torch
    import transformers

    architecture, size = parse_scratch(ref.name)
    learnt = _learn_tokenizer(ref, recipe, folder)
    values = _SHAPES[architecture](*SIZES[size])
    if recipe.separate:
        values |= {"share_encoder_decoder_embeddings": False, "decoder_vocab_size": len(learnt.target_encoder)}
    if architecture in ("t5", "marian"):
        values["decoder_start_token_id"] = learnt.pad_token_id
    ids = {name: getattr(learnt, name) for name in ("pad_token_id", "bos_token_id", "eos_token_id")}
    config = transformers.AutoConfig.for_model(architecture, vocab_size=len(learnt), **ids, **values)
    heads = {"bert": "AutoModel", "gpt2": "AutoModelForCausalLM"}
    torch.manual_seed(recipe.seed)
    with quietly():
        model = getattr(transformers, heads.get(architecture, "AutoModelForSeq2SeqLM")).from_config(config)
        model.save_pretrained(folder)
        learnt.save_pretrained(folder)
    return replace(ref, location=str(folder))


def _learn_tokenizer(ref: ModelRef, recipe: ScratchRecipe, folder: Path) -> Any:
    """The tokenizer; ``folder`` gets Marian's files."""
    architecture, size = parse_scratch(ref.name)
    texts, targets, kind = recipe.texts, recipe.targets, (recipe.tokenizer, recipe.vocabulary)
    if architecture == "marian":
        return train_marian_tokenizer(texts, targets or texts, folder, *kind, separate=recipe.separate)
    if recipe.separate:
        raise RequestError(
            f"{ref.name} has one vocabulary for inputs and targets, so scratch_separate=true does not suit it; "
            f"take {SCRATCH}marian-{size}, or scratch_separate=false."
        )
    form: Literal["NFC", "NFKC"] = "NFKC" if targets is None else "NFC"
    return train_tokenizer(chain(texts, targets or ()), architecture, *kind, form)


def _bert(hidden: int, layers: int, heads: int) -> dict[str, Any]:
    return {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": 4 * hidden,
        "max_position_embeddings": CONTEXT_LENGTH,
    }


def _gpt2(hidden: int, layers: int, heads: int) -> dict[str, Any]:
    return {"n_embd": hidden, "n_layer": layers, "n_head": heads, "n_positions": CONTEXT_LENGTH}


def _t5(hidden: int, layers: int, heads: int) -> dict[str, Any]:
    """T5 1.1: a gated feed-forward layer (Shazeer 2020), which has three matrices and is narrower for it by a third."""
    return {
        "d_model": hidden,
        "d_kv": hidden // heads,
        "d_ff": round(8 * hidden / 3 / 64) * 64,
        "num_layers": layers,
        "num_heads": heads,
        "feed_forward_proj": "gated-gelu",
        "dropout_rate": DROPOUT,
    }


def _marian(hidden: int, layers: int, heads: int) -> dict[str, Any]:
    """The Transformer of Vaswani et al. (2017) as Marian has it."""
    sides: dict[str, Any] = {}
    for side in ("encoder", "decoder"):
        sides |= {f"{side}_layers": layers, f"{side}_attention_heads": heads, f"{side}_ffn_dim": 4 * hidden}
    return {
        **sides,
        "d_model": hidden,
        "activation_function": "swish",
        "scale_embedding": True,
        "dropout": DROPOUT,
        "init_std": hidden**-0.5,
        "max_position_embeddings": CONTEXT_LENGTH,
        "forced_eos_token_id": 0,
    }


_SHAPES = {"bert": _bert, "gpt2": _gpt2, "t5": _t5, "marian": _marian}
