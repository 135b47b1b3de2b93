"""The one door to what turns a model of torch into the files of CTranslate2.

Its converter loads a checkpoint and takes the tokenizer's tokens for the vocabulary. Only the part that reads the
layers of a model is used here, with the model as it is loaded, and a vocabulary of the ids themselves: families differ
in their tokenizers more than in their layers.
"""

from __future__ import annotations

import copy
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError, RunError
from taskzoo.seq2seq.sequence_format import SequenceFormat

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_NORMS = {
    "bart": (False, True),
    "marian": (False, False),
    "mbart": (True, True),
    "m2m_100": (True, False),
    "pegasus": (True, False),
}
"""Whether layers normalise before attention, and whether embeddings are normalised: older configurations said so."""


def check_installed() -> None:
    """Refuse, by a :class:`RequestError`, to export where the package is missing, with what to install."""
    try:
        importlib.import_module("ctranslate2")
    except ImportError:
        raise RequestError(
            "An export to CTranslate2 needs ctranslate2; install it with: pip install 'taskzoo[ctranslate2]'."
        ) from None


def can_convert(config: Any) -> bool:
    """Whether CTranslate2 knows the layers of a model with this configuration."""
    return _loader(config) is not None


def write_model(model: PreTrainedModel, form: SequenceFormat, folder: Path, *, int8: bool) -> None:
    """Write ``model.bin``, ``config.json`` and the vocabulary into ``folder``.

    Args:
        model: on the CPU in float32.
        form: of the run.
        folder: exists.
        int8: weights in 8 bits, one scale for each row of a matrix.

    Raises:
        RunError: CTranslate2 cannot convert the model.
    """
    import torch

    model = copy.deepcopy(model)  # some converters take the layers out of it
    _fill_configuration(model.config)
    try:
        with torch.no_grad():
            spec = _loader(model.config).get_model_spec(model)
        spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = str(form.end)
        tokens, inputs = (_ids(layer) for layer in (model.get_output_embeddings(), model.get_input_embeddings()))
        if form.kind == "decoder":
            spec.register_vocabulary(tokens)
            spec.config.layer_norm_epsilon = getattr(model.config, "rms_norm_eps", None)
        else:
            spec.register_source_vocabulary(inputs)
            spec.register_target_vocabulary(tokens)
            spec.config.decoder_start_token = str(form.start)
        spec.validate()
        spec.optimize(quantization="int8" if int8 else "float32")
        spec.save(str(folder))
    except (OSError, MemoryError):
        raise
    except Exception as error:  # whatever a converter meets in a model that it does not expect
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise RunError(f"CTranslate2 cannot convert a {type(model).__name__}: {said:.300}") from error


def _loader(config: Any) -> Any:
    """What reads the layers of a model; ``None``: nothing does."""
    from ctranslate2.converters import transformers as converters

    # Marian's own leaves out the padding token, with which our models begin.
    name = "BartConfig" if config.model_type == "marian" else type(config).__name__
    return converters._MODEL_LOADERS.get(name)


def _fill_configuration(config: Any) -> None:
    """What converters ask of a configuration and ``transformers`` 5 no longer writes there, or writes elsewhere."""
    if config.model_type in _NORMS:
        config.normalize_before, config.normalize_embedding = _NORMS[config.model_type]
    if config.model_type in ("t5", "mt5"):  # CTranslate2 scales outputs where the embeddings are tied
        config.tie_word_embeddings = getattr(config, "scale_decoder_outputs", False)
    if rotary := getattr(config, "rope_parameters", None):
        config.rope_theta = rotary.get("rope_theta", 10_000.0)


def _ids(layer: Any) -> list[str]:
    return list(map(str, range(layer.weight.shape[0])))
