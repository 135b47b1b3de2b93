"""Settings of generation come from the options of the task alone, and what they say is done."""

from __future__ import annotations

import warnings
from itertools import pairwise

import pytest
import torch
from transformers import GenerationConfig, set_seed

from taskzoo import registry
from taskzoo.errors import RequestError
from taskzoo.task import Row
from taskzoo.text2text import generation
from taskzoo.text2text.collator import PairCollator
from taskzoo.text2text.encoding import encode_pairs
from taskzoo.text2text.form import find_form
from taskzoo.text2text.generation import check_generation, generation_config, write
from taskzoo.text2text.model import load_writer
from taskzoo.text2text.rows import plain_rows

from .kit import SOURCES, TARGETS, checkpoint, tokenizer_and_config

FAMILIES = ["bart", "gpt2"]
DEFAULTS = registry.task("translation").resolve_options({})


class Writer:
    """A tiny untrained model with all that writing needs."""

    def __init__(self, family: str) -> None:
        self.tokenizer, config = tokenizer_and_config(family)
        self.form = find_form(self.tokenizer, config, languages=("en", "zh"))
        torch.manual_seed(0)
        self.model = load_writer(str(checkpoint(family)), self.form).eval()
        for parameter in self.model.parameters():  # else every token is followed by itself
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.3)
        features = encode_pairs(plain_rows(SOURCES[:3]), self.tokenizer, self.form).features
        self.batch = PairCollator(self.form)(features)

    def settings(self, **options) -> GenerationConfig:
        own = self.model.generation_config
        return generation_config({**DEFAULTS, **options}, self.form, own, longest_target=10)

    def __call__(self, *, seed: int = 0, **options) -> list[list[int]]:
        settings = self.settings(**options)
        self.model.generation_config = settings
        return [ids for ids in write(self.model, self.batch, settings, seed=seed) if ids is not None]

    @torch.no_grad()
    def greedy(self, steps: int) -> list[list[int]]:
        """The best token after each other, from logits of whole sequences, one source at a time."""
        found = []
        for ids, mask in zip(self.batch["targets"]["prompt_ids"], self.batch["targets"]["prompt_mask"], strict=True):
            source, written = ids[mask.bool()].tolist(), []
            while len(written) < steps and self.form.end not in written:
                if self.form.kind == "decoder":
                    inputs = {"input_ids": torch.tensor([source + written])}
                else:
                    start = torch.tensor([[self.form.start, *written]])
                    inputs = {"input_ids": torch.tensor([source]), "decoder_input_ids": start}
                written.append(int(self.model(**inputs).logits[0, -1].argmax()))
            found.append(written)
        return found


@pytest.fixture(params=FAMILIES)
def writer(request):
    return Writer(request.param)


def steer(model, token: int, by: float) -> None:
    """Make ``token`` likelier after every text."""
    layer = model.get_output_embeddings()
    layer.bias = torch.nn.Parameter(torch.zeros(layer.weight.shape[0]))
    layer.bias.data[token] = by


def test_greedy_is_the_best_token_after_each_other(writer):
    assert writer(max_new_tokens=8) == writer.greedy(8)


@pytest.mark.parametrize(("first", "least"), [(1, 0), (2, 0), (3, 5)])
def test_rows_that_have_ended_leave_the_batch_and_change_nothing(writer, monkeypatch, first, least):
    steer(writer.model, writer.form.end, 2.0)
    options = {"max_new_tokens": 24, "min_new_tokens": least}
    monkeypatch.setattr(generation, "FIRST_PART", 100)
    expected = writer(**options)
    assert len(set(map(len, expected))) > 1  # they end at different places
    sizes, plain = [], writer.model.generate
    monkeypatch.setattr(
        writer.model, "generate", lambda **given: sizes.append(len(given["input_ids"])) or plain(**given)
    )
    monkeypatch.setattr(generation, "FIRST_PART", first)
    assert writer(**options) == expected
    done, still_writing = 0, []
    while done < 24 and (left := sum(len(ids) > done for ids in expected)):
        still_writing.append(left)
        done = max(first, 2 * done)
    assert sizes == still_writing


def test_a_checkpoints_own_settings_change_nothing(writer):
    expected = writer.greedy(8)
    writer.model.generation_config = GenerationConfig(
        num_beams=4, min_length=56, max_length=142, length_penalty=2.0, no_repeat_ngram_size=3, early_stopping=True,
        repetition_penalty=5.0, do_sample=False, forced_eos_token_id=writer.form.end, eos_token_id=writer.form.end,
        pad_token_id=writer.form.pad, decoder_start_token_id=writer.form.end,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert writer(max_new_tokens=8) == expected


def test_tokens_that_must_never_be_written_stay_so(writer):
    first = writer.greedy(1)[0][0]
    writer.model.generation_config.bad_words_ids = [[first]]
    for _ in range(2):  # also once the settings have been replaced by the task's
        assert all(first not in ids for ids in writer(max_new_tokens=6))


def test_the_fewest_and_the_most_tokens(writer):
    end = writer.form.end
    steer(writer.model, end, 1e3)
    assert writer(max_new_tokens=8) == [[end]] * 3
    assert [len(ids) for ids in writer(max_new_tokens=8, min_new_tokens=5)] == [6] * 3
    assert all(end not in ids[:5] for ids in writer(max_new_tokens=8, min_new_tokens=5))
    steer(writer.model, end, -1e3)
    assert [len(ids) for ids in writer(max_new_tokens=8)] == [8] * 3
    assert [len(ids) for ids in writer()] == [18] * 3  # by the longest target, and some
    assert [len(ids) for ids in writer(min_new_tokens=25)] == [25] * 3


def test_no_ngram_twice(writer):
    steer(writer.model, writer.form.end, -1e3)
    steer(writer.model, 40, 1e3)
    assert writer(max_new_tokens=8) == [[40] * 8] * 3
    for ids in writer(max_new_tokens=8, no_repeat_ngram=2):
        pairs = list(pairwise(ids))
        assert len(set(pairs)) == len(pairs)


def test_beams_find_what_is_at_least_as_likely(writer):
    steer(writer.model, writer.form.end, -1e3)

    @torch.no_grad()
    def likelihood(written):
        total = 0.0
        sources, masks = writer.batch["targets"]["prompt_ids"], writer.batch["targets"]["prompt_mask"]
        for ids, mask, target in zip(sources, masks, written, strict=True):
            source = ids[mask.bool()].tolist()
            if writer.form.kind == "decoder":
                inputs = {"input_ids": torch.tensor([source + target[:-1]])}
            else:
                start = torch.tensor([[writer.form.start, *target[:-1]]])
                inputs = {"input_ids": torch.tensor([source]), "decoder_input_ids": start}
            logits = writer.model(**inputs).logits[0, -len(target) :].log_softmax(-1)
            total += float(logits.gather(1, torch.tensor(target)[:, None]).sum())
        return total

    greedy, beams = writer(max_new_tokens=6), writer(max_new_tokens=6, num_beams=8)
    assert likelihood(beams) > likelihood(greedy)


def test_sampling_is_repeated_by_its_seed_and_disturbs_nothing(writer):
    set_seed(3)
    state = torch.random.get_rng_state()
    drawn = [writer(seed=seed, sample=True, max_new_tokens=8, temperature=2.0) for seed in (0, 0, 1)]
    assert torch.equal(torch.random.get_rng_state(), state)
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0] != writer(max_new_tokens=8)
    assert writer(sample=True, top_k=1, max_new_tokens=8) == writer(max_new_tokens=8)
    assert writer(sample=True, top_p=0.01, max_new_tokens=8) == writer(max_new_tokens=8)
    assert writer(sample=True, temperature=0.01, max_new_tokens=8) == writer(max_new_tokens=8)


def test_only_what_is_asked_for_is_written(writer):
    writer.batch["targets"]["write"] = torch.tensor([False, True, False])
    settings = writer.model.generation_config = writer.settings(max_new_tokens=4)
    found = write(writer.model, writer.batch, settings)
    assert found[0] is found[2] is None
    assert found[1] == writer.greedy(4)[1]
    writer.batch["targets"]["write"][:] = False
    assert write(writer.model, writer.batch, settings) == [None] * 3


def test_the_forced_language_comes_first():
    writer = Writer("nllb")
    for options in ({}, {"num_beams": 3}, {"min_new_tokens": 4}):
        assert {ids[0] for ids in writer(max_new_tokens=6, **options)} == {writer.form.forced}


def test_more_than_a_model_can_write_is_refused():
    decoder = Writer("gpt2")
    with pytest.raises(RequestError, match=r"max_new_tokens=257 is more than this model can write \(256 tokens\)"):
        decoder.settings(max_new_tokens=257)
    with pytest.raises(RequestError, match=r"min_new_tokens=300 is more"):
        decoder.settings(min_new_tokens=300)
    decoder.settings(max_new_tokens=256)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"min_new_tokens": 9, "max_new_tokens": 8}, "min_new_tokens=9 is more than"), ({"top_p": 1.1}, "at most 1")],
)
def test_options_that_no_model_could_follow(options, message):
    with pytest.raises(RequestError, match=message):
        check_generation({**DEFAULTS, **options})
    with pytest.raises(RequestError, match=message):
        registry.load_task("summarization")(registry.task("summarization").resolve_options(options))


def test_the_model_keeps_the_settings_of_the_task():
    task = registry.load_task("translation")({**DEFAULTS, "num_beams": 3, "max_new_tokens": 7})
    pairs = zip(SOURCES, TARGETS, strict=True)
    task.fit(task.prepare([Row({"source": source, "target": target}) for source, target in pairs], "train"))
    task.adapt(*tokenizer_and_config("pegasus"))  # its own are 8 beams, 64 tokens and a penalty of 0.6
    found = task.head(str(checkpoint("pegasus"))).generation_config
    assert (found.num_beams, found.max_new_tokens, found.length_penalty) == (3, 7, 1.0)
    assert found.max_length in (None, 20)


@pytest.mark.parametrize("options", [{"num_beams": 3}, {}])
def test_a_batch_is_written_in_parts_that_hold_few_texts_at_once(writer, monkeypatch, options):
    expected = writer(**options, max_new_tokens=6)
    sizes, plain = [], writer.model.generate
    monkeypatch.setattr(
        writer.model, "generate", lambda **given: sizes.append(len(given["input_ids"])) or plain(**given)
    )
    monkeypatch.setattr(generation, "SEQUENCES", 4)
    assert writer(**options, max_new_tokens=6) == expected
    assert max(sizes) * options.get("num_beams", 1) <= 4
