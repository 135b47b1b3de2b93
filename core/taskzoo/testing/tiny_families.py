"""How each family of tiny checkpoints is built, as the published checkpoints of the family are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import tiny_tokenizers as tokenizers

CONTEXT = 512
"""Positions of the models that have a limit."""

HIDDEN, HEADS, LAYERS = 32, 2, 2


@dataclass(frozen=True, slots=True)
class Size:
    """Width and depth; encoder-decoders have ``layers`` on each side."""

    hidden: int
    layers: int

    @property
    def inner(self) -> int:
        return 2 * self.hidden

    def encoder(self) -> dict[str, Any]:
        return {
            "hidden_size": self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": HEADS,
            "intermediate_size": self.inner,
            "max_position_embeddings": CONTEXT,
        }

    def factored(self) -> dict[str, Any]:
        return {**self.encoder(), "embedding_size": self.hidden // 2}

    def distilbert(self) -> dict[str, Any]:
        return {
            "dim": self.hidden,
            "n_layers": self.layers,
            "n_heads": HEADS,
            "hidden_dim": self.inner,
            "max_position_embeddings": CONTEXT,
        }

    def gpt2(self) -> dict[str, Any]:
        return {
            "n_embd": self.hidden,
            "n_layer": self.layers,
            "n_head": HEADS,
            "n_inner": self.inner,
            "n_positions": CONTEXT,
        }

    def sides(self) -> dict[str, Any]:
        return {
            "d_model": self.hidden,
            **{f"{side}_layers": self.layers for side in ("encoder", "decoder")},
            **{f"{side}_attention_heads": HEADS for side in ("encoder", "decoder")},
            **{f"{side}_ffn_dim": self.inner for side in ("encoder", "decoder")},
            "max_position_embeddings": CONTEXT,
        }

    def t5(self) -> dict[str, Any]:
        return {
            "d_model": self.hidden,
            "d_kv": self.hidden // HEADS,
            "d_ff": self.inner,
            "num_layers": self.layers,
            "num_heads": HEADS,
        }


@dataclass(frozen=True, slots=True)
class Family:
    """How one family is built.

    Args:
        tokenizer: trains its tokenizer.
        model: the auto class that says which head the published checkpoints have.
        size: the names its configuration has for width and depth.
        dropouts: names of its dropout settings.
        config: further values of its configuration, as published.
        model_type: where it is not the name of the family.
        start: the special token that a decoder begins with; ``""`` where the published configuration has none.
        forced_end: whether the longest output is closed by the end token.
        positions_after_pad: whether positions are counted from the one behind the pad token's id.
        spare_rows: rows of the embedding table beyond the tokenizer's tokens.
        generation: settings of ``generation_config.json``, as published.
        never_pad: whether the pad token is barred from what is generated.
    """

    tokenizer: tokenizers.TrainTokenizer
    model: str
    size: Callable[[Size], dict[str, Any]]
    dropouts: tuple[str, ...]
    config: dict[str, Any] = field(default_factory=dict)
    model_type: str = ""
    start: str = ""
    forced_end: bool = False
    positions_after_pad: bool = False
    spare_rows: int = 0
    generation: dict[str, Any] = field(default_factory=dict)
    never_pad: bool = False


_ENCODER_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob")
_SIDES_DROPOUTS = ("dropout", "attention_dropout", "activation_dropout")
_SEQ2SEQ = "AutoModelForSeq2SeqLM"
_SCALED = {"scale_embedding": True}
_RELU = {"activation_function": "relu", **_SCALED, "encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0}

RECIPES: dict[str, Family] = {
    "albert": Family(
        tokenizers.of_class("AlbertTokenizer"), "AutoModelForPreTraining", Size.factored, _ENCODER_DROPOUTS
    ),
    "bart": Family(
        tokenizers.of_class("BartTokenizer"), _SEQ2SEQ, Size.sides, _SIDES_DROPOUTS, start="eos", forced_end=True
    ),
    "bert": Family(tokenizers.of_class("BertTokenizer"), "AutoModelForPreTraining", Size.encoder, _ENCODER_DROPOUTS),
    "deberta-v2": Family(
        tokenizers.of_class("DebertaV2Tokenizer"),
        "AutoModelForMaskedLM",
        Size.encoder,
        (*_ENCODER_DROPOUTS, "pooler_dropout"),
        {
            "relative_attention": True,
            "position_buckets": 32,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "type_vocab_size": 0,
        },
    ),
    "distilbert": Family(
        tokenizers.of_class("DistilBertTokenizer"),
        "AutoModelForMaskedLM",
        Size.distilbert,
        ("dropout", "attention_dropout", "seq_classif_dropout"),
    ),
    "electra": Family(
        tokenizers.of_class("ElectraTokenizer"), "AutoModelForMaskedLM", Size.factored, _ENCODER_DROPOUTS
    ),
    "gpt2": Family(
        tokenizers.of_class("GPT2Tokenizer"),
        "AutoModelForCausalLM",
        Size.gpt2,
        ("resid_pdrop", "embd_pdrop", "attn_pdrop", "summary_first_dropout", "classifier_dropout"),
    ),
    "m2m_100": Family(
        tokenizers.m2m_100,
        _SEQ2SEQ,
        Size.sides,
        _SIDES_DROPOUTS,
        _RELU,
        start="eos",
        spare_rows=8,
        generation={"max_length": 200, "num_beams": 5, "early_stopping": True},
    ),
    "marian": Family(
        tokenizers.marian,
        _SEQ2SEQ,
        Size.sides,
        _SIDES_DROPOUTS,
        {"activation_function": "swish", **_SCALED, "bos_token_id": 0},
        start="pad",
        forced_end=True,
        generation={"max_length": 512, "num_beams": 4},
        never_pad=True,
    ),
    "mbart": Family(
        tokenizers.mbart,
        _SEQ2SEQ,
        Size.sides,
        _SIDES_DROPOUTS,
        {"activation_function": "gelu", **_SCALED},
        forced_end=True,
        generation={"max_length": 1024, "num_beams": 5},
    ),
    "mbart50": Family(
        tokenizers.mbart50,
        _SEQ2SEQ,
        Size.sides,
        _SIDES_DROPOUTS,
        {**_RELU, "bos_token_id": 0},
        model_type="mbart",
        start="eos",
        forced_end=True,
        generation={"max_length": 200, "num_beams": 5, "early_stopping": True},
    ),
    "modernbert": Family(
        tokenizers.modernbert,
        "AutoModelForMaskedLM",
        Size.encoder,
        ("embedding_dropout", "mlp_dropout", "attention_dropout", "classifier_dropout"),
        {"local_attention": 32, "global_attn_every_n_layers": 2},
    ),
    "mt5": Family(
        tokenizers.mt5, _SEQ2SEQ, Size.t5, ("dropout_rate",), {"feed_forward_proj": "gated-gelu"}, start="pad"
    ),
    "nllb": Family(
        tokenizers.nllb,
        _SEQ2SEQ,
        Size.sides,
        _SIDES_DROPOUTS,
        _RELU,
        model_type="m2m_100",
        start="eos",
        generation={"max_length": 200},
    ),
    "pegasus": Family(
        tokenizers.pegasus,
        _SEQ2SEQ,
        Size.sides,
        _SIDES_DROPOUTS,
        {"activation_function": "relu", **_SCALED, "bos_token_id": 0},
        start="pad",
        forced_end=True,
        generation={"max_length": 64, "num_beams": 8, "length_penalty": 0.6},
    ),
    "qwen2": Family(
        tokenizers.of_class("Qwen2Tokenizer"),
        "AutoModelForCausalLM",
        Size.encoder,
        ("attention_dropout", "classifier_dropout"),
        {"num_key_value_heads": 1},
    ),
    "roberta": Family(
        tokenizers.of_class("RobertaTokenizer"),
        "AutoModelForMaskedLM",
        Size.encoder,
        _ENCODER_DROPOUTS,
        {"type_vocab_size": 1},
        positions_after_pad=True,
    ),
    "t5": Family(tokenizers.t5, _SEQ2SEQ, Size.t5, ("dropout_rate",), start="pad"),
    "xlm-roberta": Family(
        tokenizers.of_class("XLMRobertaTokenizer"),
        "AutoModelForMaskedLM",
        Size.encoder,
        _ENCODER_DROPOUTS,
        {"type_vocab_size": 1},
        positions_after_pad=True,
    ),
}
