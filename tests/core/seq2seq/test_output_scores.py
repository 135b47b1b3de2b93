"""The score of a generated text is the mean log-probability of its tokens under the plain model."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
import torch

import taskzoo
from taskzoo.seq2seq.output_scores import token_log_probabilities
from taskzoo.seq2seq.outputs import Output, mean_log_probability
from taskzoo.seq2seq.pair_examples import pair_example
from taskzoo.types import IGNORE_INDEX, Row

from .pairs import SOURCES, TARGETS, checkpoint, families, learnt


@cache
def untrained(family: str) -> Any:
    """A run of one step: its scores differ between texts, and it takes a second."""
    return taskzoo.finetune(
        "translation",
        model=str(checkpoint(family)),
        train=(SOURCES, TARGETS),
        validation=[],
        test=[],
        source_lang="en",
        target_lang="zh",
        method="full",
        max_steps=1,
        max_new_tokens=12,
        precision="fp32",
        output=Path(mkdtemp(prefix="taskzoo-scores-")) / "run",
    )


@torch.no_grad()
def alone(run: Any, source: str, **settings: Any) -> tuple[list[int], float]:
    """What plain ``transformers`` generates for one source, and the mean log-probability of its tokens."""
    task, model, form = run.task, run.model, run.task.form
    (feature,) = task.encode([pair_example(Row({"source": source}), "predict")], run.processor).features
    given = torch.tensor([feature["input_ids"]])
    found = model.generate(input_ids=given, attention_mask=torch.ones_like(given), **settings)[0].tolist()
    ids = found[given.shape[1] :] if form.kind == "decoder" else found[1:]
    ids = ids[: ids.index(form.end) + 1] if form.end in ids else ids
    if form.kind == "decoder":
        logits = model(input_ids=torch.tensor([[*feature["input_ids"], *ids]])).logits[0, given.shape[1] - 1 : -1]
    else:
        logits = model(input_ids=given, decoder_input_ids=torch.tensor([[form.start, *ids[:-1]]])).logits[0]
    chosen = logits.double().log_softmax(-1)[range(len(ids)), ids]
    if form.forced is not None:
        chosen = chosen[1:]
    return ids, float(chosen.mean())


@families
def test_it_is_the_mean_log_probability_of_the_tokens(family):
    run = untrained(family)
    predictions = run.predict(SOURCES[:9])
    for source, prediction in zip(SOURCES, predictions, strict=False):
        _, expected = alone(run, source)
        assert prediction["score"] == pytest.approx(expected, abs=1e-3)
        assert prediction["score"] <= 0
    assert len({prediction["score"] for prediction in predictions}) > 1


def test_beams_change_the_output_and_not_the_meaning_of_the_score():
    run = untrained("marian")
    strange = "apples Hugo the two buys that cars"
    before = dict(run.task.options)
    try:
        run.task.options |= {"num_beams": 4, "no_repeat_ngram": 2, "length_penalty": 2.0}
        found = run.predict(strange)
        _, expected = alone(run, strange)
    finally:
        run.task.options.clear()
        run.task.options.update(before)
    assert found["score"] == pytest.approx(expected, abs=1e-3)


@pytest.mark.slow
def test_a_text_that_is_unlike_the_training_texts_has_a_lower_score():
    run = learnt("marian")
    known = [p["score"] for p in run.predict(SOURCES)]
    strange = [p["score"] for p in run.predict(["that book apples apples I", "Hugo Ben red", "cars cars cars Eva"])]
    assert max(strange) < sorted(known)[len(known) // 4]


def test_labels_that_do_not_count_are_left_out_and_rows_may_have_none():
    torch.manual_seed(0)
    logits = torch.randn(3, 4, 7)
    labels = torch.tensor([[1, 2, IGNORE_INDEX, 3], [IGNORE_INDEX] * 4, [6, 0, 1, 2]])
    found = token_log_probabilities(logits, labels)
    every = logits.double().log_softmax(-1)
    assert list(map(len, found)) == [3, 0, 4]
    assert found[0] == pytest.approx([float(every[0, t, i]) for t, i in ((0, 1), (1, 2), (3, 3))], abs=1e-5)


def test_chunks_count_by_their_tokens():
    chunks = [Output("a", False, -3.0, 3), Output("b", True, -1.0, 1), Output("", False, 0.0, 0)]
    assert mean_log_probability(chunks) == -1.0
    assert mean_log_probability([Output("a", False, -6.0, 2), Output("b", False, -1.0, 6)]) == -7 / 8
    assert mean_log_probability([]) is None
