"""A backbone with a linear classifier over pooled token states.

This file imports nothing of taskzoo: a run that uses the class keeps a copy of it beside the weights, so that
``AutoModelForSequenceClassification.from_pretrained(RUN/model, trust_remote_code=True)`` works without taskzoo. In a
process that imports this module, the classes are known to ``transformers``, and no code of a directory is run.
"""

from copy import deepcopy
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

POOLINGS = ("mean", "unit-mean", "first", "last")


def pool(states: torch.Tensor, mask: torch.Tensor, how: str) -> torch.Tensor:
    """Token states ``[B, T, H]`` to float32 vectors ``[B, H]``; positions where ``mask`` ``[B, T]`` is 0 are ignored.

    ``mean`` of the tokens (Reimers & Gurevych 2019); ``unit-mean`` the same scaled to length sqrt(H), which suits
    sentence encoders trained on cosines; ``first`` and ``last`` real token, on whichever side the padding is.
    """
    states, kept = states.float(), mask.to(states.device).bool()
    if how in ("mean", "unit-mean"):
        mean = (states * kept.unsqueeze(-1)).sum(1) / kept.sum(1, keepdim=True).clamp(min=1)
        return mean if how == "mean" else nn.functional.normalize(mean, dim=-1) * mean.shape[-1] ** 0.5
    places = torch.arange(kept.shape[1], device=states.device).expand_as(kept)
    far = places.masked_fill(~kept, kept.shape[1] if how == "first" else -1)
    index = (far.amin(1) if how == "first" else far.amax(1)).clamp(0, kept.shape[1] - 1)
    return states[torch.arange(states.shape[0], device=states.device), index]  # len() would fix the batch in an export


REFUSED = "see backbone: load this model with AutoModelForSequenceClassification and trust_remote_code=True"


def _of_backbone(name: str) -> Any:
    """A setting that is the backbone's."""
    return property(
        lambda config: getattr(config.backbone, name, None), lambda config, value: setattr(config.backbone, name, value)
    )


class PooledConfig(PreTrainedConfig):
    """The backbone's own configuration under ``backbone``, labels and ``sequence_pooling`` beside it.

    The model type is one that ``transformers`` does not have: without this file its Auto classes refuse to load the
    model. The backbone's own classes, if called by name, would only warn and start from random weights; so in
    ``config.json`` a value that all of them need says what to do, and they refuse it.
    """

    model_type = "taskzoo_pooled"

    def __init__(
        self,
        backbone: PreTrainedConfig | dict[str, Any] | None = None,
        backbone_type: str = "",
        sequence_pooling: str = "mean",
        **values: Any,
    ) -> None:
        self.backbone: Any = AutoConfig.for_model(backbone_type, **backbone) if isinstance(backbone, dict) else backbone
        self.sequence_pooling = sequence_pooling
        super().__init__(**{name: value for name, value in values.items() if value != REFUSED})

    def to_dict(self) -> dict[str, Any]:
        """The content of ``config.json``."""
        values = super().to_dict()
        inner = dict(values.pop("backbone", None) or {})
        inner.pop("_name_or_path", None)  # a path of the machine that trained
        kind = inner.pop("model_type", "")  # by which a class of transformers would find the settings
        return {**values, "backbone": inner, "backbone_type": kind, "vocab_size": REFUSED}

    pad_token_id, vocab_size = _of_backbone("pad_token_id"), _of_backbone("vocab_size")


class PooledClassifier(PreTrainedModel):
    """The backbone, pooled as ``config.sequence_pooling`` says, dropout, and one linear layer to ``num_labels``.

    Of an encoder-decoder only the encoder is kept.
    """

    config_class = PooledConfig
    base_model_prefix = "backbone"
    supports_gradient_checkpointing = True

    def __init__(self, config: PooledConfig, backbone: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        inner = deepcopy(config.backbone)  # the model keeps its own, because it chooses its attention implementation
        if hasattr(inner, "use_cache"):
            inner.use_cache = False
        if backbone is None:
            backbone = AutoModel.from_config(inner, dtype=torch.get_default_dtype())
        self.backbone = backbone.get_encoder() if inner.is_encoder_decoder else backbone
        if isinstance(getattr(self.backbone, "pooler", None), nn.Module):
            self.backbone.pooler = None  # it would get no gradient
        self.dropout = nn.Dropout(_dropout(inner))
        self.classifier = nn.Linear(getattr(inner, "hidden_size", None) or inner.d_model, config.num_labels)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        **_: Any,
    ) -> SequenceClassifierOutput:
        """Logits ``[B, num_labels]`` for ``input_ids`` ``[B, T]``."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        more = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        states = self.backbone(input_ids=input_ids, attention_mask=mask, **more).last_hidden_state
        pooled = pool(states, mask, self.config.sequence_pooling).to(states.dtype)
        return SequenceClassifierOutput(logits=self.classifier(self.dropout(pooled)))


def _dropout(config: Any) -> float:
    names = ("classifier_dropout", "classifier_dropout_rate", "hidden_dropout_prob", "dropout_rate", "dropout")
    given = (getattr(config, name, None) for name in (*names, "resid_pdrop"))
    return float(next((value for value in given if isinstance(value, (int, float))), 0.1))


if __name__ == "taskzoo.models.pooling":  # not the copy beside a model
    AutoConfig.register(PooledConfig.model_type, PooledConfig, exist_ok=True)
    AutoModelForSequenceClassification.register(PooledConfig, PooledClassifier, exist_ok=True)
    PooledConfig.register_for_auto_class()
    PooledClassifier.register_for_auto_class("AutoModelForSequenceClassification")
