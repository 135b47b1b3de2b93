"""Every family memorizes pairs and generates them: wrong shifts, start tokens, padding or ends would show."""

from __future__ import annotations

import pytest
import torch
import transformers

from taskzoo import Row
from taskzoo.engine.evaluation import Predictor
from taskzoo.engine.precision import make_accelerator

from .pairs import PAIRS, SOURCES, TARGETS, families, learnt


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def examples(sources, task):
    return task.prepare([Row({"source": source}) for source in sources], "predict")


@families
def test_generates_what_it_learnt(family):
    assert [p["text"] for p in learnt(family).predict(SOURCES)] == TARGETS


@families
@pytest.mark.parametrize("beams", [1, 3])
def test_a_batch_generates_what_single_sources_do(family, beams):
    run = learnt(family)
    texts = [SOURCES[0], " ".join(SOURCES[:6]), "Anna", SOURCES[5], " ".join(SOURCES[3:20])]
    kept = run.task.options["num_beams"]
    run.task.options["num_beams"] = beams
    try:
        together = run.predict(texts)
        assert together == [run.predict(text) for text in texts]
    finally:
        run.task.options["num_beams"] = kept


@families
def test_plain_transformers_generates_the_same(family):
    run = learnt(family)
    folder = run.path / "model"
    config = transformers.AutoConfig.from_pretrained(folder)
    auto = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    model, tokenizer = auto.from_pretrained(folder), transformers.AutoTokenizer.from_pretrained(folder)
    for source, target in PAIRS[:4]:
        ids = run.task.encode(examples([source], run.task), run.processor).features[0]["input_ids"]
        generated = model.generate(input_ids=torch.tensor([ids]))[0]
        text = tokenizer.decode(generated[0 if config.is_encoder_decoder else len(ids) :], skip_special_tokens=True)
        assert text.replace(" ", "") == target


@families
def test_stops_at_the_learnt_end(family):
    run = learnt(family)
    given = examples(SOURCES[:4], run.task)
    predictor = Predictor(run.task, run.model, run.processor, make_accelerator("fp32", cpu=True))
    assert not any(prediction["_truncated"] for prediction in predictor.predict(given).rows)
