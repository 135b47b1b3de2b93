"""One of several labels: probabilities, class weights, calibration and state."""

from __future__ import annotations

import json
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional

from taskzoo.errors import RequestError
from taskzoo.heads.single_label import SingleLabelHead
from taskzoo.types import Batch, Loss

LABELS = ["a", "b", "c"]


def loss_of(head: SingleLabelHead, logits: torch.Tensor, targets: list[int]) -> Loss:
    return head.loss(SimpleNamespace(logits=logits), Batch({}, {"labels": torch.tensor(targets)}))


def some_logits(rows: int = 40, seed: int = 0) -> np.ndarray:
    return 3 * np.random.default_rng(seed).standard_normal((rows, 3)).astype(np.float32)


def test_probabilities_are_a_softmax_and_the_likeliest_label_is_given() -> None:
    logits = some_logits()
    predictions = SingleLabelHead(LABELS).predictions(logits)
    expected = torch.tensor(logits).softmax(-1).numpy()
    for prediction, row in zip(predictions, expected, strict=True):
        np.testing.assert_allclose(prediction["_probabilities"], row, rtol=1e-5)
        assert prediction["label"] == LABELS[row.argmax()]
        assert prediction["score"] == pytest.approx(row.max(), abs=1e-4)
        assert next(iter(prediction["scores"])) == prediction["label"]
        assert prediction["scores"] == pytest.approx(dict(zip(LABELS, row, strict=True)), abs=1e-4)


def test_the_temperature_changes_probabilities_and_no_label() -> None:
    logits = some_logits()
    sure, unsure = (
        SingleLabelHead(LABELS).predictions(logits),
        SingleLabelHead(LABELS, temperature=3.0).predictions(logits),
    )
    assert [p["label"] for p in sure] == [p["label"] for p in unsure]
    for prediction, row in zip(unsure, torch.tensor(logits / 3).softmax(-1).numpy(), strict=True):
        np.testing.assert_allclose(prediction["_probabilities"], row, rtol=1e-4)


def test_tuning_finds_how_far_logits_are_too_large() -> None:
    """Labels drawn from the softmax of the logits; the model says five times as much."""
    generator = np.random.default_rng(1)
    logits = generator.standard_normal((3000, 3))
    probabilities = torch.tensor(logits).softmax(-1).numpy()
    gold = [LABELS[generator.choice(3, p=p)] for p in probabilities]
    head = SingleLabelHead(LABELS)
    facts = head.tune(gold, (5 * logits).astype(np.float32))
    assert head.temperature == facts["temperature"] == pytest.approx(5, rel=0.1)


def test_tuning_leaves_out_labels_that_training_did_not_have() -> None:
    logits = some_logits(60)
    gold = [LABELS[i] for i in logits.argmax(1)]
    gold[::5] = ["b"] * 12
    one, other = SingleLabelHead(LABELS), SingleLabelHead(LABELS)
    one.tune(gold, logits)
    other.tune([*gold, "strange"], np.concatenate([logits, [[50.0, 0.0, 0.0]]]).astype(np.float32))
    assert one.temperature == pytest.approx(other.temperature)
    nothing = SingleLabelHead(LABELS)
    assert nothing.tune(["strange"], some_logits(1)) == {"temperature": 1.0}


@pytest.mark.parametrize("mode", ["balanced", "sqrt"])
def test_class_weights_have_mean_1_over_the_training_rows(mode: str) -> None:
    gold = ["a"] * 90 + ["b"] * 9 + ["c"]
    head = SingleLabelHead.fitted(gold, LABELS, class_weights=mode)
    zeros = torch.zeros(1, 3)
    weights = {label: loss_of(head, zeros, [i]).weight.item() for i, label in enumerate(LABELS)}
    assert sum(weights[label] for label in gold) / len(gold) == pytest.approx(1, rel=1e-5)
    ratio = weights["c"] / weights["a"]
    assert ratio == pytest.approx(90 if mode == "balanced" else 90**0.5, rel=1e-4)
    if mode == "balanced":  # every label counts as much as any other
        mass = {label: weights[label] * count for label, count in Counter(gold).items()}
        assert max(mass.values()) == pytest.approx(min(mass.values()), rel=1e-5)


def test_auto_leaves_uneven_labels_to_a_choice_and_even_ones_alone() -> None:
    assert not SingleLabelHead.fitted(["a"] * 3 + ["b"] * 2 + ["c"] * 2, LABELS, class_weights="auto").class_weightings
    gold = ["a"] * 6 + ["b"] * 3 + ["c"]
    head = SingleLabelHead.fitted(gold, LABELS, class_weights="auto")
    assert head.state()["class_weights"] is None
    assert head.class_weightings == ("none", "sqrt", "balanced")
    for name in head.class_weightings:
        head.weigh_classes(name)
        assert head.state() == SingleLabelHead.fitted(gold, LABELS, class_weights=name).state()
    assert not SingleLabelHead.fitted(gold, LABELS, class_weights="balanced").class_weightings


def test_the_loss_is_weighted_and_normalised_by_the_weights() -> None:
    gold = ["a"] * 6 + ["b"] * 3 + ["c"]
    head = SingleLabelHead.fitted(gold, LABELS, class_weights="balanced")
    weights = torch.tensor([10 / 18, 10 / 9, 10 / 3])
    logits, targets = torch.randn(4, 3), [0, 1, 2, -100]
    loss = loss_of(head, logits, targets)
    torch.testing.assert_close(
        loss.total / loss.weight, functional.cross_entropy(logits, torch.tensor(targets), weights)
    )


def test_without_class_weights_rows_count_alike() -> None:
    head = SingleLabelHead.fitted(["a"] * 9 + ["b"], ["a", "b"])
    assert loss_of(head, torch.zeros(2, 2), [0, 1]).weight.item() == 2


def test_the_focal_loss_is_used() -> None:
    logits, targets = torch.tensor([[2.0, 0.0, 0.0]]), [0]
    plain, focal = (loss_of(SingleLabelHead(LABELS, focal_gamma=g), logits, targets).total for g in (0.0, 2.0))
    assert focal.item() == pytest.approx(plain.item() * (1 - logits.softmax(-1)[0, 0].item()) ** 2, rel=1e-4)


def test_all_rows_of_one_label_leave_nothing_to_learn() -> None:
    with pytest.raises(RequestError, match="All 7 training rows have the label 'spam'; there is nothing to learn"):
        SingleLabelHead.fitted(["spam"] * 7, ["spam"])


def test_state_through_json_predicts_the_same() -> None:
    head = SingleLabelHead(
        LABELS, class_weights=[0.5, 1.0, 2.5], focal_gamma=1.5, hierarchy="/", temperature=1.7, primary_metric="mcc"
    )
    twin = SingleLabelHead.from_state(json.loads(json.dumps(head.state())))
    assert twin.state() == head.state()
    assert twin.primary_metric == "mcc"
    logits = some_logits()
    for one, other in zip(head.predictions(logits), twin.predictions(logits), strict=True):
        np.testing.assert_array_equal(one.pop("_probabilities"), other.pop("_probabilities"))
        assert one == other
    assert loss_of(head, torch.ones(2, 3), [0, 2]) == loss_of(twin, torch.ones(2, 3), [0, 2])


def test_the_five_likeliest_of_many_labels_are_shown() -> None:
    labels = [f"label-{i}" for i in range(300)]
    logits = np.random.default_rng(2).standard_normal((5, 300)).astype(np.float32)
    for prediction, row in zip(SingleLabelHead(labels).predictions(logits), logits, strict=True):
        assert list(prediction["scores"]) == [labels[i] for i in np.argsort(-row)[:5]]
        assert len(prediction["_probabilities"]) == 300


def test_the_baseline_learns_the_labels() -> None:
    texts = [f"{word} number {i}" for i in range(20) for word in ("cats purr", "dogs bark", "cows moo")]
    gold = LABELS * 20
    for weights in (None, [1.0, 1.0, 1.0]):
        predict = SingleLabelHead(LABELS, class_weights=weights).baseline(texts, gold, seed=0)
        predictions = predict(["do dogs bark", "all cats purr", "cows moo too"])
        assert [p["label"] for p in predictions] == ["b", "a", "c"]
        assert all(p["_probabilities"].shape == (3,) for p in predictions)
