"""A backbone with a head that predicts one thing for a whole text."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from transformers import (
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING,
    MODEL_FOR_TEXT_ENCODING_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoModelForTextEncoding,
    PreTrainedModel,
)

from taskzoo.errors import RequestError

from .loading import hub_keywords, say_new
from .pooling import PooledClassifier, PooledConfig
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
            encoder-decoders, whose own head would run the decoder too, it is ``mean`` over the encoder, and for a
            number from a decoder, whose own head has no bias to hold its mean, ``last``. Any other of
            :data:`~taskzoo.models.pooling.POOLINGS` is a :class:`PooledClassifier`.
        loading: passed on to ``from_pretrained``.

    Raises:
        RequestError: the architecture has no such head.
    """
    settings: dict[str, Any] = {"problem_type": problem_type, "num_labels": len(labels) or 1}
    if labels:
        settings["id2label"] = dict(enumerate(labels))
        settings["label2id"] = {label: i for i, label in enumerate(labels)}
    config = AutoConfig.from_pretrained(checkpoint, **settings, **hub_keywords(loading))
    saved = isinstance(config, PooledConfig)
    if type(config).__module__.startswith("transformers_modules."):
        _check_code(config, pooling)
    if (config.architectures or [""])[0].endswith("EncoderModel"):  # T5's encoder alone, which calls itself no half
        config.is_encoder_decoder = True
    own_head = _with_code(config) or type(config) in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING
    if pooling == "auto" and saved:
        pooling = config.sequence_pooling
    elif pooling == "auto":
        pooling = "mean" if config.is_encoder_decoder or not own_head else "own"
    if pooling == "own":
        model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(
            checkpoint, config=config, **loading
        )
        if problem_type != "regression" or _has_bias(model):
            return model
        pooling = "last"
    backbone = config.backbone if saved else config
    if backbone.is_encoder_decoder and pooling == "last":
        raise RequestError("pooling=last reads a decoder's last token; an encoder-decoder takes mean or first.")
    if saved:
        config.sequence_pooling = pooling
        model = PooledClassifier.from_pretrained(checkpoint, config=config, **loading)
    else:
        pooled = PooledConfig(deepcopy(config), sequence_pooling=pooling, **settings)
        auto = AutoModelForTextEncoding if type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING else AutoModel
        model = PooledClassifier(pooled, auto.from_pretrained(checkpoint, config=config, **loading))
        say_new("classifier")  # and not the pooler that it has no use for
    freeze_sinusoids(model)
    return model


def _with_code(config: Any) -> bool:
    """Whether the checkpoint brings a classifier of its own."""
    return "AutoModelForSequenceClassification" in (getattr(config, "auto_map", None) or {})


def _check_code(config: Any, pooling: str) -> None:
    """Refuse what cannot be done with an architecture that is code of the checkpoint."""
    if not _with_code(config):
        raise RequestError(
            "The code of this checkpoint has no classifier for texts (AutoModelForSequenceClassification)."
        )
    if pooling != "auto":
        raise RequestError(
            f"pooling={pooling} needs an architecture of transformers, and that of this checkpoint is code of its own; "
            "set pooling=auto, which takes the classifier that comes with it."
        )


def _has_bias(model: PreTrainedModel) -> bool:
    """Whether the head has a bias; decoders' own heads have none."""
    inside = f"{model.base_model_prefix}."
    return any(name.endswith("bias") for name, _ in model.named_parameters() if not name.startswith(inside))
