"""The head: each span of words against each label, whose name the same encoder reads.

A span is the states of its first and its last word and an embedding of its width (Lee et al. 2017, "End-to-end Neural
Coreference Resolution"), passed through two layers. Its score for a label is the product with the label's vector, the
mean of the states of its name's tokens, as in GLiNER (Zaratiana et al. 2024). So spans may overlap, and labels can be
changed after training.

This file imports nothing of taskzoo: a copy of it is saved beside the weights.
"""

from copy import deepcopy
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import TokenClassifierOutput

PRIOR = -4.0
"""The bias of all scores at the start: few spans are entities."""


class SpanConfig(PreTrainedConfig):
    """The backbone's own configuration under ``backbone``, and the sizes of the head.

    Args:
        backbone: of the encoder.
        max_width: words of the longest span.
        span_size: numbers in the vector of a span.
    """

    model_type = "taskzoo_spans"
    sub_configs = {"backbone": AutoConfig}  # noqa: RUF012 - as transformers declares it

    def __init__(
        self,
        backbone: PreTrainedConfig | dict[str, Any] | None = None,
        max_width: int = 1,
        span_size: int = 256,
        **values: Any,
    ) -> None:
        if isinstance(backbone, dict):
            inner = dict(backbone)
            backbone = AutoConfig.for_model(inner.pop("model_type"), **inner)
        self.backbone: Any = backbone
        self.max_width, self.span_size = max_width, span_size
        super().__init__(**values)


class SpanModel(PreTrainedModel):
    """Scores of all spans of at most ``config.max_width`` words."""

    config_class = SpanConfig
    base_model_prefix = "backbone"
    supports_gradient_checkpointing = True

    def __init__(self, config: SpanConfig, backbone: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        # the model keeps a configuration of its own, because it chooses its attention implementation
        self.backbone = AutoModel.from_config(deepcopy(config.backbone)) if backbone is None else backbone
        hidden, size = config.backbone.hidden_size, config.span_size
        self.first, self.last = nn.Linear(hidden, size), nn.Linear(hidden, size, bias=False)
        self.width = nn.Embedding(config.max_width, size)
        self.span, self.label = nn.Linear(size, size), nn.Linear(hidden, size)
        self.scale = nn.Linear(1, 1)
        self.post_init()
        for layer in (
            self.first,
            self.last,
            self.span,
            self.label,
        ):  # a product of small vectors would learn too slowly
            nn.init.xavier_uniform_(layer.weight)
        nn.init.constant_(self.scale.weight, size**-0.5)
        nn.init.constant_(self.scale.bias, PRIOR)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        starts: torch.Tensor,
        ends: torch.Tensor,
        label_ids: torch.Tensor,
        label_mask: torch.Tensor,
    ) -> TokenClassifierOutput:
        """Logits ``[B, N, W, L]``: of the span of ``w + 1`` words from word ``n`` on, for each of ``L`` labels.

        Args:
            input_ids: tokens ``[B, T]``.
            attention_mask: 1 where there is a token.
            starts: place of the first token of each word, ``[B, N]``.
            ends: place of its last token.
            label_ids: tokens of the labels' names, ``[L, U]``.
            label_mask: 1 where there is a token.
        """
        states = self.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        first, last = self.first(_at(states, starts)), self.last(_at(states, ends))
        widths = self.config.max_width
        following = nn.functional.pad(last, (0, 0, 0, widths - 1)).unfold(1, widths, 1).transpose(2, 3)  # [B, N, W, D]
        spans = self.span(nn.functional.gelu(first.unsqueeze(2) + following + self.width.weight))
        read = self.backbone(input_ids=label_ids, attention_mask=label_mask).last_hidden_state
        kept = label_mask.unsqueeze(-1).to(read.dtype)
        labels = self.label((read * kept).sum(1) / kept.sum(1))
        return TokenClassifierOutput(logits=self.scale((spans @ labels.T).unsqueeze(-1)).squeeze(-1))


def _at(states: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    return states.gather(1, places.unsqueeze(-1).expand(-1, -1, states.shape[-1]))


def load_head(checkpoint: str, *, max_width: int, labels: list[str], **loading: Any) -> PreTrainedModel:
    """The backbone at ``checkpoint`` with a fresh head, or a finished run with its own."""
    where = {name: loading[name] for name in ("revision", "trust_remote_code") if name in loading}
    names: dict[str, Any] = {"id2label": dict(enumerate(labels))}
    names["label2id"] = {label: i for i, label in enumerate(labels)}
    found = AutoConfig.from_pretrained(checkpoint, **where)
    if found.model_type == SpanConfig.model_type:
        loaded: PreTrainedModel = SpanModel.from_pretrained(checkpoint, **names, **loading)
        return loaded
    backbone = AutoModel.from_pretrained(checkpoint, **loading)
    config = SpanConfig(deepcopy(backbone.config), max_width, pad_token_id=backbone.config.pad_token_id, **names)
    return SpanModel(config, backbone).to(backbone.dtype)


if __name__ == "taskzoo_spans.head":  # not the copy beside a model
    AutoConfig.register(SpanConfig.model_type, SpanConfig, exist_ok=True)
    AutoModel.register(SpanConfig, SpanModel, exist_ok=True)
    SpanConfig.register_for_auto_class()
    SpanModel.register_for_auto_class("AutoModel")
