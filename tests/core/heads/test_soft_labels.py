"""Labels that are given as probabilities."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from taskzoo.errors import DataError, RequestError
from taskzoo.heads.single_label import SingleLabelHead
from taskzoo.heads.soft_labels import soft_labels
from taskzoo.heads.text_task import TextTask
from taskzoo.models.losses import cross_entropy, soft_cross_entropy
from taskzoo.types import Batch, Row


def rows(*labels):
    return [Row({"text": f"text {i}", "label": label}, "data.jsonl", i) for i, label in enumerate(labels, 1)]


GIVEN = ({"a": 0.7, "b": 0.3}, '{"b": 1.0, "a": 0.0}', "a", {"c": 0.4, "a": 0.602})


class Features:
    """A tokenizer is not what these tests are of."""

    def __init__(self, count):
        self.features = [SimpleNamespace(row=i, values={}) for i in range(count)]
        self.counts = {}


@pytest.fixture
def fitted(monkeypatch):
    """A task fitted on ``GIVEN``, and the targets that its training features have."""
    monkeypatch.setattr("taskzoo.heads.text_task.encode_texts", lambda _, texts, *__, **___: Features(len(texts)))

    def fit(**options):
        task = TextTask({"class_weights": "none", **options})
        examples = task.prepare(rows(*GIVEN), "train")
        task.fit(examples)
        return task, examples, [f.values["target"] for f in task.encode(examples, None).features]

    return fit


def test_the_most_probable_label_is_the_label_and_the_loss_sees_all(fitted):
    task, examples, targets = fitted()
    assert [example["label"] for example in examples] == ["a", "b", "a", "a"]
    assert task.text_head.labels == ["a", "b", "c"]  # the most probable of no row, and an output all the same
    assert "from 1 rows (b) to 3 (a)" in task.describe()
    given = task.text_head.collate([*targets, None])
    assert given["labels"].tolist() == [0, 1, 0, 0, -100]
    expected = [[0.7, 0.3, 0], [0, 1, 0], [1, 0, 0], [0.602 / 1.002, 0, 0.4 / 1.002], [0, 0, 0]]
    np.testing.assert_allclose(given["probabilities"], expected, rtol=1e-6)
    logits = torch.tensor([[1.0, 2.0, 0.0]] * 5)
    loss = task.loss(SimpleNamespace(logits=logits), Batch({}, {n: torch.as_tensor(v) for n, v in given.items()}))
    log_p = [x - math.log(math.e + math.e**2 + 1) for x in (1.0, 2.0, 0.0)]
    assert loss.total.item() == pytest.approx(-sum(p * q for row in expected for p, q in zip(row, log_p, strict=True)))
    assert loss.weight.item() == 4
    assert task.references(examples)[3] == {"label": "a"}
    assert task.text_head.collate([0, 1])["probabilities"].tolist() == [[1, 0, 0], [0, 1, 0]]  # batches are alike


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 1.0]])
def test_a_sure_distribution_is_a_label(smoothing, weights):
    torch.manual_seed(0)
    logits, labels = torch.randn(4, 3), torch.tensor([0, 2, 1, -100])
    probabilities = torch.eye(4)[labels % 4][:, :3] * (labels >= 0).unsqueeze(1)
    soft = soft_cross_entropy(logits, probabilities, label_smoothing=smoothing, class_weights=weights)
    hard = cross_entropy(logits, labels, label_smoothing=smoothing, class_weights=weights)
    assert soft.total.item() == pytest.approx(hard.total.item(), rel=1e-6)
    assert soft.weight.item() == pytest.approx(hard.weight.item())
    assert (soft.reported is None) == (hard.reported is None)
    assert soft.reported is None or soft.reported.item() == pytest.approx(hard.reported.item(), rel=1e-6)


def test_weights_of_classes_are_by_the_most_probable_labels(fitted):
    task, _, targets = fitted(class_weights="balanced")
    weights = np.array(task.text_head.state()["class_weights"])
    assert weights[1] / weights[0] == pytest.approx(3.0)
    given = {n: torch.as_tensor(v) for n, v in task.text_head.collate(targets[:1]).items()}
    loss = task.loss(SimpleNamespace(logits=torch.zeros(1, 3)), Batch({}, given))
    assert loss.weight.item() == pytest.approx(0.7 * weights[0] + 0.3 * weights[1], rel=1e-6)
    assert loss.total.item() == pytest.approx(math.log(3) * loss.weight.item(), rel=1e-6)


def test_mappings_of_flags_alone_are_not_distributions():
    assert soft_labels(rows({"a": 1, "b": 0}, {"a": 1, "b": 1})) == [None, None]
    assert soft_labels(rows({"a": 1, "b": 0}, {"a": 0.5, "b": 0.5}))[0] == {"a": 1.0}
    assert soft_labels(rows("a", '{"a": 1')) == [None, None]


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ({"a": 0.7, "b": 0.7}, "sum to 1.4; write probabilities that sum to 1"),
        ({"a": 1.5, "b": -0.5}, r"gives -0.5 as the probability of 'b'; write a number from 0 to 1"),
        ({"a": 0.5, "b": "0.5"}, "gives '0.5' as the probability of 'b'"),
        ({"a": 0.5, "b": True}, "gives True as the probability of 'b'"),
        ({"a": 0.5, " ": 0.5}, "has a name that is empty or occurs twice"),
        ({"a": 0.5, "a ": 0.5}, "has a name that is empty or occurs twice"),
        ({"a": 1, "b": 1}, "sum to 2"),
    ],
)
def test_a_bad_distribution_is_a_sentence_with_its_line(label, message):
    with pytest.raises(DataError, match=message) as error:
        soft_labels(rows({"a": 0.5, "b": 0.5}, label))
    assert "data.jsonl:2" in str(error.value)


def test_what_has_no_such_loss_is_refused(fitted):
    with pytest.raises(RequestError, match="focal_gamma needs one right label"):
        fitted(focal_gamma=1.0)

    class Several(TextTask):
        def read_labels(self, rows):
            return [[row["label"]] for row in rows]

    with pytest.raises(DataError, match="need one label per text"):
        Several({}).prepare(rows(*GIVEN), "train")


def test_a_label_unknown_to_training_is_one_in_a_distribution_too(fitted):
    task, *_ = fitted()
    with pytest.raises(DataError, match="'d' does not occur in any training row"):
        task.encode(task.prepare([Row({"text": "x", "label": {"a": 0.6, "d": 0.4}}, "test.jsonl", 3)], "test"), None)
    restored = SingleLabelHead.from_state(task.text_head.state())
    assert "probabilities" in restored.collate([restored.soft_target({"a": 0.5, "b": 0.5})])
    assert "probabilities" not in restored.collate([0])


def test_a_sure_distribution_of_another_split_is_one_where_training_rows_give_some(fitted):
    task, *_ = fitted()
    sure = rows({"a": 1.0, "b": 0.0}, {"a": 0, "b": 1})
    twin = TextTask(task.options)
    twin.restore(json.loads(json.dumps(task.state())))
    for one in (task, twin):
        assert [example["label"] for example in one.prepare(sure, "validation")] == ["a", "b"]
    hard = TextTask({})
    hard.prepare(rows("a", "b"), "train")
    hard.prepare(rows(*GIVEN), "validation")  # which says nothing of the test rows
    with pytest.raises(DataError, match="is neither text nor number"):
        hard.prepare(sure, "test")
