"""Tiny randomly initialised checkpoints of true architectures, made in about a second and without a network.

They know nothing, yet take every path that a real checkpoint of the family takes: its own tokenizer class (trained on
the texts given), its special tokens, its positions, its layers, and how its generation begins and ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from taskzoo.errors import UnknownNameError

from .tiny_families import CONTEXT, HIDDEN, RECIPES, Family

FAMILIES = tuple(RECIPES)
"""The families :func:`make_tiny_checkpoint` can make: a ``model_type``, or ``mbart50`` (mBART-50, an ``mbart``) and
``nllb`` (an ``m2m_100``), which share an architecture and have tokenizers of their own."""


def make_tiny_checkpoint(
    folder: str | Path,
    family: str,
    texts: Iterable[str],
    *,
    vocabulary: int = 1000,
    dropout: float = 0.0,
    hidden: int = HIDDEN,
) -> Path:
    """Write a checkpoint of ``family`` that ``AutoTokenizer`` and every ``AutoModel`` load from ``folder``.

    Equal arguments give the same files in every process; the global random state is left alone. The weights are drawn
    from so wide a range that the model reacts to text as one of common size does.

    Args:
        folder: made if missing.
        family: one of :data:`FAMILIES`.
        texts: what the tokenizer is trained on.
        vocabulary: maximum vocabulary size, language codes and a few special tokens not counted.
        dropout: of all layers; 0 makes training repeatable whatever the batches.
        hidden: width of the model, a multiple of 4.

    Returns:
        ``folder`` as a path.

    Raises:
        UnknownNameError: a family that is not among :data:`FAMILIES`.
    """
    import torch
    import transformers

    from taskzoo.models.loading import quietly

    if family not in RECIPES:
        raise UnknownNameError("tiny model family", family, FAMILIES, f"There are {', '.join(FAMILIES)}.")
    recipe, folder = RECIPES[family], Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with quietly(), torch.random.fork_rng(devices=[]):
        tokenizer = recipe.tokenizer(list(texts), vocabulary, folder)
        values = _configuration(recipe, tokenizer, hidden, dropout)
        config = transformers.AutoConfig.for_model(recipe.model_type or family, **values)
        for name in ("initializer_range", "init_std"):
            if hasattr(config, name):
                setattr(config, name, 0.02 * (768 / hidden) ** 0.5)  # as far from 0 as in layers 768 wide
        if "max_position_embeddings" in values or "n_positions" in values:
            tokenizer.model_max_length = CONTEXT
        torch.manual_seed(0)
        model = getattr(transformers, recipe.model).from_config(config)
        for name, value in recipe.generation.items():
            setattr(model.generation_config, name, value)
        if recipe.never_pad:
            model.generation_config.bad_words_ids = [[tokenizer.pad_token_id]]
        tokenizer.save_pretrained(folder)
        model.save_pretrained(folder)
    return folder


def _configuration(recipe: Family, tokenizer: Any, hidden: int, dropout: float) -> dict[str, Any]:
    """The values of ``config.json``."""
    values = {f"{n}_token_id": getattr(tokenizer, f"{n}_token_id") for n in ("pad", "bos", "eos", "cls", "sep")}
    values |= {**recipe.size(hidden), **dict.fromkeys(recipe.dropouts.split(), dropout), **recipe.config}
    values["vocab_size"] = len(tokenizer) + recipe.spare_rows
    if recipe.positions_after_pad:
        values["max_position_embeddings"] = CONTEXT + tokenizer.pad_token_id + 1
    if recipe.start:
        values["decoder_start_token_id"] = values[f"{recipe.start}_token_id"]
    if recipe.forced_end:
        values["forced_eos_token_id"] = tokenizer.eos_token_id
    return values
