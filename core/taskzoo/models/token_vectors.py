"""Vectors of the tokens of a text, from an encoder that is not trained here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from taskzoo.errors import RequestError

from .loading import explain_load_errors, load_config
from .refs import ModelRef, resolve_model
from .text_encoding import encode_texts
from .tokenizers import fit_vocabulary, load_tokenizer, special_tokens_around

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TOKENS_PER_BATCH = 4096


def token_vectors(model_name: str) -> Callable[[Sequence[str]], list[np.ndarray]]:
    """A function from texts to their last hidden states, one float32 array ``[tokens, width]`` each, on the CPU.

    Special tokens have no vector, a text of whitespace has none at all, and a text is cut to the model's length (at
    most 512 tokens). Of an encoder-decoder the encoder is used. The model, named as after ``--model``, is loaded at the
    first call.

    Raises:
        UnknownNameError: no such model.
        RequestError: a model from scratch; at the first call, one that cannot be loaded.
    """
    ref = resolve_model(model_name)
    if ref.is_scratch:
        raise RequestError(f"The vectors of {model_name!r} mean nothing: it is untrained; name a pretrained model.")

    @cache
    def load() -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
        tokenizer = load_tokenizer(ref)
        with explain_load_errors(ref, "model"):
            model = _load_encoder(ref)
            fit_vocabulary(model, tokenizer, ref.name)
        return tokenizer, model.eval()

    return lambda texts: _embed(*load(), texts)


def _load_encoder(ref: ModelRef) -> PreTrainedModel:
    import torch
    from transformers import AutoModel

    from .pooling import PooledClassifier, PooledConfig

    keywords = {"config": load_config(ref), "dtype": torch.float32, **ref.loading}
    if isinstance(keywords["config"], PooledConfig):
        backbone: PreTrainedModel = PooledClassifier.from_pretrained(ref.location, **keywords).backbone
        return backbone
    model: PreTrainedModel = AutoModel.from_pretrained(ref.location, **keywords)
    return model.get_encoder() if model.config.is_encoder_decoder else model


def _embed(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, texts: Sequence[str]) -> list[np.ndarray]:
    import torch

    network: Any = model
    features = encode_texts(tokenizer, texts).features
    before, after = (len(ids) for ids in special_tokens_around(tokenizer))
    width = int(getattr(network.config, "hidden_size", None) or network.config.d_model)
    found = [np.zeros((0, width), dtype=np.float32) for _ in texts]
    full = [f for f in features if texts[f.row].strip() and f.length > before + after]
    full.sort(key=lambda feature: feature.length, reverse=True)
    while full:
        longest = full[0].length
        size = max(1, TOKENS_PER_BATCH // longest)
        batch, full = full[:size], full[size:]
        ids = torch.full((len(batch), longest), int(tokenizer.pad_token_id or 0))
        mask = torch.zeros_like(ids)
        for i, feature in enumerate(batch):
            ids[i, : feature.length] = torch.tensor(feature["input_ids"])
            mask[i, : feature.length] = 1
        with torch.inference_mode():
            states = network(input_ids=ids, attention_mask=mask).last_hidden_state
        for i, feature in enumerate(batch):
            found[feature.row] = states[i, before : feature.length - after].numpy().astype(np.float32)
    return found
