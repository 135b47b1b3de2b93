"""Whatever the settings: in a batch, alone, and by plain ``transformers``, a source gives the same tokens."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import GenerationConfig

from taskzoo import registry
from taskzoo.engine.batches import tensors
from taskzoo.seq2seq.generation import generate_ids, generation_config
from taskzoo.seq2seq.pair_collator import PairCollator
from taskzoo.seq2seq.pair_encoding import encode_pairs
from taskzoo.seq2seq.pair_examples import pair_example
from taskzoo.seq2seq.seq2seq_model import load_seq2seq_model
from taskzoo.seq2seq.sequence_format import find_sequence_format
from taskzoo.types import Batch, Row

from .pairs import SOURCES, checkpoint, to_chinese, tokenizer_and_config

FAST = ("bart", "gpt2")
SLOW = ("t5", "mt5", "marian", "pegasus", "mbart", "mbart50", "m2m_100", "nllb", "bert", "roberta", "qwen2")
FAMILIES = [*FAST, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
DEFAULTS = registry.task("translation").resolve_options({})
LENGTHS = (SOURCES[0], " ".join(SOURCES[:5]), SOURCES[1], " ".join(SOURCES[2:4]), SOURCES[9], SOURCES[0])


class Family:
    """A tiny model with random weights, in double precision: equal logits are then equal, however they are batched."""

    def __init__(self, family: str) -> None:
        self.tokenizer, config = tokenizer_and_config(family)
        self.form = find_sequence_format(self.tokenizer, config, to_chinese())
        self.model = load_seq2seq_model(str(checkpoint(family)), self.form).eval().double()
        examples = [pair_example(Row({"source": source}), "predict") for source in LENGTHS]
        self.features = encode_pairs(examples, self.tokenizer, self.form).features
        config = self.settings({"max_new_tokens": 30})
        for seed, bias in product(range(8), (0.0, 2.0, 4.0, 8.0, 16.0)):  # until rows end at different places
            self._set_weights(seed, bias)
            if len({len(self.plain(f["input_ids"], config, 0)) for f in self.features}) > 2:
                return
        raise AssertionError(f"{family}: outputs of one length are no test")

    def _set_weights(self, seed: int, bias: float) -> None:
        torch.manual_seed(seed)
        for parameter in self.model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.6)
        layer = self.model.get_output_embeddings()
        layer.bias = torch.nn.Parameter(torch.zeros(len(layer.weight), dtype=torch.float64))
        layer.bias.data[self.form.end] = bias

    def settings(self, options: dict[str, Any]) -> GenerationConfig:
        own = GenerationConfig(**options.pop("own", {}))
        found = generation_config({**DEFAULTS, **options}, self.form, own, longest_target=10)
        self.model.generation_config = found
        return found

    def batch(self, size: int) -> Batch:
        return tensors(PairCollator(self.form)(self.features[:size]))

    def plain(self, ids: list[int], config: GenerationConfig, seed: int) -> list[int]:
        torch.manual_seed(seed)
        found = self.model.generate(input_ids=torch.tensor([ids]), generation_config=config)
        new = found[0, len(ids) if self.form.kind == "decoder" else 1 :].tolist()
        return new[: new.index(self.form.end) + 1] if self.form.end in new else new


family = cache(Family)

GREEDY = st.just({})
BEAMS = st.fixed_dictionaries(
    {"num_beams": st.integers(2, 3), "length_penalty": st.sampled_from([-1.0, 0.0, 1.0, 2.0])}
)
SAMPLE = st.fixed_dictionaries(
    {
        "sample": st.just(True),
        "temperature": st.sampled_from([0.3, 1.0, 2.0]),
        "top_k": st.sampled_from([0, 5, 50]),
        "top_p": st.sampled_from([0.5, 1.0]),
    }
)
LENGTH = st.fixed_dictionaries(
    {
        "max_new_tokens": st.sampled_from([1, 9, 20, 40]),
        "min_new_tokens": st.sampled_from([0, 0, 1, 9, 20]),
        "no_repeat_ngram": st.sampled_from([0, 0, 1, 2, 3]),
        "own": st.sampled_from(
            [{}, {"begin_suppress_tokens": [40, 41], "suppress_tokens": [42], "bad_words_ids": [[43], [44, 45]]}]
        ),
    }
).map(lambda found: {**found, "min_new_tokens": min(found["min_new_tokens"], found["max_new_tokens"])})
OPTIONS = st.builds(lambda a, b, c: {**a, **b, **c}, LENGTH, GREEDY | BEAMS, GREEDY | SAMPLE)


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=5, deadline=None)
@given(options=OPTIONS, size=st.integers(1, len(LENGTHS)), seed=st.integers(0, 3))
@example(options={"min_new_tokens": 12, "max_new_tokens": 40}, size=4, seed=0)
@example(options={"own": {"begin_suppress_tokens": list(range(30, 60))}, "max_new_tokens": 20}, size=4, seed=0)
@example(options={"no_repeat_ngram": 1, "max_new_tokens": 20}, size=4, seed=0)
@example(options={"sample": True, "num_beams": 2, "max_new_tokens": 10}, size=3, seed=1)
def test_a_batch_alone_and_plain_transformers(name: str, options: dict[str, Any], size: int, seed: int) -> None:
    one = family(name)
    config = one.settings(dict(options))
    found = generate_ids(one.model, one.batch(size), config, seed=seed)
    for place, feature in enumerate(one.features[:size]):
        assert found[place] == one.plain(feature["input_ids"], config, seed), (place, options)
