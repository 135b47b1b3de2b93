"""The model that generates: an encoder-decoder, a decoder, or an encoder-decoder warm-started from an encoder."""

from __future__ import annotations

from typing import Any

from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, PreTrainedModel

from taskzoo.models.loading import backbone_config
from taskzoo.models.sinusoids import freeze_sinusoids
from taskzoo.models.warm_start import warm_start

from .sequence_format import SequenceFormat


def load_seq2seq_model(checkpoint: str, form: SequenceFormat, **loading: Any) -> PreTrainedModel:
    """The model at ``checkpoint`` with its language-model head, as ``transformers`` has it for the architecture.

    Args:
        checkpoint: directory or hub id.
        form: found for it.
        loading: passed on to ``from_pretrained``.

    Raises:
        RequestError: the architecture cannot generate.
    """
    if form.kind == "encoder":
        return warm_start(checkpoint, start=form.start, end=form.end, pad=form.pad, **loading)
    auto = AutoModelForSeq2SeqLM if form.kind == "encoder-decoder" else AutoModelForCausalLM
    config: Any = backbone_config(checkpoint, loading)
    model: PreTrainedModel = auto.from_pretrained(checkpoint, config=config, **loading)
    freeze_sinusoids(model)
    config = model.config
    config.pad_token_id = form.pad
    if form.kind == "encoder-decoder":
        config.decoder_start_token_id = form.start
    return model
