"""The files by which sentence-transformers knows a folder as one of its models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .pooled_text import NAMES, POOLING_FILE


def write_encoder_files(folder: Path, *, width: int, pooling: str, length: int, prompts: Mapping[str, str]) -> None:
    """Write ``modules.json`` and what it refers to into ``folder``, which has model and tokenizer.

    Args:
        folder: of the model.
        width: of the vectors.
        pooling: of the tokens.
        length: tokens per text at most.
        prompts: name -> text.
    """
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    lines = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
        for i, (path, name) in enumerate(modules)
    ]
    _write(folder / "modules.json", lines)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": length, "do_lower_case": False})
    _write(folder / "config_sentence_transformers.json", {"prompts": dict(prompts), "default_prompt_name": None})
    names = {"mean": "mean_tokens", "first": "cls_token", "last": "lasttoken"}
    modes = {f"pooling_mode_{name}": ours == pooling for ours, name in names.items()}
    _write(folder / POOLING_FILE, {"word_embedding_dimension": width, **modes, "pooling_mode": NAMES[pooling]})


def _write(file: Path, value: Any) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
