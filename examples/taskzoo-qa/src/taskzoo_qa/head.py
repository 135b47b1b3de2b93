"""The head: start and end logits of each token, by ``transformers``' own class for the architecture."""

from __future__ import annotations

from typing import Any

from transformers import (
    MODEL_FOR_QUESTION_ANSWERING_MAPPING,
    AutoConfig,
    AutoModelForQuestionAnswering,
    PreTrainedModel,
)

from taskzoo import RequestError

_NAMES = {"num_labels": 2, "id2label": {0: "start", 1: "end"}, "label2id": {"start": 0, "end": 1}}


def load_head(checkpoint: str, **loading: Any) -> PreTrainedModel:
    """The backbone at ``checkpoint`` with a fresh (or, for a finished run, its own) head.

    Raises:
        RequestError: ``transformers`` has no such class for the architecture.
    """
    where = {name: loading[name] for name in ("revision", "trust_remote_code") if name in loading}
    config = AutoConfig.from_pretrained(checkpoint, **where)
    if type(config) not in MODEL_FOR_QUESTION_ANSWERING_MAPPING:
        raise RequestError(
            f"Models of the family {config.model_type!r} have no question answering head in transformers; choose "
            "another family, such as bert, roberta, deberta-v2 or modernbert."
        )
    load = AutoModelForQuestionAnswering.from_pretrained
    model: PreTrainedModel = load(checkpoint, ignore_mismatched_sizes=True, **_NAMES, **loading)
    return model
