"""Answers to prompts: settings from the task's options alone, and the call of ``generate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers import GenerationConfig

from taskzoo import RequestError

from . import SFT


def check_effects(options: Mapping[str, Any]) -> None:
    """Refuse, where a run begins, options of sampling that would change nothing.

    Raises:
        RequestError: which.
    """
    for name in ("top_p", "sample_seed"):
        default = SFT.options[name].default
        if not options["temperature"] and options[name] != default:
            raise RequestError(
                f"{name}={options[name]:g} has no effect without temperature above 0; add that, or set "
                f"{name}={default:g}."
            )


def generation_config(options: Mapping[str, Any], ends: Sequence[int], pad: int) -> GenerationConfig:
    """Settings that the model keeps, so that plain ``transformers`` generates the same."""
    settings: dict[str, Any] = {"max_new_tokens": options["max_new_tokens"], "use_cache": True}
    if options["temperature"]:
        settings |= {"do_sample": True, "temperature": options["temperature"], "top_p": options["top_p"], "top_k": 0}
    return GenerationConfig(pad_token_id=pad, eos_token_id=list(ends), **settings)


def generate(
    model: Any, ids: torch.Tensor, mask: torch.Tensor, config: GenerationConfig, *, seed: int
) -> list[list[int]]:
    """The new tokens of each prompt up to and with an end token; ``ids`` and ``mask`` ``[B, P]``, padded on the left.

    What is sampled is drawn for each prompt by itself, so that the others of a batch do not change it.
    """
    if not config.do_sample:
        return _until_end(model.generate(input_ids=ids, attention_mask=mask, generation_config=config), ids, config)
    found = []
    with torch.random.fork_rng(devices=[ids.device] if ids.is_cuda else []):
        for row, seen in zip(ids, mask.bool(), strict=True):
            torch.manual_seed(seed)
            prompt = row[seen].unsqueeze(0)
            made = model.generate(input_ids=prompt, attention_mask=torch.ones_like(prompt), generation_config=config)
            found += _until_end(made, prompt, config)
    return found


def _until_end(made: torch.Tensor, ids: torch.Tensor, config: GenerationConfig) -> list[list[int]]:
    ends, rows = set(config.eos_token_id), made[:, ids.shape[1] :].tolist()
    return [row[: next((place for place, i in enumerate(row, 1) if i in ends), len(row))] for row in rows]
