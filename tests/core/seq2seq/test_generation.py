"""Settings of generation come from the options of the task alone, and what they say is done."""

from __future__ import annotations

import warnings
from itertools import pairwise

import pytest
import torch
from transformers import GenerationConfig, set_seed

from taskzoo import registry
from taskzoo.engine.batches import tensors
from taskzoo.errors import RequestError
from taskzoo.seq2seq import generation
from taskzoo.seq2seq.generation import generate_ids, generation_config
from taskzoo.seq2seq.generation_settings import check_effects, check_generation
from taskzoo.seq2seq.pair_collator import PairCollator
from taskzoo.seq2seq.pair_encoding import encode_pairs
from taskzoo.seq2seq.pair_examples import pair_example
from taskzoo.seq2seq.seq2seq_model import load_seq2seq_model
from taskzoo.seq2seq.sequence_format import find_sequence_format
from taskzoo.types import Example, Row

from .pairs import SOURCES, TARGETS, checkpoint, to_chinese, tokenizer_and_config

FAMILIES = ["bart", "gpt2"]
DEFAULTS = registry.task("translation").resolve_options({})


class Generator:
    """A tiny untrained model with all that generation needs."""

    def __init__(self, family: str) -> None:
        self.tokenizer, config = tokenizer_and_config(family)
        self.form = find_sequence_format(self.tokenizer, config, to_chinese())
        torch.manual_seed(0)
        self.model = load_seq2seq_model(str(checkpoint(family)), self.form).eval()
        for parameter in self.model.parameters():  # else every token is followed by itself
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.3)
        examples = [pair_example(Row({"source": source}), "predict") for source in SOURCES[:3]]
        features = encode_pairs(examples, self.tokenizer, self.form).features
        self.batch = tensors(PairCollator(self.form)(features))

    def settings(self, **options) -> GenerationConfig:
        own = self.model.generation_config
        return generation_config({**DEFAULTS, **options}, self.form, own, longest_target=10)

    def __call__(self, *, seed: int = 0, **options) -> list[list[int]]:
        settings = self.settings(**options)
        self.model.generation_config = settings
        return [ids for ids in generate_ids(self.model, self.batch, settings, seed=seed) if ids is not None]

    @torch.no_grad()
    def greedy(self, steps: int) -> list[list[int]]:
        """The best token after each other, from logits of whole sequences, one source at a time."""
        found = []
        for ids, mask in zip(self.batch.targets["prompt_ids"], self.batch.targets["prompt_mask"], strict=True):
            source, generated = ids[mask.bool()].tolist(), []
            while len(generated) < steps and self.form.end not in generated:
                if self.form.kind == "decoder":
                    inputs = {"input_ids": torch.tensor([source + generated])}
                else:
                    start = torch.tensor([[self.form.start, *generated]])
                    inputs = {"input_ids": torch.tensor([source]), "decoder_input_ids": start}
                generated.append(int(self.model(**inputs).logits[0, -1].argmax()))
            found.append(generated)
        return found


@pytest.fixture(params=FAMILIES)
def generator(request):
    return Generator(request.param)


def steer(model, token: int, by: float) -> None:
    """Make ``token`` likelier after every text."""
    layer = model.get_output_embeddings()
    layer.bias = torch.nn.Parameter(torch.zeros(layer.weight.shape[0]))
    layer.bias.data[token] = by


def test_greedy_is_the_best_token_after_each_other(generator):
    assert generator(max_new_tokens=8) == generator.greedy(8)


@pytest.mark.parametrize(("first", "least"), [(1, 0), (2, 0), (3, 5)])
def test_rows_that_have_ended_leave_the_batch_and_change_nothing(generator, monkeypatch, first, least):
    steer(generator.model, generator.form.end, 2.0)
    options = {"max_new_tokens": 24, "min_new_tokens": least}
    monkeypatch.setattr(generation, "FIRST_PART", 100)
    expected = generator(**options)
    assert len(set(map(len, expected))) > 1  # they end at different places
    sizes, plain = [], generator.model.generate
    monkeypatch.setattr(
        generator.model, "generate", lambda **given: sizes.append(len(given["input_ids"])) or plain(**given)
    )
    monkeypatch.setattr(generation, "FIRST_PART", first)
    assert generator(**options) == expected
    done, in_the_batch = 0, []
    while done < 24 and (left := sum(len(ids) > done for ids in expected)):
        in_the_batch.append(left)
        done = max(first, 2 * done)
    assert sizes == in_the_batch


def test_a_checkpoints_own_settings_change_nothing(generator):
    expected = generator.greedy(8)
    generator.model.generation_config = GenerationConfig(
        num_beams=4,
        min_length=56,
        max_length=142,
        length_penalty=2.0,
        no_repeat_ngram_size=3,
        early_stopping=True,
        repetition_penalty=5.0,
        do_sample=False,
        forced_eos_token_id=generator.form.end,
        eos_token_id=generator.form.end,
        pad_token_id=generator.form.pad,
        decoder_start_token_id=generator.form.end,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert generator(max_new_tokens=8) == expected


def test_tokens_that_must_never_be_generated_stay_so(generator):
    first = generator.greedy(1)[0][0]
    generator.model.generation_config.bad_words_ids = [[first]]
    for _ in range(2):  # also once the settings have been replaced by the task's
        assert all(first not in ids for ids in generator(max_new_tokens=6))


def test_the_fewest_and_the_most_tokens(generator):
    end = generator.form.end
    steer(generator.model, end, 1e3)
    assert generator(max_new_tokens=8) == [[end]] * 3
    assert [len(ids) for ids in generator(max_new_tokens=8, min_new_tokens=5)] == [6] * 3
    assert all(end not in ids[:5] for ids in generator(max_new_tokens=8, min_new_tokens=5))
    steer(generator.model, end, -1e3)
    assert [len(ids) for ids in generator(max_new_tokens=8)] == [8] * 3
    assert [len(ids) for ids in generator()] == [18] * 3  # by the longest target, and some
    assert [len(ids) for ids in generator(min_new_tokens=25)] == [25] * 3


def test_no_ngram_twice(generator):
    steer(generator.model, generator.form.end, -1e3)
    steer(generator.model, 40, 1e3)
    assert generator(max_new_tokens=8) == [[40] * 8] * 3
    for ids in generator(max_new_tokens=8, no_repeat_ngram=2):
        pairs = list(pairwise(ids))
        assert len(set(pairs)) == len(pairs)


def test_beams_find_what_is_at_least_as_likely(generator):
    steer(generator.model, generator.form.end, -1e3)

    @torch.no_grad()
    def likelihood(generated):
        total = 0.0
        sources, masks = generator.batch.targets["prompt_ids"], generator.batch.targets["prompt_mask"]
        for ids, mask, target in zip(sources, masks, generated, strict=True):
            source = ids[mask.bool()].tolist()
            if generator.form.kind == "decoder":
                inputs = {"input_ids": torch.tensor([source + target[:-1]])}
            else:
                start = torch.tensor([[generator.form.start, *target[:-1]]])
                inputs = {"input_ids": torch.tensor([source]), "decoder_input_ids": start}
            logits = generator.model(**inputs).logits[0, -len(target) :].log_softmax(-1)
            total += float(logits.gather(1, torch.tensor(target)[:, None]).sum())
        return total

    greedy, beams = generator(max_new_tokens=6), generator(max_new_tokens=6, num_beams=8)
    assert likelihood(beams) > likelihood(greedy)


def test_sampling_is_repeated_by_its_seed_and_disturbs_nothing(generator):
    set_seed(3)
    state = torch.random.get_rng_state()
    drawn = [generator(seed=seed, sample=True, max_new_tokens=8, temperature=2.0) for seed in (0, 0, 1)]
    assert torch.equal(torch.random.get_rng_state(), state)
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0] != generator(max_new_tokens=8)
    assert generator(sample=True, top_k=1, max_new_tokens=8) == generator(max_new_tokens=8)
    assert generator(sample=True, top_p=0.01, max_new_tokens=8) == generator(max_new_tokens=8)
    assert generator(sample=True, temperature=0.01, max_new_tokens=8) == generator(max_new_tokens=8)


def test_only_what_is_asked_for_is_generated(generator):
    generator.batch.targets["generate"] = torch.tensor([False, True, False])
    settings = generator.model.generation_config = generator.settings(max_new_tokens=4)
    found = generate_ids(generator.model, generator.batch, settings)
    assert found[0] is found[2] is None
    assert found[1] == generator.greedy(4)[1]
    generator.batch.targets["generate"][:] = False
    assert generate_ids(generator.model, generator.batch, settings) == [None] * 3


def test_the_forced_language_comes_first():
    generator = Generator("nllb")
    for options in ({}, {"num_beams": 3}, {"min_new_tokens": 4}):
        assert {ids[0] for ids in generator(max_new_tokens=6, **options)} == {generator.form.forced}


def test_more_than_a_model_can_generate_is_refused():
    decoder = Generator("gpt2")
    with pytest.raises(RequestError, match=r"max_new_tokens=257 exceeds the 256 tokens that this model can generate"):
        decoder.settings(max_new_tokens=257)
    with pytest.raises(RequestError, match=r"min_new_tokens=300 exceeds"):
        decoder.settings(min_new_tokens=300)
    decoder.settings(max_new_tokens=256)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_new_tokens": 9, "max_new_tokens": 8}, "min_new_tokens=9 is greater than"),
        ({"top_p": 1.1}, "at most 1"),
    ],
)
def test_options_that_no_model_could_follow(options, message):
    with pytest.raises(RequestError, match=message):
        check_generation({**DEFAULTS, **options})
    with pytest.raises(RequestError, match=message):
        registry.load_task("summarization")(registry.task("summarization").resolve_options(options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"length_penalty": 1.2},
            "length_penalty=1.2 has no effect without num_beams=2 or more; add that, or set length_penalty=1[.]",
        ),
        ({"length_penalty": 1.2, "sample": True}, "without num_beams=2"),
        ({"temperature": 0.7}, "temperature=0.7 has no effect without sample=true"),
        ({"top_k": 5, "num_beams": 2}, "top_k=5 has no effect without sample=true; add that, or set top_k=50[.]"),
        ({"top_p": 0.9}, "top_p=0.9 has no effect without sample=true"),
        ({"sample_seed": 3}, "sample_seed=3 has no effect without sample=true"),
    ],
)
def test_options_without_effect_are_refused_where_a_run_begins(options, message):
    """And not where one that was saved with them is loaded."""
    task = registry.load_task("summarization")(registry.task("summarization").resolve_options(options))
    with pytest.raises(RequestError, match=message):
        task.fit([Example({"source": "a text", "targets": ["a"]})])


def test_options_that_have_an_effect():
    check_effects(DEFAULTS)
    check_effects({**DEFAULTS, "num_beams": 2, "length_penalty": 1.2})
    check_effects({**DEFAULTS, "sample": True, "temperature": 0.7, "top_k": 5, "top_p": 0.9, "sample_seed": 3})


def test_the_model_keeps_the_settings_of_the_task():
    task = registry.load_task("translation")({**DEFAULTS, "num_beams": 3, "max_new_tokens": 7})
    pairs = zip(SOURCES, TARGETS, strict=True)
    task.fit(task.prepare([Row({"source": source, "target": target}) for source, target in pairs], "train"))
    task.configure(*tokenizer_and_config("pegasus"))  # its own are 8 beams, 64 tokens and a penalty of 0.6
    found = task.head(str(checkpoint("pegasus"))).generation_config
    assert (found.num_beams, found.max_new_tokens, found.length_penalty) == (3, 7, 1.0)
    assert found.max_length in (None, 20)


@pytest.mark.parametrize("options", [{"num_beams": 3}, {}])
def test_a_batch_is_generated_in_parts_that_hold_few_texts_at_once(generator, monkeypatch, options):
    expected = generator(**options, max_new_tokens=6)
    sizes, plain = [], generator.model.generate
    monkeypatch.setattr(
        generator.model, "generate", lambda **given: sizes.append(len(given["input_ids"])) or plain(**given)
    )
    monkeypatch.setattr(generation, "SEQUENCES", 4)
    assert generator(**options, max_new_tokens=6) == expected
    assert max(sizes) * options.get("num_beams", 1) <= 4
