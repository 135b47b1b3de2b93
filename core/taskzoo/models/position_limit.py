"""How many tokens a model takes, from its configuration and its table of positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

_SETTINGS = ("max_position_embeddings", "n_positions", "max_encoder_position_embeddings")
_TABLES = ("position_embeddings", "embed_positions")
_RELATIVE = {"t5", "mt5", "umt5"}
"""Families whose configuration has a number of positions, and whose model has no limit."""


def position_limit(config: Any) -> int | None:
    """Maximum number of tokens of one input, special ones included; ``None``: there is no limit.

    A table of positions with a row for padding (RoBERTa and its kin) is counted from the row after it, so 514 positions
    after padding at 1 hold 512 tokens.
    """
    found = (getattr(config, name, None) for name in _SETTINGS)
    positions = next((number for number in found if isinstance(number, int) and number > 0), None)
    if positions is None or config.model_type in _RELATIVE:
        return None
    return positions - _rows_before_the_first(config)


def _rows_before_the_first(config: Any) -> int:
    """Rows of the table of positions up to that of padding; the model is built without weights to see it."""
    import torch
    from transformers import MODEL_MAPPING

    if type(config) not in MODEL_MAPPING:  # code of its own
        return 0
    made = MODEL_MAPPING[type(config)]
    cls: Any = made[0] if isinstance(made, tuple) else made
    try:
        with torch.device("meta"):  # draws no random numbers
            model: nn.Module = cls(config)
    except Exception:  # a configuration that cannot be built is explained where the model is loaded
        return 0
    tables = (module for name, module in model.named_modules() if name.rpartition(".")[2] in _TABLES)
    padding = [getattr(table, "padding_idx", None) for table in tables]
    return max((row + 1 for row in padding if isinstance(row, int)), default=0)
