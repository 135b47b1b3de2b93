"""An encoder-decoder from one pretrained encoder (Rothe, Narayan & Severyn 2020, "Leveraging Pre-trained Checkpoints").

Both sides start from the encoder's weights; the decoder sees only earlier tokens (a causal mask), and its
cross-attention is new. So a BERT-like checkpoint can generate text, which it never learnt.
"""

from __future__ import annotations

from typing import Any

from torch import nn
from transformers import EncoderDecoderModel, PreTrainedModel

from taskzoo.errors import RequestError

from .loading import backbone_config

FAMILIES = (
    *("bert", "roberta", "xlm-roberta", "camembert", "electra", "roformer", "rembert", "roberta-prelayernorm"),
    *("bert-generation", "megatron-bert", "xlm-roberta-xl", "roc_bert"),
)
"""Encoders that ``transformers`` can also run as a decoder with cross-attention."""


def warm_start(checkpoint: str, *, start: int, end: int, pad: int, **loading: Any) -> PreTrainedModel:
    """Both sides from the encoder at ``checkpoint``, a directory or hub id; ``from_pretrained`` gets ``loading``.

    The ids ``start`` and ``end`` are of the tokens that the decoder starts with and ends with.

    Raises:
        RequestError: the architecture cannot be used as a decoder.
    """
    encoder, decoder = (
        backbone_config(checkpoint, loading, is_decoder=decodes, add_cross_attention=decodes)
        for decodes in (False, True)
    )
    family = encoder.model_type
    if family not in FAMILIES:
        raise RequestError(
            f"A model of the family {family!r} cannot be used as a decoder; take an encoder-decoder (t5, bart, "
            f"marian), a decoder (gpt2), or an encoder of the families {', '.join(FAMILIES[:5])}."
        )
    sides: dict[str, Any] = {"encoder_config": encoder, "decoder_config": decoder}
    sides |= {f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in loading.items()}
    model: PreTrainedModel = EncoderDecoderModel.from_encoder_decoder_pretrained(checkpoint, checkpoint, **sides)
    pooler = getattr(model.encoder, "pooler", None)
    if isinstance(pooler, nn.Module):
        pooler.requires_grad_(False)  # nothing uses it
    config: Any = model.config
    config.decoder_start_token_id, config.eos_token_id, config.pad_token_id = start, end, pad
    config.vocab_size = config.decoder.vocab_size
    return model


def fresh_modules(model: PreTrainedModel) -> list[str]:
    """Names of the modules of a warm-started model that no checkpoint has weights for; none for other models."""
    if not isinstance(model, EncoderDecoderModel):
        return []
    names = [name for name, _ in model.named_modules()]
    return [name for name in names if name.endswith((".crossattention", ".predictions.transform"))]
