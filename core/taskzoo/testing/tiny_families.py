"""How each family of tiny checkpoints is built, as the published checkpoints of the family are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from . import tiny_tokenizers as tokenizers

CONTEXT = 512
"""Positions of the models that have a limit."""

HIDDEN, HEADS, LAYERS = 32, 2, 2

Values = dict[str, Any]

_BERT = "hidden_dropout_prob attention_probs_dropout_prob"


def _encoder(hidden: int) -> Values:
    layers = {"num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "intermediate_size": 2 * hidden}
    return {"hidden_size": hidden, **layers, "max_position_embeddings": CONTEXT}


def _factored(hidden: int) -> Values:
    return {**_encoder(hidden), "embedding_size": hidden // 2}


def _distilbert(hidden: int) -> Values:
    layers = {"n_layers": LAYERS, "n_heads": HEADS, "hidden_dim": 2 * hidden}
    return {"dim": hidden, **layers, "max_position_embeddings": CONTEXT}


def _gpt2(hidden: int) -> Values:
    return {"n_embd": hidden, "n_layer": LAYERS, "n_head": HEADS, "n_inner": 2 * hidden, "n_positions": CONTEXT}


def _t5(hidden: int) -> Values:
    layers = {"num_layers": LAYERS, "num_heads": HEADS, "d_kv": hidden // HEADS, "d_ff": 2 * hidden}
    return {"d_model": hidden, **layers}


def _sides(hidden: int) -> Values:
    each = {"layers": LAYERS, "attention_heads": HEADS, "ffn_dim": 2 * hidden}
    sides = {f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in each.items()}
    return {"d_model": hidden, **sides, "max_position_embeddings": CONTEXT}


@dataclass(frozen=True, slots=True)
class Family:
    """How one family is built.

    Args:
        tokenizer: trains its tokenizer.
        config: values of its configuration beside width, depth and dropout, as published.
        model: the auto class that says which head the published checkpoints have.
        size: from the width to the values of its configuration for width and depth.
        dropouts: names of its dropout settings, separated by spaces.
        model_type: where it is not the name of the family.
        start: the special token that a decoder begins with; ``""`` where the published configuration has none.
        forced_end: whether the longest output is closed by the end token.
        positions_after_pad: whether positions are counted from the one behind the pad token's id.
        spare_rows: rows of the embedding table beyond the tokenizer's tokens.
        generation: settings of ``generation_config.json``, as published.
        never_pad: whether the pad token is barred from what is generated.
    """

    tokenizer: tokenizers.TrainTokenizer
    config: Values = field(default_factory=dict)
    model: str = "AutoModelForMaskedLM"
    size: Callable[[int], Values] = _encoder
    dropouts: str = _BERT
    model_type: str = ""
    start: str = ""
    forced_end: bool = False
    positions_after_pad: bool = False
    spare_rows: int = 0
    generation: Values = field(default_factory=dict)
    never_pad: bool = False

    @property
    def kind(self) -> str:
        """``encoder``, ``decoder`` or ``encoder-decoder``."""
        return _KINDS.get(self.model, "encoder")


_KINDS = {"AutoModelForCausalLM": "decoder", "AutoModelForSeq2SeqLM": "encoder-decoder"}
_decoder = partial(Family, model="AutoModelForCausalLM")
_text_to_text = partial(
    Family, model="AutoModelForSeq2SeqLM", size=_sides, dropouts="dropout attention_dropout activation_dropout"
)
_SCALED = {"scale_embedding": True}
_RELU = {"activation_function": "relu", **_SCALED, "encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0}
_BEAMS = {"max_length": 200, "num_beams": 5, "early_stopping": True}
_DEBERTA = {"position_buckets": 32, "norm_rel_ebd": "layer_norm", "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0}
_DEBERTA |= {"relative_attention": True, "share_att_key": True, "position_biased_input": False}

RECIPES: dict[str, Family] = {
    "albert": Family(
        tokenizers.albert, model="AutoModelForPreTraining", size=_factored, dropouts=f"{_BERT} classifier_dropout_prob"
    ),
    "bart": _text_to_text(tokenizers.of_class("BartTokenizer"), start="eos", forced_end=True),
    "bert": Family(tokenizers.of_class("BertTokenizer", word_pieces=True), model="AutoModelForPreTraining"),
    "deberta-v2": Family(tokenizers.deberta_v2, _DEBERTA, dropouts=f"{_BERT} pooler_dropout"),
    "distilbert": Family(
        tokenizers.of_class("DistilBertTokenizer", word_pieces=True),
        size=_distilbert,
        dropouts="dropout attention_dropout seq_classif_dropout qa_dropout",
    ),
    "electra": Family(
        tokenizers.of_class("ElectraTokenizer", word_pieces=True),
        size=_factored,
        dropouts=f"{_BERT} summary_last_dropout",
    ),
    "gpt2": _decoder(
        tokenizers.of_class("GPT2Tokenizer"),
        size=_gpt2,
        dropouts="resid_pdrop embd_pdrop attn_pdrop summary_first_dropout classifier_dropout",
    ),
    "m2m_100": _text_to_text(tokenizers.m2m_100, _RELU, start="eos", spare_rows=8, generation=_BEAMS),
    "marian": _text_to_text(
        tokenizers.marian,
        {"activation_function": "swish", **_SCALED, "bos_token_id": 0},
        start="pad",
        forced_end=True,
        generation={"max_length": 512, "num_beams": 4},
        never_pad=True,
    ),
    "mbart": _text_to_text(
        tokenizers.mbart,
        {"activation_function": "gelu", **_SCALED},
        forced_end=True,
        generation={"max_length": 1024, "num_beams": 5},
    ),
    "mbart50": _text_to_text(
        tokenizers.mbart50,
        {**_RELU, "bos_token_id": 0},
        model_type="mbart",
        start="eos",
        forced_end=True,
        generation=_BEAMS,
    ),
    "modernbert": Family(
        tokenizers.modernbert,
        {"local_attention": 32, "global_attn_every_n_layers": 2},
        dropouts="embedding_dropout mlp_dropout attention_dropout classifier_dropout",
    ),
    "mt5": _text_to_text(
        tokenizers.mt5, {"feed_forward_proj": "gated-gelu"}, size=_t5, dropouts="dropout_rate", start="pad"
    ),
    "nllb": _text_to_text(tokenizers.nllb, _RELU, model_type="m2m_100", start="eos", generation={"max_length": 200}),
    "pegasus": _text_to_text(
        tokenizers.pegasus,
        {"activation_function": "relu", **_SCALED, "bos_token_id": 0},
        start="pad",
        forced_end=True,
        generation={"max_length": 64, "num_beams": 8, "length_penalty": 0.6},
    ),
    "qwen2": _decoder(
        tokenizers.of_class("Qwen2Tokenizer"),
        {"num_key_value_heads": 1},
        dropouts="attention_dropout classifier_dropout",
    ),
    "roberta": Family(tokenizers.of_class("RobertaTokenizer"), {"type_vocab_size": 1}, positions_after_pad=True),
    "t5": _text_to_text(tokenizers.t5, size=_t5, dropouts="dropout_rate", start="pad"),
    "xlm-roberta": Family(tokenizers.xlm_roberta, {"type_vocab_size": 1}, positions_after_pad=True),
}
