"""How often the right label is in a set, and how large sets are."""

from __future__ import annotations

import math

import pytest

from taskzoo.metrics.label_sets import SetScores

REFERENCES = [{"label": label} for label in ("a", "b", "c", "z")]


def test_by_hand():
    predictions = [{"_label_set": found} for found in (["a"], ["a", "b"], ["b"], ["c", "a", "b"])]
    metric = SetScores(0.9)
    assert metric.compute(predictions, REFERENCES) == {"set_coverage_90": 0.5, "set_size_90": 1.75}
    details = metric.details(predictions, REFERENCES)
    assert details == {"label_sets": {"asked": 0.9, "sizes": {"1": 2, "2": 1, "3": 1}}}
    weights = metric.scorer(metric.statistics(predictions, REFERENCES))(
        metric.statistics(predictions, REFERENCES)[:, 1]
    )
    assert weights == {"set_coverage_90": 1.0, "set_size_90": 1.5}


def test_predictions_without_a_set_do_not_count():
    some = SetScores(0.9).compute([{"_label_set": ["a"]}, {}, {}, {}], REFERENCES)
    assert some == {"set_coverage_90": 1.0, "set_size_90": 1.0}
    none = SetScores(0.9).compute([{}] * 4, REFERENCES)
    assert all(map(math.isnan, none.values()))
    assert SetScores(0.9).details([{}] * 4, REFERENCES) == {"label_sets": {"asked": 0.9, "sizes": {}}}


@pytest.mark.parametrize(("coverage", "name"), [(0.95, "set_coverage_95"), (0.995, "set_coverage_99.5")])
def test_the_name_says_the_coverage(coverage, name):
    assert SetScores(coverage).scores[0].name == name
