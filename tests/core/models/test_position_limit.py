"""A text of as many tokens as the limit says goes through the model, and one more does not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel

from taskzoo.models.position_limit import position_limit

SIZES = {"vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
WIDTH = {"vocab_size": 20, "d_model": 8, "encoder_layers": 1, "decoder_layers": 1}
WIDTH |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
LUKE = {"entity_vocab_size": 4, "entity_emb_size": 8}
PADDING = {"pad_token_id": 1}
AFTER_PADDING: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("roberta", "roberta-prelayernorm", "data2vec-text", "ibert", "mpnet", "camembert"), PADDING),
    "xmod": PADDING | {"languages": ["en_XX"], "default_language": "en_XX"},
    "luke": PADDING | LUKE,
    "esm": PADDING | {"position_embedding_type": "absolute", "mask_token_id": 4},
    "roberta-prelayernorm of another padding": {"pad_token_id": 3},
}
FROM_ZERO = {
    "bert": SIZES,
    "gpt2": {"vocab_size": 20, "n_embd": 8, "n_layer": 1, "n_head": 2},
    "bart": WIDTH,
    "opt": SIZES,
}


def fits(config: Any, length: int) -> bool:
    model = AutoModel.from_config(config).eval()
    ids = torch.full((1, length), 7)
    try:
        model(input_ids=ids, attention_mask=torch.ones_like(ids))
    except (IndexError, RuntimeError):
        return False
    return True


@pytest.mark.parametrize("case", AFTER_PADDING)
def test_positions_after_padding(case: str) -> None:
    family, values = case.split()[0], AFTER_PADDING[case]
    config = AutoConfig.for_model(family, max_position_embeddings=24, **SIZES, **values)
    limit = 24 - values["pad_token_id"] - 1
    assert position_limit(config) == limit
    assert (fits(config, limit), fits(config, limit + 1)) == (True, False)


@pytest.mark.parametrize("family", FROM_ZERO)
def test_positions_from_zero(family: str) -> None:
    config = AutoConfig.for_model(family, max_position_embeddings=24, **FROM_ZERO[family])
    assert position_limit(config) == 24
    assert (fits(config, 24), fits(config, 25)) == (True, False)


def test_the_encoder_of_led_counts() -> None:
    config = AutoConfig.for_model("led", max_encoder_position_embeddings=48, attention_window=8, **WIDTH)
    assert position_limit(config) == 48


def test_relative_positions_have_no_limit() -> None:
    assert position_limit(AutoConfig.for_model("t5")) is None


def test_random_numbers_are_left_alone() -> None:
    before = torch.get_rng_state()
    position_limit(AutoConfig.for_model("roberta", max_position_embeddings=24, **SIZES))
    assert torch.equal(before, torch.get_rng_state())
