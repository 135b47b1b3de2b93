"""A backbone with a linear classifier over pooled token states.

This file imports nothing of taskzoo: a run that uses the class keeps a copy of it beside the weights, so that
``AutoModelForSequenceClassification.from_pretrained(RUN/model, trust_remote_code=True)`` works without taskzoo.
"""

from copy import deepcopy
from typing import Any

import torch
from torch import nn
from transformers import AutoModel, PreTrainedModel
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
    return states[torch.arange(len(states), device=states.device), index]


class PooledClassifier(PreTrainedModel):
    """``AutoModel``, pooled as ``config.sequence_pooling`` says, dropout, and one linear layer to ``num_labels``.

    Of an encoder-decoder only the encoder is kept.
    """

    base_model_prefix = "backbone"
    supports_gradient_checkpointing = True

    def __init__(self, config: Any, backbone: PreTrainedModel | None = None) -> None:
        inner = deepcopy(config)  # the backbone keeps its own, because it chooses its attention implementation itself
        if hasattr(inner, "use_cache"):
            inner.use_cache = False
        super().__init__(config)
        backbone = AutoModel.from_config(inner) if backbone is None else backbone
        self.backbone = backbone.get_encoder() if config.is_encoder_decoder else backbone
        if isinstance(getattr(self.backbone, "pooler", None), nn.Module):
            self.backbone.pooler = None  # it would get no gradient
        self.dropout = nn.Dropout(_dropout(config))
        self.classifier = nn.Linear(getattr(config, "hidden_size", None) or config.d_model, config.num_labels)
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
        pooled = pool(states, mask, self.config.sequence_pooling)
        return SequenceClassifierOutput(logits=self.classifier(self.dropout(pooled)))


def _dropout(config: Any) -> float:
    names = ("classifier_dropout", "classifier_dropout_rate", "hidden_dropout_prob", "dropout_rate", "dropout")
    given = (getattr(config, name, None) for name in (*names, "resid_pdrop"))
    return float(next((value for value in given if isinstance(value, (int, float))), 0.1))
