"""Multi-label scores equal those of scikit-learn, with ties, absent labels and rows without any label."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from taskzoo.metrics.multi_label import MultiLabel

LABELS = ["joy", "fear", "anger", "grief"]


def names(row: np.ndarray) -> list[str]:
    return [label for label, has in zip([*LABELS, "unknown"], row, strict=False) if has]


def sides(chosen: np.ndarray, gold: np.ndarray, probabilities: np.ndarray | None = None) -> tuple[Any, Any]:
    predictions: list[dict[str, Any]] = [{"labels": names(row)} for row in chosen]
    if probabilities is not None:
        predictions = [{**p, "_probabilities": row} for p, row in zip(predictions, probabilities, strict=True)]
    return predictions, [{"labels": names(row)} for row in gold]


def score(*given: Any) -> dict[str, float]:
    metric = MultiLabel(LABELS)
    statistics = metric.statistics(*sides(*given))
    return metric.of_all(statistics)


def average(function: Any, gold: np.ndarray, chosen: np.ndarray, how: str) -> float:
    """scikit-learn's, over all labels, whether they occur or not."""
    return float(function(gold, chosen, average=how, zero_division=0))


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(2, 25), st.integers(1, 3), st.sampled_from([0.05, 0.3, 0.7]))
def test_equal_to_scikit_learn(seed: int, rows: int, decimals: int, rate: float) -> None:
    generator = np.random.default_rng(seed)
    gold = generator.random((rows, 4)) < rate
    probabilities = generator.random((rows, 4)).astype(np.float32).round(decimals)
    chosen = probabilities > 0.35
    ours = score(chosen, gold, probabilities)
    if (gold | chosen).any():
        for how in ("micro", "macro"):
            assert ours[f"f1_{how}"] == pytest.approx(average(sk.f1_score, gold, chosen, how), abs=1e-12)
            assert ours[f"precision_{how}"] == pytest.approx(average(sk.precision_score, gold, chosen, how), abs=1e-12)
            assert ours[f"recall_{how}"] == pytest.approx(average(sk.recall_score, gold, chosen, how), abs=1e-12)
    if gold.any():
        assert ours["f1_weighted"] == pytest.approx(sk.f1_score(gold, chosen, average="weighted"), abs=1e-12)
    half = probabilities >= 0.5
    if (gold | half).any():
        assert ours["f1_macro_at_half"] == pytest.approx(average(sk.f1_score, gold, half, "macro"), abs=1e-12)
        assert ours["f1_micro_at_half"] == pytest.approx(average(sk.f1_score, gold, half, "micro"), abs=1e-12)
    assert ours["f1_samples"] == pytest.approx(sk.f1_score(gold, chosen, average="samples", zero_division=0), abs=1e-12)
    assert ours["accuracy"] == pytest.approx(sk.accuracy_score(gold, chosen))
    assert ours["hamming_loss"] == pytest.approx(sk.hamming_loss(gold, chosen))
    flat = sk.log_loss(gold.ravel(), probabilities.ravel(), labels=[False, True])
    assert ours["log_loss"] == pytest.approx(flat, rel=1e-5)

    both = gold.any(axis=0) & ~gold.all(axis=0)
    if both.any():
        area = sk.roc_auc_score(gold[:, both], probabilities[:, both], average="macro")
        precision = sk.average_precision_score(gold[:, both], probabilities[:, both], average="macro")
        assert ours["roc_auc_macro"] == pytest.approx(area, abs=1e-12)
        assert ours["average_precision_macro"] == pytest.approx(precision, abs=1e-12)
    else:
        assert np.isnan([ours["roc_auc_macro"], ours["average_precision_macro"]]).all()

    per_label = MultiLabel(LABELS).details(*sides(chosen, gold, probabilities))["per_label"]
    precision, recall, f1, support = sk.precision_recall_fscore_support(gold, chosen, zero_division=0)
    for i, label in enumerate(LABELS):
        found = per_label[label]
        expected = (precision[i], recall[i], f1[i], support[i])
        assert (found["precision"], found["recall"], found["f1"], found["support"]) == pytest.approx(expected)
        if both[i]:
            expected_precision = sk.average_precision_score(gold[:, i], probabilities[:, i])
            assert found["average_precision"] == pytest.approx(expected_precision, abs=1e-12)
        else:
            assert found["average_precision"] is None


@pytest.mark.filterwarnings("error")
def test_gold_labels_outside_the_known_ones_are_missed() -> None:
    gold = np.array([[1, 0, 0, 0, 1], [1, 0, 0, 0, 0]], dtype=bool)
    chosen = np.array([[1, 0, 0, 0, 0], [1, 0, 0, 0, 0]], dtype=bool)
    found = score(chosen, gold)
    assert found["accuracy"] == 0.5
    assert (found["recall_micro"], found["precision_micro"]) == (pytest.approx(2 / 3), 1.0)
    assert found["f1_macro"] == 1 / 5  # of "joy", of three that do not occur, and of what is unknown
    assert found["f1_samples"] == pytest.approx((2 / 3 + 1) / 2)
    assert found["hamming_loss"] == 0.0
    metric = MultiLabel(LABELS)
    both = sides(gold, gold)
    itself = metric.compute(predictions=both[0], references=both[1])  # nobody can be right about it
    assert (itself["accuracy"], itself["recall_micro"]) == (0.5, pytest.approx(2 / 3))


def test_calibration_error_is_over_all_decisions() -> None:
    probabilities = np.array([[0.95, 0.05, 0.05, 0.05], [0.95, 0.05, 0.05, 0.05]])
    gold = np.array([[1, 0, 0, 0], [0, 0, 0, 1]], dtype=bool)
    expected = (2 * abs(0.5 - 0.95) + 6 * abs(1 / 6 - 0.05)) / 8
    assert score(probabilities > 0.5, gold, probabilities)["ece"] == pytest.approx(expected)
    bins = MultiLabel(LABELS).details(*sides(probabilities > 0.5, gold, probabilities))["calibration"]
    assert [(b["count"], b["accuracy"]) for b in bins] == [(6, pytest.approx(1 / 6)), (2, 0.5)]


def test_without_probabilities_the_prediction_is_certain() -> None:
    gold = np.array([[1, 0, 0, 1], [0, 1, 0, 0]], dtype=bool)
    chosen = np.array([[1, 0, 0, 0], [0, 1, 1, 0]], dtype=bool)
    with_probabilities = score(chosen, gold, chosen.astype(np.float32))
    assert score(chosen, gold) == pytest.approx(with_probabilities, nan_ok=True)


def test_a_label_given_twice_counts_once() -> None:
    twice, once = [{"labels": ["joy", "joy"]}], [{"labels": ["joy"]}]
    metric = MultiLabel(LABELS)
    assert (metric.statistics(twice, twice) == metric.statistics(once, once)).all()
