"""Tiny randomly initialised checkpoints of true architectures, made in about a second and without a network.

They know nothing, yet take every path that a real checkpoint of the family takes: its own tokenizer class (trained on
the texts given), its special tokens, its positions, its layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskzoo.errors import UnknownNameError

CONTEXT = 512
"""Positions of the models that have a limit."""

HIDDEN, HEADS, LAYERS, INNER = 32, 2, 2, 64


@dataclass(frozen=True, slots=True)
class _Family:
    """How one family is built.

    Args:
        tokenizer: its tokenizer class in ``transformers``, or a function that makes an empty tokenizer.
        model: the auto class that says which head the published checkpoints have.
        config: further values of its configuration.
        dropouts: names of its dropout settings.
    """

    tokenizer: str | Callable[[], Any]
    model: str
    config: dict[str, Any]
    dropouts: tuple[str, ...]


_ENCODER = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
    "max_position_embeddings": CONTEXT,
}
_ENCODER_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob")


def _empty_modernbert_tokenizer() -> Any:
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
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
        model_input_names=["input_ids", "attention_mask"],
    )


def _empty_t5_tokenizer() -> Any:
    from transformers import T5Tokenizer

    return T5Tokenizer(extra_ids=4)


_FAMILIES: dict[str, _Family] = {
    "albert": _Family(
        "AlbertTokenizer", "AutoModelForPreTraining", {**_ENCODER, "embedding_size": HIDDEN // 2}, _ENCODER_DROPOUTS
    ),
    "bart": _Family(
        "BartTokenizer",
        "AutoModelForSeq2SeqLM",
        {
            "d_model": HIDDEN,
            "encoder_layers": LAYERS,
            "decoder_layers": LAYERS,
            "encoder_attention_heads": HEADS,
            "decoder_attention_heads": HEADS,
            "encoder_ffn_dim": INNER,
            "decoder_ffn_dim": INNER,
            "max_position_embeddings": CONTEXT,
        },
        ("dropout", "attention_dropout", "activation_dropout"),
    ),
    "bert": _Family("BertTokenizer", "AutoModelForPreTraining", dict(_ENCODER), _ENCODER_DROPOUTS),
    "deberta-v2": _Family(
        "DebertaV2Tokenizer",
        "AutoModelForMaskedLM",
        {
            **_ENCODER,
            "relative_attention": True,
            "position_buckets": 32,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "type_vocab_size": 0,
        },
        (*_ENCODER_DROPOUTS, "pooler_dropout"),
    ),
    "distilbert": _Family(
        "DistilBertTokenizer",
        "AutoModelForMaskedLM",
        {
            "dim": HIDDEN,
            "n_layers": LAYERS,
            "n_heads": HEADS,
            "hidden_dim": INNER,
            "max_position_embeddings": CONTEXT,
        },
        ("dropout", "attention_dropout", "seq_classif_dropout"),
    ),
    "electra": _Family(
        "ElectraTokenizer", "AutoModelForMaskedLM", {**_ENCODER, "embedding_size": HIDDEN // 2}, _ENCODER_DROPOUTS
    ),
    "gpt2": _Family(
        "GPT2Tokenizer",
        "AutoModelForCausalLM",
        {"n_embd": HIDDEN, "n_layer": LAYERS, "n_head": HEADS, "n_inner": INNER, "n_positions": CONTEXT},
        ("resid_pdrop", "embd_pdrop", "attn_pdrop", "summary_first_dropout", "classifier_dropout"),
    ),
    "modernbert": _Family(
        _empty_modernbert_tokenizer,
        "AutoModelForMaskedLM",
        {**_ENCODER, "local_attention": 32, "global_attn_every_n_layers": 2},
        ("embedding_dropout", "mlp_dropout", "attention_dropout", "classifier_dropout"),
    ),
    "qwen2": _Family(
        "Qwen2Tokenizer",
        "AutoModelForCausalLM",
        {**_ENCODER, "num_key_value_heads": 1},
        ("attention_dropout", "classifier_dropout"),
    ),
    "roberta": _Family(
        "RobertaTokenizer", "AutoModelForMaskedLM", {**_ENCODER, "type_vocab_size": 1}, _ENCODER_DROPOUTS
    ),
    "t5": _Family(
        _empty_t5_tokenizer,
        "AutoModelForSeq2SeqLM",
        {"d_model": HIDDEN, "d_kv": HIDDEN // HEADS, "d_ff": INNER, "num_layers": LAYERS, "num_heads": HEADS},
        ("dropout_rate",),
    ),
    "xlm-roberta": _Family(
        "XLMRobertaTokenizer", "AutoModelForMaskedLM", {**_ENCODER, "type_vocab_size": 1}, _ENCODER_DROPOUTS
    ),
}

FAMILIES = tuple(_FAMILIES)
"""The families :func:`make_tiny_checkpoint` can make."""


def make_tiny_checkpoint(
    folder: str | Path,
    family: str,
    texts: Iterable[str],
    *,
    seed: int = 0,
    vocabulary: int = 1000,
    dropout: float = 0.0,
) -> Path:
    """Write a checkpoint of ``family`` that ``AutoTokenizer`` and every ``AutoModel`` load from ``folder``.

    Args:
        folder: made if missing.
        family: the ``model_type``, one of :data:`FAMILIES`.
        texts: what the tokenizer is trained on.
        seed: of the weights; the global random state is left alone.
        vocabulary: the most tokens of the tokenizer.
        dropout: of all layers; 0 makes training repeatable whatever the batches.

    Returns:
        ``folder`` as a path.

    Raises:
        UnknownNameError: a family that is not among :data:`FAMILIES`.
    """
    import torch
    import transformers

    if family not in _FAMILIES:
        raise UnknownNameError("tiny model family", family, FAMILIES, f"There are {', '.join(FAMILIES)}.")
    from taskzoo.models.loading import quiet_transformers

    quiet_transformers()
    recipe = _FAMILIES[family]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)

    make_empty = getattr(transformers, recipe.tokenizer) if isinstance(recipe.tokenizer, str) else recipe.tokenizer
    tokenizer = make_empty().train_new_from_iterator(list(texts), vocabulary, show_progress=False)
    values = {**recipe.config, **dict.fromkeys(recipe.dropouts, dropout), "vocab_size": len(tokenizer)}
    for name in ("pad", "bos", "eos", "cls", "sep"):
        values[f"{name}_token_id"] = getattr(tokenizer, f"{name}_token_id")
    if family in ("roberta", "xlm-roberta"):  # positions are counted from the pad token's id
        values["max_position_embeddings"] = CONTEXT + tokenizer.pad_token_id + 1
    if family in ("t5", "bart"):
        values["decoder_start_token_id"] = tokenizer.pad_token_id if family == "t5" else tokenizer.eos_token_id
    if family == "bart":
        values["forced_eos_token_id"] = tokenizer.eos_token_id
    config = transformers.AutoConfig.for_model(family, **values)
    if "max_position_embeddings" in values or "n_positions" in values:
        tokenizer.model_max_length = CONTEXT
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(transformers, recipe.model).from_config(config)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder
