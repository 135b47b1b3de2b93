"""A backbone with a head that predicts one thing for a whole text."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from transformers import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    PreTrainedModel,
)

from taskzoo.errors import RequestError

from .pooling import PooledClassifier
from .sinusoids import freeze_sinusoids


def load_sequence_model(
    checkpoint: str, *, problem_type: str, labels: Sequence[str] = (), pooling: str = "auto", **loading: Any
) -> PreTrainedModel:
    """The backbone at ``checkpoint`` with a fresh head, or a finished run's model with its own.

    Args:
        checkpoint: directory or hub id.
        problem_type: ``transformers``' name of what is predicted: ``single_label_classification``,
            ``multi_label_classification`` or ``regression``.
        labels: names of the outputs; a number has one output without a name.
        pooling: ``auto`` is ``transformers``' own head for the architecture, which plain ``transformers`` loads; for
            encoder-decoders, whose own head would run the decoder too, it is ``mean`` over the encoder. Any other of
            :data:`~taskzoo.models.pooling.POOLINGS` is a :class:`PooledClassifier`.
        loading: passed on to ``from_pretrained``.

    Raises:
        RequestError: the architecture has no such head.
    """
    settings: dict[str, Any] = {"problem_type": problem_type, "num_labels": len(labels) or 1}
    if labels:
        settings["id2label"] = dict(enumerate(labels))
        settings["label2id"] = {label: i for i, label in enumerate(labels)}
    hub = {k: v for k, v in loading.items() if k == "revision"}
    config = AutoConfig.from_pretrained(checkpoint, **settings, **hub)
    saved = getattr(config, "sequence_pooling", None)
    own_head = type(config) in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING
    if pooling == "auto":
        pooling = saved or ("mean" if config.is_encoder_decoder or not own_head else "own")
    if pooling == "own":
        model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(
            checkpoint, config=config, ignore_mismatched_sizes=True, **loading
        )
        return model
    if config.is_encoder_decoder and pooling == "last":
        raise RequestError("pooling=last reads a decoder's last token; an encoder-decoder takes mean or first.")
    config.sequence_pooling = pooling
    PooledClassifier.register_for_auto_class("AutoModelForSequenceClassification")
    if saved is None:
        model = PooledClassifier(config, AutoModel.from_pretrained(checkpoint, config=deepcopy(config), **loading))
    else:
        model = PooledClassifier.from_pretrained(checkpoint, config=config, ignore_mismatched_sizes=True, **loading)
    freeze_sinusoids(model)
    return model
