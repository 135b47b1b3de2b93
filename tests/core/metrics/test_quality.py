"""The correlation of a model's own scores with a metric of each row is scipy's; sentence scores are sacreBLEU's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sacrebleu
from scipy import stats

from taskzoo.metrics.quality import QualityEstimate
from taskzoo.metrics.summaries import Rouge
from taskzoo.metrics.translation import sentence_chrf

TEXTS = ["the cat sat", "a dog", "the cat is on a mat", "nothing", "cats", "the mat"]
TARGETS = [["the cat sat down"], ["the dog"], ["the cat is on the mat", "a cat"], ["something"], ["a cat"], ["the mat"]]
SCORES = [-0.4, -0.9, -0.2, -2.5, -0.9, -0.01]


def rows() -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    predictions = [{"text": text, "score": score} for text, score in zip(TEXTS, SCORES, strict=True)]
    return predictions, [{"targets": targets} for targets in TARGETS]


def test_equal_to_scipy_with_ties_and_for_resampled_rows():
    predictions, references = rows()
    metric = QualityEstimate(sentence_chrf, "chrf")
    values = [sentence_chrf(text, targets) for text, targets in zip(TEXTS, TARGETS, strict=True)]
    expected = stats.spearmanr(SCORES, values).statistic
    assert metric.compute(predictions, references)["score_spearman"] == pytest.approx(expected)
    times = np.array([2, 0, 1, 3, 1, 1])
    again = stats.spearmanr(np.repeat(SCORES, times), np.repeat(values, times)).statistic
    scorer = metric.scorer(metric.statistics(predictions, references))
    assert scorer(times.astype(float))["score_spearman"] == pytest.approx(again)
    assert metric.details(predictions, references) == {"score_spearman_of": "chrf of each row"}


def test_sentence_scores_are_those_of_the_field():
    for text, targets in zip(TEXTS, TARGETS, strict=True):
        assert sentence_chrf(text, targets) == pytest.approx(sacrebleu.sentence_chrf(text, targets).score)
        rouge = Rouge("en")
        alone = rouge.compute([{"text": text}], [{"targets": targets}])["rougeL"]
        assert rouge.sentence(text, targets) == pytest.approx(alone)


def test_rows_without_a_score_do_not_count():
    predictions, references = rows()
    metric = QualityEstimate(sentence_chrf, "chrf")
    kept = metric.compute(predictions[:4], references[:4])
    without = [*predictions[:4], {"text": "a"}, {"text": "b", "score": None}]
    assert metric.compute(without, references) == kept
    assert math.isnan(metric.compute([{"text": t} for t in TEXTS], references)["score_spearman"])
    same = [{**p, "score": -1.0} for p in predictions]
    assert math.isnan(metric.compute(same, references)["score_spearman"])
