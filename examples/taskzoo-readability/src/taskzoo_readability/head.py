"""The head: one linear output over the pooled text."""

from __future__ import annotations

from typing import Any

from transformers import AutoModelForSequenceClassification, PreTrainedModel


def load_head(checkpoint: str, **loading: Any) -> PreTrainedModel:
    """The backbone at ``checkpoint`` with ``transformers``' own regression head for the architecture."""
    model: PreTrainedModel = AutoModelForSequenceClassification.from_pretrained(
        checkpoint, num_labels=1, problem_type="regression", ignore_mismatched_sizes=True, **loading
    )
    return model
