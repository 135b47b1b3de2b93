"""The head: a linear classifier over sub-token states, optionally with a CRF on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transformers import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING, PreTrainedModel
from transformers.modeling_outputs import TokenClassifierOutput

from taskzoo.errors import RequestError
from taskzoo.models.loading import backbone_config

from .crf import LinearChainCrf, Scores


@dataclass
class CrfOutput(TokenClassifierOutput):
    """Emissions as ``logits`` ``[B, T, L]``, and what the CRF adds to them."""

    scores: Scores | None = None


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
        return CrfOutput(logits=super().forward(*args, **kwargs).logits, scores=self.crf())  # type: ignore[misc]


def load_head(checkpoint: str, labels: Sequence[str], *, crf: bool, **loading: Any) -> PreTrainedModel:
    """The backbone at ``checkpoint`` with a fresh (or, for a finished run, its own) token classifier.

    The linear head is ``transformers``' own class for the architecture. With a CRF the emissions still are: plain
    ``transformers`` loads such a model as a linear one and leaves the transitions out.

    Raises:
        RequestError: the architecture has no token classifier.
    """
    names = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
    config = backbone_config(checkpoint, loading, num_labels=len(labels), **names)
    if type(config) not in MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING:
        raise RequestError(f"Models of the family {config.model_type!r} have no token classifier in transformers.")
    base: Any = MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING[type(config)]
    # under the base's own name, which is what save_pretrained writes as the architecture
    cls: Any = type(base.__name__, (_CrfMixin, base), {"__module__": __name__}) if crf else base
    model: PreTrainedModel = cls.from_pretrained(checkpoint, config=config, **loading)
    return model
