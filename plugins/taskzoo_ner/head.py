"""The head: a linear classifier over sub-token states, optionally with a CRF on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING, PreTrainedModel
from transformers.dynamic_module_utils import get_class_from_dynamic_module
from transformers.modeling_outputs import TokenClassifierOutput

from taskzoo.errors import RequestError
from taskzoo.models.loading import backbone_config, hub_keywords, needs_code

from .crf import LinearChainCrf, Scores

_AUTO = "AutoModelForTokenClassification"


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

    The linear head is ``transformers``' own class for the architecture, or the one that comes with the checkpoint as
    code. With a CRF the emissions still are: plain ``transformers`` loads such a model as a linear one and leaves the
    transitions out.

    Raises:
        RequestError: the architecture has no token classifier, or it is code that is not trusted.
    """
    names = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
    config = backbone_config(checkpoint, loading, num_labels=len(labels), **names)
    base = _token_classifier(config, checkpoint, loading)
    # under the base's own name, which is what save_pretrained writes as the architecture; its code is the base's file
    module = __name__ if base.__module__.startswith("transformers.") else base.__module__
    cls: Any = type(base.__name__, (_CrfMixin, base), {"__module__": module}) if crf else base
    model: PreTrainedModel = cls.from_pretrained(checkpoint, config=config, **loading)
    return model


def _token_classifier(config: Any, checkpoint: str, loading: Mapping[str, Any]) -> Any:
    code = (getattr(config, "auto_map", None) or {}).get(_AUTO)
    if code and loading.get("trust_remote_code"):
        own = get_class_from_dynamic_module(code, checkpoint, **hub_keywords(loading))
        own.register_for_auto_class(_AUTO)  # its code is saved with the model
        return own
    if type(config) in MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING:
        return MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING[type(config)]
    if code:
        raise needs_code("token classifier", checkpoint)
    if type(config).__module__.startswith("transformers_modules."):
        raise RequestError(f"The code of this checkpoint has no token classifier ({_AUTO}).")
    raise RequestError(f"Models of the family {config.model_type!r} have no token classifier in transformers.")
