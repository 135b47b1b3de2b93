"""Heads of :mod:`tests.contract.whole_task`, one without a fault, others with one each; saved beside their weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification, BertConfig, BertModel, BertPreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class MeanConfig(BertConfig):
    model_type = "mean_bert"


class MeanBert(BertPreTrainedModel):
    """BERT with a classifier on the mean of the states of real tokens."""

    config_class = MeanConfig

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(self, input_ids: Any = None, attention_mask: Any = None, **others: Any) -> SequenceClassifierOutput:
        states = self.bert(input_ids, attention_mask=attention_mask).last_hidden_state
        return SequenceClassifierOutput(logits=self.classifier(self.pooled(states, attention_mask)))

    def pooled(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return (states * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)


class MaskForgotten(MeanBert):
    def pooled(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return states.mean(1)


class IdleLayer(MeanBert):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.idle = nn.Linear(config.hidden_size, config.hidden_size)


class Normalised(MeanBert):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.normal = nn.BatchNorm1d(config.hidden_size)

    def pooled(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.normal(super().pooled(states, mask))


class BorrowedType(MeanBert):
    config_class = BertConfig


class LoneConfig(BertConfig):
    model_type = "lone_bert"


class CodeLeftBehind(MeanBert):
    config_class = LoneConfig
    _auto_class = None


def register(config: type, model: type) -> None:
    """As docs/plugins.md says for a head of one's own."""
    AutoConfig.register(config.model_type, config, exist_ok=True)
    AutoModelForSequenceClassification.register(config, model, exist_ok=True)
    config.register_for_auto_class()
    model.register_for_auto_class("AutoModelForSequenceClassification")


register(MeanConfig, MeanBert)
for _faulty in (MaskForgotten, IdleLayer, Normalised, BorrowedType):
    _faulty.register_for_auto_class("AutoModelForSequenceClassification")
AutoConfig.register("lone_bert", LoneConfig, exist_ok=True)
