"""The head: a linear classifier over sub-token states, with a CRF on top by option."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForTokenClassification, PreTrainedModel
from transformers.modeling_outputs import TokenClassifierOutput

from taskzoo import RequestError

from .crf import LinearChainCrf


@dataclass
class CrfOutput(TokenClassifierOutput):
    """Emissions as ``logits`` ``[B, T, L]``; the CRF's ``transitions`` ``[L, L]``, ``start`` and ``end`` ``[L]``."""

    transitions: torch.FloatTensor | None = None
    start: torch.FloatTensor | None = None
    end: torch.FloatTensor | None = None


class _CrfMixin:
    """Adds a CRF's parameters to a token classifier; they travel with the outputs, so any wrapper may hold them."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)  # type: ignore[call-arg]
        self.crf = LinearChainCrf(config.num_labels)

    def _init_weights(self, module: Any) -> None:
        if isinstance(module, LinearChainCrf):
            module.reset_parameters()
        else:
            super()._init_weights(module)  # type: ignore[misc]

    def forward(self, *args: Any, **kwargs: Any) -> CrfOutput:
        outputs = super().forward(*args, **kwargs)  # type: ignore[misc]
        transitions, start, end = self.crf()
        return CrfOutput(logits=outputs.logits, transitions=transitions, start=start, end=end)


def load_head(checkpoint: str, labels: Sequence[str], *, crf: bool, **loading: Any) -> PreTrainedModel:
    """The backbone at ``checkpoint`` with a fresh (or, for a finished run, its own) token classifier.

    The linear head is ``transformers``' own class for the architecture. With a CRF the emissions still are: plain
    ``transformers`` loads such a model as a linear one and leaves the transitions out.

    Raises:
        RequestError: the architecture has no token classifier.
    """
    settings: dict[str, Any] = {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: i for i, label in enumerate(labels)},
    }
    hub = {k: v for k, v in loading.items() if k == "revision"}
    config = AutoConfig.from_pretrained(checkpoint, **settings, **hub)
    mapping = AutoModelForTokenClassification._model_mapping
    if type(config) not in mapping:
        raise RequestError(f"Models of the family {config.model_type!r} have no token classifier in transformers.")
    base: Any = mapping[type(config)]
    # under the base's own name, which is what save_pretrained writes as the architecture
    cls: Any = type(base.__name__, (_CrfMixin, base), {"__module__": __name__}) if crf else base
    model: PreTrainedModel = cls.from_pretrained(checkpoint, config=config, ignore_mismatched_sizes=True, **loading)
    return model
