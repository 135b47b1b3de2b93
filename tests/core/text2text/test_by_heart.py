"""Every family learns pairs by heart and writes them: wrong shifts, start tokens, padding or ends would show."""

from __future__ import annotations

import pytest
import torch
import transformers

from .kit import PAIRS, SOURCES, TARGETS, families, learnt


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@families
def test_writes_what_it_learnt(family):
    assert [p["text"] for p in learnt(family).predict(SOURCES)] == TARGETS


@families
@pytest.mark.parametrize("beams", [1, 3])
def test_a_batch_writes_what_single_sources_do(family, beams):
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
def test_plain_transformers_writes_the_same(family):
    run = learnt(family)
    folder = run.path / "model"
    config = transformers.AutoConfig.from_pretrained(folder)
    auto = transformers.AutoModelForSeq2SeqLM if config.is_encoder_decoder else transformers.AutoModelForCausalLM
    model, tokenizer = auto.from_pretrained(folder), transformers.AutoTokenizer.from_pretrained(folder)
    for source, target in PAIRS[:4]:
        ids = run.task.encode(run.task.rows_from_texts([source]), run.tokenizer).features[0]["input_ids"]
        written = model.generate(input_ids=torch.tensor([ids]))[0]
        text = tokenizer.decode(written[0 if config.is_encoder_decoder else len(ids) :], skip_special_tokens=True)
        assert text.replace(" ", "") == target


@families
def test_stops_at_the_learnt_end(family):
    run = learnt(family)
    rows = run.task.rows_from_texts(SOURCES[:4])
    from taskzoo.engine.evaluation import predict

    encoded = run.task.encode(rows, run.tokenizer)
    found = predict(run.model, run.task, rows, encoded, run.task.collator(run.tokenizer), run._accelerator).rows
    assert not any(prediction["_truncated"] for prediction in found)
