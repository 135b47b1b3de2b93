"""A backbone with a head that says one thing of a whole text."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, PreTrainedModel

from taskzoo.errors import RequestError

from .pooling import POOLINGS, PooledClassifier
from .sinusoids import freeze_sinusoids

PROBLEMS = {"single": "single_label_classification", "multi": "multi_label_classification", "value": "regression"}
"""What is said of a text - one of the labels, any of them, or a number - and transformers' word for it."""


def load_sequence_model(
    checkpoint: str, *, kind: str, labels: Sequence[str] = (), pooling: str = "auto", **loading: Any
) -> PreTrainedModel:
    """The backbone at ``checkpoint`` with a fresh head, or a finished run's model with its own.

    Args:
        checkpoint: directory or hub id.
        kind: a key of :data:`PROBLEMS`.
        labels: names of the outputs; a number has one output without a name.
        pooling: ``auto`` is ``transformers``' own head for the architecture, which plain ``transformers`` loads; for
            encoder-decoders, whose own head would run the decoder too, it is ``mean`` over the encoder. Any other of
            :data:`POOLINGS` is a :class:`PooledClassifier`.
        loading: passed on to ``from_pretrained``.

    Raises:
        RequestError: the architecture has no such head.
    """
    settings: dict[str, Any] = {"problem_type": PROBLEMS[kind], "num_labels": len(labels) or 1}
    if labels:
        settings["id2label"] = dict(enumerate(labels))
        settings["label2id"] = {label: i for i, label in enumerate(labels)}
    hub = {k: v for k, v in loading.items() if k == "revision"}
    config = AutoConfig.from_pretrained(checkpoint, **settings, **hub)
    saved = getattr(config, "sequence_pooling", None)
    own_head = type(config) in AutoModelForSequenceClassification._model_mapping
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
    if saved is not None:
        pooled: PreTrainedModel = PooledClassifier.from_pretrained(
            checkpoint, config=config, ignore_mismatched_sizes=True, **loading
        )
        freeze_sinusoids(pooled)
        return pooled
    backbone = AutoModel.from_pretrained(checkpoint, config=deepcopy(config), **loading)
    freeze_sinusoids(backbone)
    return PooledClassifier(config, backbone)


__all__ = ["POOLINGS", "PROBLEMS", "load_sequence_model"]
