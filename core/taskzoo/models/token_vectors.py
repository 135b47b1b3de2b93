"""Vectors of the tokens of a text, from an encoder that is not trained here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from taskzoo.errors import RequestError

from .checkpoints import resolve_model
from .loading import explain_load_errors

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TOKENS_PER_BATCH = 4096


def token_vectors(model_name: str) -> Callable[[Sequence[str]], list[np.ndarray]]:
    """A function from texts to their last hidden states, one float32 array ``[tokens, width]`` each, on the processor.

    Special tokens have no vector, a blank text has none at all, and a text is cut to the model's length (at most 512
    tokens). Of an encoder-decoder the encoder is used. The model is loaded at the first call.

    Args:
        model_name: as after ``--model``: a registry name, a directory or a hub id.

    Raises:
        UnknownNameError: no such model.
        RequestError: a model from scratch; at the first call, one that cannot be loaded.
    """
    checkpoint = resolve_model(model_name)
    if checkpoint.is_scratch:
        raise RequestError(f"The vectors of {model_name!r} say nothing: it is untrained; name a pretrained model.")

    @cache
    def load() -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
        import torch
        from transformers import AutoModel

        from .tokenizers import load_tokenizer

        tokenizer = load_tokenizer(checkpoint)
        loading: dict[str, Any] = {"revision": checkpoint.revision} if checkpoint.revision else {}
        with explain_load_errors(checkpoint, "model"):
            model = AutoModel.from_pretrained(checkpoint.location, dtype=torch.float32, **loading)
        return tokenizer, (model.get_encoder() if model.config.is_encoder_decoder else model).eval()

    return lambda texts: _embed(*load(), texts)


def _embed(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, texts: Sequence[str]) -> list[np.ndarray]:
    import torch

    from .texts import encode_texts
    from .tokenizers import special_tokens_around

    network: Any = model
    features = encode_texts(tokenizer, texts).features
    before, after = (len(ids) for ids in special_tokens_around(tokenizer))
    width = int(getattr(network.config, "hidden_size", None) or network.config.d_model)
    found = [np.zeros((0, width), dtype=np.float32) for _ in texts]
    full = [f for f in features if texts[f["row"]].strip() and len(f["input_ids"]) > before + after]
    full.sort(key=lambda feature: len(feature["input_ids"]), reverse=True)
    while full:
        longest = len(full[0]["input_ids"])
        size = max(1, TOKENS_PER_BATCH // longest)
        batch, full = full[:size], full[size:]
        ids = torch.full((len(batch), longest), int(tokenizer.pad_token_id or 0))
        mask = torch.zeros_like(ids)
        for i, feature in enumerate(batch):
            ids[i, : len(feature["input_ids"])] = torch.tensor(feature["input_ids"])
            mask[i, : len(feature["input_ids"])] = 1
        with torch.inference_mode():
            states = network(input_ids=ids, attention_mask=mask).last_hidden_state
        for i, feature in enumerate(batch):
            kept = states[i, before : len(feature["input_ids"]) - after]
            found[feature["row"]] = kept.numpy().astype(np.float32)
    return found
