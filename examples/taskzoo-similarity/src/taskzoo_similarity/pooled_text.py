"""Vectors of texts: how they are pooled, and what a checkpoint says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, MODEL_FOR_MASKED_LM_MAPPING
from transformers.utils import cached_file

from taskzoo import RequestError
from taskzoo.models.pooling import pool

POOLING_FILE = "1_Pooling/config.json"
NAMES = {"mean": "mean", "first": "cls", "last": "lasttoken"}
"""Our name -> that of sentence-transformers."""
CHUNK = 16


def unit_vectors(model: Any, inputs: dict[str, Any], pooling: str) -> Tensor:
    """Vectors of length 1, ``[N, H]``, of ``input_ids`` and ``attention_mask`` ``[N, T]``, padded on the right.

    A CPU reads texts of similar length together, which saves most of the padding.
    """
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    lengths = mask.sum(1)
    order = lengths.argsort(stable=True)
    parts = []
    for rows in order.split(CHUNK if ids.device.type == "cpu" else len(order)):
        kept = mask[rows, : int(lengths[rows].max())]
        states = model(input_ids=ids[rows, : kept.shape[1]], attention_mask=kept).last_hidden_state
        parts.append(pool(states, kept, pooling))
    return functional.normalize(torch.cat(parts)[order.argsort()], dim=-1)


def find_pooling(config: Any) -> str:
    """The pooling that the checkpoint of ``config`` was trained with, if it says so; otherwise mean or last.

    Raises:
        RequestError: it is one that is not among ours.
    """
    if told := _read(str(config._name_or_path)):
        if told not in NAMES.values():
            raise RequestError(f"The checkpoint pools its tokens by {told!r}; set pooling to {', '.join(NAMES)}.")
        return next(name for name, its in NAMES.items() if its == told)
    decoder = type(config) in MODEL_FOR_CAUSAL_LM_MAPPING and type(config) not in MODEL_FOR_MASKED_LM_MAPPING
    return "last" if decoder else "mean"


def _read(location: str) -> str:
    """What the file of a sentence encoder says; ``""``: there is none."""
    quiet = {"_raise_exceptions_for_missing_entries": False, "_raise_exceptions_for_connection_errors": False}
    file = cached_file(location, POOLING_FILE, **quiet) if location else None
    if file is None:
        return ""
    values = json.loads(Path(file).read_text(encoding="utf-8"))
    flags = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls", "pooling_mode_lasttoken": "lasttoken"}
    old = next((how for name, how in flags.items() if values.get(name)), "another way")
    return str(values.get("pooling_mode", old))
