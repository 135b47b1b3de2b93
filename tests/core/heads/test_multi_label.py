"""Any number of labels: thresholds, weights of the positive, calibration and state."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from taskzoo.heads.multi_label import MOST_POSITIVE_WEIGHT, MultiLabelHead
from taskzoo.models.calibration import fit_thresholds, sigmoid
from taskzoo.types import Batch, Loss

LABELS = ["a", "b", "c"]


def loss_of(head: MultiLabelHead, logits: torch.Tensor, targets: list[list[float]]) -> Loss:
    return head.loss(SimpleNamespace(logits=logits), Batch({}, {"labels": torch.tensor(targets)}))


def labels_of(head: MultiLabelHead, probabilities: list[list[float]]) -> list[list[str]]:
    p = np.array(probabilities)
    return [prediction["labels"] for prediction in head.predictions(np.log(p / (1 - p)).astype(np.float32))]


def test_a_label_is_given_from_its_threshold_on() -> None:
    rows = [[0.6, 0.6, 0.6], [0.4, 0.05, 0.95], [0.1, 0.1, 0.1]]
    assert labels_of(MultiLabelHead(LABELS), rows) == [["a", "b", "c"], ["c"], []]
    assert labels_of(MultiLabelHead(LABELS, thresholds=[0.3, 0.7, 0.5]), rows) == [["a", "c"], ["a", "c"], []]


def test_the_temperature_is_applied_before_the_threshold() -> None:
    head = MultiLabelHead(["a"], thresholds=[0.8], temperature=2.0)
    sharp, flat = (head.predictions(np.array([[logit]], np.float32))[0] for logit in (4.0, 2.0))
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
    head = MultiLabelHead(LABELS)
    assert [p["labels"] for p in head.predictions(logits)] != gold
    facts = head.tune(gold, logits)
    assert [p["labels"] for p in head.predictions(logits)] == gold
    assert facts == {"temperature": head.temperature, "thresholds": dict(zip(LABELS, head.thresholds, strict=True))}
    assert facts["temperature"] != 1.0


def test_thresholds_are_not_rounded() -> None:
    """A rounded one may fall on the wrong side of a probability."""
    logits = np.random.default_rng(3).standard_normal((80, 3)).astype(np.float32)
    truth = (logits + np.random.default_rng(4).standard_normal(logits.shape) > 1).astype(float)
    head = MultiLabelHead(LABELS)
    head.tune([[LABELS[i] for i in np.flatnonzero(row)] for row in truth], logits)
    assert head.thresholds == fit_thresholds(sigmoid(logits, head.temperature), truth).tolist()


@pytest.mark.parametrize(("mode", "expected"), [("balanced", [1.0, 9.0, 100.0]), ("sqrt", [1.0, 3.0, 999**0.5])])
def test_positive_weights_are_rows_without_by_rows_with_the_label(mode: str, expected: list[float]) -> None:
    gold = [["a"]] * 400 + [["a", "b"]] * 99 + [["a", "b", "c"]] + [[]] * 500
    head = MultiLabelHead.fitted(gold, LABELS, class_weights=mode)
    assert head.state()["positive_weights"] == pytest.approx(expected)
    assert max(head.state()["positive_weights"]) <= MOST_POSITIVE_WEIGHT
    zeros = torch.zeros(1, 3)
    plain = loss_of(MultiLabelHead(LABELS), zeros, [[1, 1, 1]])
    weighted = loss_of(head, zeros, [[1, 1, 1]])
    assert weighted.total.item() == pytest.approx(plain.total.item() * sum(expected) / 3, rel=1e-5)
    assert weighted.weight.item() == 3
    assert loss_of(head, zeros, [[0, 0, 0]]) == loss_of(MultiLabelHead(LABELS), zeros, [[0, 0, 0]])


def test_the_focal_loss_is_used() -> None:
    logits, targets = torch.full((1, 3), -2.0), [[0.0, 0.0, 0.0]]
    plain, focal = (loss_of(MultiLabelHead(LABELS, focal_gamma=g), logits, targets).total.item() for g in (0.0, 2.0))
    assert focal == pytest.approx(plain * float(torch.sigmoid(torch.tensor(-2.0))) ** 2, rel=1e-4)


def test_targets_are_ids_without_repeats_or_unknown_labels() -> None:
    head = MultiLabelHead(LABELS)
    assert head.target(["c", "a", "c", "strange"]) == [0, 2]
    assert head.target([]) == []


def test_state_through_json_predicts_the_same() -> None:
    head = MultiLabelHead(
        LABELS, positive_weights=[1.0, 2.0, 3.0], focal_gamma=1.0, thresholds=[0.1, 1 / 3, 0.9], temperature=0.8
    )
    twin = MultiLabelHead.from_state(json.loads(json.dumps(head.state())))
    assert twin.state() == head.state()
    logits = 2 * np.random.default_rng(1).standard_normal((50, 3)).astype(np.float32)
    for one, other in zip(head.predictions(logits), twin.predictions(logits), strict=True):
        np.testing.assert_array_equal(one.pop("_probabilities"), other.pop("_probabilities"))
        assert one == other
    assert loss_of(head, torch.ones(1, 3), [[1, 0, 1]]) == loss_of(twin, torch.ones(1, 3), [[1, 0, 1]])


def test_a_label_that_no_validation_row_has_keeps_a_threshold() -> None:
    logits = np.random.default_rng(2).standard_normal((30, 3)).astype(np.float32)
    head = MultiLabelHead(LABELS)
    head.tune([["a"] if row[0] > 0 else [] for row in logits], logits)
    assert all(0 < threshold < 1 for threshold in head.thresholds)
    nothing = MultiLabelHead(LABELS)
    nothing.tune([[]] * 30, logits)
    assert nothing.thresholds == pytest.approx([0.5] * 3)


@pytest.mark.parametrize("rows", [12, 60])
def test_the_baseline_gives_several_labels(rows: int) -> None:
    words = {"a": "cats purr", "b": "dogs bark", "c": "cows moo"}
    gold = [["a"], ["b"], ["a", "b"], ["c"]] * (rows // 4)
    texts = [" ".join(words[label] for label in labels) + f" {i}" for i, labels in enumerate(gold)]
    predict = MultiLabelHead(LABELS).baseline(texts, gold, seed=0)
    found = predict(["cats purr and dogs bark", "cows moo"])
    best = [max(p["scores"], key=p["scores"].get) for p in found]
    assert best[1] == "c"
    assert found[0]["_probabilities"][:2].min() > found[0]["_probabilities"][2]
    if rows == 60:
        assert [p["labels"] for p in found] == [["a", "b"], ["c"]]


def test_probabilities_are_independent() -> None:
    logits = np.array([[3.0, 3.0, -3.0]], np.float32)
    np.testing.assert_allclose(MultiLabelHead(LABELS).predictions(logits)[0]["_probabilities"], sigmoid(logits)[0])
