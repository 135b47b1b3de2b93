"""The baseline: as many first sentences as do best by the score that is compared."""

from __future__ import annotations

import pytest

from taskzoo import Row, registry
from taskzoo.metrics.summaries import Rouge
from taskzoo_summarization.lead import Lead

SOURCE = "The cat sat. On the mat it slept. All day."
TARGET = "The cat sat slept it mat the on"  # two sentences share more words with it, one the longer subsequence


@pytest.mark.parametrize(("score", "count"), [("rouge1", 2), ("rougeL", 1)])
def test_the_number_of_sentences_is_chosen_by_the_score(score, count):
    lead = Lead(Rouge("en"), score, " ".join)
    lead.fit([SOURCE], [[TARGET]])
    assert lead.sentences == count
    assert lead.summarize(["One. Two. Three."]) == [["One.", "One. Two."][count - 1]]


def test_the_task_chooses_by_its_primary_score(monkeypatch):
    task = registry.load_task("summarization")(registry.task("summarization").resolve_options({"language": "en"}))
    examples = task.prepare([Row({"source": SOURCE, "target": TARGET})], "train")
    task.fit(examples)
    assert task.baseline(examples, 0)(examples)[0]["text"] == "The cat sat."
    monkeypatch.setattr(task, "primary_metric", "rouge1")
    assert task.baseline(examples, 0)(examples)[0]["text"] == "The cat sat. On the mat it slept."
