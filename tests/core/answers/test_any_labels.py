"""Any number of labels: thresholds, weights of the positive, calibration and state."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from taskzoo.answers.any_labels import MOST_POSITIVE_WEIGHT, AnyLabels
from taskzoo.answers.texts import load_answer
from taskzoo.models.calibration import fit_thresholds, sigmoid

LABELS = ["a", "b", "c"]


def loss_of(answer: AnyLabels, logits: torch.Tensor, targets: list[list[float]]) -> tuple[torch.Tensor, torch.Tensor]:
    batch: dict[str, dict[str, Any]] = {"inputs": {}, "targets": {"labels": torch.tensor(targets)}}
    return answer.loss(SimpleNamespace(logits=logits), batch, label_smoothing=0.0)


def labels_of(answer: AnyLabels, probabilities: list[list[float]]) -> list[list[str]]:
    p = np.array(probabilities)
    return [prediction["labels"] for prediction in answer.predictions(np.log(p / (1 - p)).astype(np.float32))]


def test_a_label_is_given_from_its_threshold_on() -> None:
    rows = [[0.6, 0.6, 0.6], [0.4, 0.05, 0.95], [0.1, 0.1, 0.1]]
    assert labels_of(AnyLabels(LABELS), rows) == [["a", "b", "c"], ["c"], []]
    assert labels_of(AnyLabels(LABELS, thresholds=[0.3, 0.7, 0.5]), rows) == [["a", "c"], ["a", "c"], []]


def test_the_temperature_is_applied_before_the_threshold() -> None:
    answer = AnyLabels(["a"], thresholds=[0.8], temperature=2.0)
    sharp, flat = (answer.predictions(np.array([[logit]], np.float32))[0] for logit in (4.0, 2.0))
    assert sharp["labels"] == ["a"]
    assert flat["labels"] == []
    assert flat["_probabilities"][0] == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-5)
    assert flat["scores"] == {"a": pytest.approx(0.7311, abs=1e-4)}


def test_tuned_thresholds_hold_for_predictions() -> None:
    """A model that gives rightful labels 0.2, and others 0.02, is right at a threshold between."""
    generator = np.random.default_rng(0)
    truth = generator.random((400, 3)) < [0.5, 0.3, 0.2]
    probabilities = np.where(truth, 0.2, 0.02) * generator.uniform(0.8, 1.2, truth.shape)
    logits = np.log(probabilities / (1 - probabilities)).astype(np.float32)
    gold = [[LABELS[i] for i in np.flatnonzero(row)] for row in truth]
    answer = AnyLabels(LABELS)
    assert [p["labels"] for p in answer.predictions(logits)] != gold
    facts = answer.tune(gold, logits)
    assert [p["labels"] for p in answer.predictions(logits)] == gold
    assert facts == {"temperature": answer.temperature, "thresholds": dict(zip(LABELS, answer.thresholds, strict=True))}
    assert facts["temperature"] != 1.0


def test_thresholds_are_not_rounded() -> None:
    """A rounded one may fall on the wrong side of a probability."""
    logits = np.random.default_rng(3).standard_normal((80, 3)).astype(np.float32)
    truth = (logits + np.random.default_rng(4).standard_normal(logits.shape) > 1).astype(float)
    answer = AnyLabels(LABELS)
    answer.tune([[LABELS[i] for i in np.flatnonzero(row)] for row in truth], logits)
    assert answer.thresholds == fit_thresholds(sigmoid(logits, answer.temperature), truth).tolist()


@pytest.mark.parametrize(("mode", "expected"), [("balanced", [1.0, 9.0, 100.0]), ("sqrt", [1.0, 3.0, 999**0.5])])
def test_positive_weights_are_rows_without_by_rows_with_the_label(mode: str, expected: list[float]) -> None:
    gold = [["a"]] * 400 + [["a", "b"]] * 99 + [["a", "b", "c"]] + [[]] * 500
    answer = AnyLabels.fitted(gold, LABELS, class_weights=mode)
    assert answer.state()["positive_weights"] == pytest.approx(expected)
    assert max(answer.state()["positive_weights"]) <= MOST_POSITIVE_WEIGHT
    zeros = torch.zeros(1, 3)
    plain = loss_of(AnyLabels(LABELS), zeros, [[1, 1, 1]])[0]
    weighted, count = loss_of(answer, zeros, [[1, 1, 1]])
    assert weighted.item() == pytest.approx(plain.item() * sum(expected) / 3, rel=1e-5)
    assert count.item() == 3
    assert loss_of(answer, zeros, [[0, 0, 0]]) == loss_of(AnyLabels(LABELS), zeros, [[0, 0, 0]])


def test_the_focal_loss_is_used() -> None:
    logits, targets = torch.full((1, 3), -2.0), [[0.0, 0.0, 0.0]]
    plain, focal = (loss_of(AnyLabels(LABELS, focal_gamma=g), logits, targets)[0].item() for g in (0.0, 2.0))
    assert focal == pytest.approx(plain * float(torch.sigmoid(torch.tensor(-2.0))) ** 2, rel=1e-4)


def test_targets_are_ids_without_repeats_or_unknown_labels() -> None:
    answer = AnyLabels(LABELS)
    assert answer.target(["c", "a", "c", "strange"]) == [0, 2]
    assert answer.target([]) == []


def test_state_through_json_predicts_the_same() -> None:
    answer = AnyLabels(
        LABELS, positive_weights=[1.0, 2.0, 3.0], focal_gamma=1.0, thresholds=[0.1, 1 / 3, 0.9], temperature=0.8
    )
    twin = load_answer(json.loads(json.dumps(answer.state())))
    assert isinstance(twin, AnyLabels)
    assert twin.state() == answer.state()
    logits = 2 * np.random.default_rng(1).standard_normal((50, 3)).astype(np.float32)
    for one, other in zip(answer.predictions(logits), twin.predictions(logits), strict=True):
        np.testing.assert_array_equal(one.pop("_probabilities"), other.pop("_probabilities"))
        assert one == other
    assert loss_of(answer, torch.ones(1, 3), [[1, 0, 1]]) == loss_of(twin, torch.ones(1, 3), [[1, 0, 1]])


def test_a_label_that_no_validation_row_has_keeps_a_threshold() -> None:
    logits = np.random.default_rng(2).standard_normal((30, 3)).astype(np.float32)
    answer = AnyLabels(LABELS)
    answer.tune([["a"] if row[0] > 0 else [] for row in logits], logits)
    assert all(0 < threshold < 1 for threshold in answer.thresholds)
    nothing = AnyLabels(LABELS)
    nothing.tune([[]] * 30, logits)
    assert nothing.thresholds == pytest.approx([0.5] * 3)


@pytest.mark.parametrize("rows", [12, 60])
def test_the_baseline_gives_several_labels(rows: int) -> None:
    words = {"a": "cats purr", "b": "dogs bark", "c": "cows moo"}
    gold = [["a"], ["b"], ["a", "b"], ["c"]] * (rows // 4)
    texts = [" ".join(words[label] for label in labels) + f" {i}" for i, labels in enumerate(gold)]
    predict = AnyLabels(LABELS).baseline(texts, gold, seed=0)
    found = predict(["cats purr and dogs bark", "cows moo"])
    best = [max(p["scores"], key=p["scores"].get) for p in found]
    assert best[1] == "c"
    assert found[0]["_probabilities"][:2].min() > found[0]["_probabilities"][2]
    if rows == 60:
        assert [p["labels"] for p in found] == [["a", "b"], ["c"]]


def test_probabilities_are_independent() -> None:
    logits = np.array([[3.0, 3.0, -3.0]], np.float32)
    np.testing.assert_allclose(AnyLabels(LABELS).predictions(logits)[0]["_probabilities"], sigmoid(logits)[0])
