"""Pairs of texts of one class, and the loss that draws them together."""

from __future__ import annotations

import math
import signal
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from taskzoo.config import Training
from taskzoo.engine.batches import tensors
from taskzoo.engine.contrastive import (
    NAMES,
    ContrastiveObjective,
    average_weights,
    make_pairs,
    name_loss,
    pair_collator,
    split_names,
    supervised_contrastive,
    trained_weights,
)
from taskzoo.engine.last_layer import captured_input, last_linear
from taskzoo.engine.plan import plan_steps
from taskzoo.errors import Interrupted, RequestError
from taskzoo.heads.collator import SequenceCollator
from taskzoo.heads.single_label import SingleLabelHead
from taskzoo.models.sequence import load_sequence_model
from taskzoo.types import Feature

from .kit import TaggingTask, fit, history, make_feature, same, weights

COLLATE = SequenceCollator(0, SingleLabelHead(["a", "b", "c"]))
OBJECTIVE = ContrastiveObjective(TaggingTask(), 0.1)  # of the task only its forward pass is used


def features_of(targets, seed=0):
    generator = np.random.default_rng(seed)
    return [
        make_feature(row, generator.integers(20, 50, generator.integers(2, 9)).tolist(), target=target)
        for row, target in enumerate(targets)
    ]


def model_of(folder: str, dropout: float = 0.0):
    torch.manual_seed(0)
    model = load_sequence_model(
        folder, problem_type="single_label_classification", labels=["a", "b", "c"], pooling="mean"
    )
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = dropout
    return model


# the loss


@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_the_loss_against_a_double_loop(temperature):
    torch.manual_seed(0)
    vectors, classes = torch.randn(9, 5), torch.tensor([0, 1, 0, 2, 1, 0, 2, 2, 0])
    total, count = supervised_contrastive(vectors, classes, temperature)
    unit = (vectors / vectors.norm(dim=1, keepdim=True)).tolist()
    expected = 0.0
    for i, anchor in enumerate(unit):
        similar = [sum(a * b for a, b in zip(anchor, other, strict=True)) / temperature for other in unit]
        others = sum(math.exp(s) for j, s in enumerate(similar) if j != i)
        positives = [j for j in range(9) if j != i and classes[j] == classes[i]]
        expected += -sum(math.log(math.exp(similar[j]) / others) for j in positives) / len(positives)
    assert total.item() == pytest.approx(expected, rel=1e-4)
    assert count.item() == 9


def test_a_class_that_stands_alone_does_not_count():
    vectors = torch.randn(4, 5, requires_grad=True)
    total, count = supervised_contrastive(vectors, torch.tensor([0, 0, 1, 2]), 0.1)
    torch.autograd.backward(total)
    assert count.item() == 2
    assert vectors.grad.isfinite().all()


@pytest.mark.parametrize("classes", [[0, 0], [0, 0, 0, 0], [0, 0, 1, 1]])
def test_small_and_equal_batches_are_finite(classes):
    vectors = torch.ones(len(classes), 5, requires_grad=True)
    total, count = supervised_contrastive(vectors, torch.tensor(classes), 0.1)
    torch.autograd.backward(total)
    assert total.item() == pytest.approx(len(classes) * math.log(len(classes) - 1), abs=1e-4)
    assert count.item() == len(classes)
    assert vectors.grad.isfinite().all()


def test_texts_of_a_class_that_are_alike_cost_less():
    classes = torch.tensor([0, 0, 1, 1])
    apart = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    mixed = apart[[0, 2, 1, 3]]
    assert supervised_contrastive(apart, classes, 0.1)[0] < supervised_contrastive(mixed, classes, 0.1)[0]


# pairs


def test_pairs_are_of_one_class_and_never_of_one_row():
    features = features_of([0] * 7 + [1] * 5 + [2] * 2)
    pairs = make_pairs(features, 4, seed=0)
    assert Counter(pair.row for pair in pairs) == dict.fromkeys(range(14), 4)
    for pair in pairs:
        first, second = pair["pair"]
        assert first["target"] == second["target"]
        assert first.row == pair.row != second.row
        assert pair.length == first.length
    for row in range(12):  # as many others as pairs: no other twice
        partners = [pair["pair"][1].row for pair in pairs if pair.row == row]
        assert len(set(partners)) == 4
    assert {pair["pair"][1].row for pair in pairs if pair.row == 12} == {13}


def test_all_others_serve_before_one_serves_again():
    pairs = make_pairs(features_of([0] * 4 + [1] * 2), 7, seed=0)
    for row in range(4):
        times = Counter(pair["pair"][1].row for pair in pairs if pair.row == row)
        assert sum(times.values()) == 7
        assert set(times.values()) <= {2, 3}
        assert times.keys() == {0, 1, 2, 3} - {row}


def test_a_class_of_one_row_pairs_it_with_itself():
    pairs = make_pairs(features_of([0, 0, 1]), 3, seed=0)
    assert [pair["pair"][1].row for pair in pairs if pair.row == 2] == [2, 2, 2]


def test_windows_of_a_row_are_no_pair():
    rows = [0] * 3 + [1] * 5 + [2] + [3, 3, 4, 4]
    windows = [replace(f, row=row) for f, row in zip(features_of([0] * 9 + [1] * 4), rows, strict=True)]
    pairs = make_pairs(windows, 6, seed=1)
    assert len(pairs) == 6 * 13
    assert all(pair["pair"][0].row != pair["pair"][1].row for pair in pairs)
    drawn = {id(pair["pair"][1]) for pair in pairs}
    assert drawn == {id(window) for window in windows}  # every window is some other's partner


def test_the_seed_decides_the_pairs():
    features = features_of([0] * 20 + [1] * 20)

    def partners(seed: int) -> list[int]:
        return [pair["pair"][1].row for pair in make_pairs(features, 3, seed)]

    assert partners(1) == partners(1)
    assert partners(1) != partners(2)


def test_many_rows_take_no_quadratic_time():
    features = [make_feature(row, [1], target=row % 2) for row in range(20_000)]
    began = time.process_time()
    assert len(make_pairs(features, 2, seed=0)) == 40_000
    assert time.process_time() - began < 10


@pytest.mark.parametrize("target", [[0, 1], None, 0.5])
def test_rows_without_one_class_each_are_refused(target):
    with pytest.raises(RequestError, match="needs exactly one class per row"):
        make_pairs([*features_of([0, 1]), make_feature(2, [1], target=target)], 2, seed=0)


def test_a_single_class_is_refused():
    with pytest.raises(RequestError, match="needs at least two classes"):
        make_pairs(features_of([1, 1, 1]), 2, seed=0)


def test_a_batch_holds_the_first_texts_then_the_second_ones():
    pairs = make_pairs(features_of([0, 0, 1, 1, 2, 2]), 1, seed=0)[:4]
    batch = pair_collator(COLLATE)(pairs)
    texts = [ids[mask == 1].tolist() for ids, mask in zip(*batch.inputs.values(), strict=True)]
    assert texts == [pair["pair"][side]["input_ids"] for side in (0, 1) for pair in pairs]
    assert batch.targets["classes"].tolist() == [pair["pair"][0]["target"] for pair in pairs] * 2


# training


def test_the_objective_gives_what_the_last_layer_is_given(tiny):
    model = model_of(tiny("bert")).eval()
    batch = tensors(COLLATE(features_of([0, 1, 2])))
    with torch.no_grad():
        vectors = OBJECTIVE.forward(model, batch)
        with captured_input(last_linear(model)) as kept:
            model(**batch.inputs)
    assert torch.equal(vectors, kept[0])
    assert vectors.shape == (3, 32)


def train(model, folder, task=OBJECTIVE, **values):
    folder.mkdir(exist_ok=True)
    pairs = make_pairs(features_of([0] * 6 + [1] * 6 + [2] * 6), 4, seed=0)
    plain = {"optimizer": "adamw", "learning_rate": 3e-3, "batch_size": 8, "epochs": 2}
    return fit(model, pairs, folder, collate=pair_collator(COLLATE), task=task, **{**plain, **values})


def test_training_draws_classes_apart_and_leaves_the_last_layer_alone(tiny, tmp_path):
    model = model_of(tiny("bert"))
    before = weights(model)
    train(model, tmp_path, epochs=6)
    losses = [line["loss"] for line in history(tmp_path)]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.3
    after = weights(model)
    assert torch.equal(after["classifier.weight"], before["classifier.weight"])
    assert not torch.equal(
        after["backbone.encoder.layer.0.output.dense.weight"],
        before["backbone.encoder.layer.0.output.dense.weight"],
    )


class Interrupting(ContrastiveObjective):
    """A person presses Ctrl-C in the sixth step."""

    calls = 0

    def loss(self, outputs, batch, *, label_smoothing=0.0):
        self.calls += 1
        if self.calls == 6:
            signal.raise_signal(signal.SIGINT)
        return super().loss(outputs, batch)


def test_interrupted_and_resumed_it_ends_with_the_same_weights(tiny, tmp_path):
    """With dropout, whose random numbers must go on where they stopped."""
    whole, stopped, resumed = (model_of(tiny("bert"), 0.1) for _ in range(3))
    torch.manual_seed(7)
    train(whole, tmp_path / "whole")
    torch.manual_seed(7)
    with pytest.raises(Interrupted, match="Stopped after step 6 of 18"):
        train(stopped, tmp_path / "stopped", Interrupting(TaggingTask(), 0.1))
    assert not same(weights(stopped), weights(whole))
    torch.manual_seed(99)
    train(resumed, tmp_path / "stopped")
    assert same(weights(resumed), weights(whole))
    assert history(tmp_path / "stopped") == history(tmp_path / "whole")


# names of classes


def named(targets):
    """Features whose texts are names of classes, as a task with label_names makes them."""
    return [
        make_feature(100 + i, f["input_ids"], target=f["target"], is_name=True)
        for i, f in enumerate(features_of(targets, seed=9))
    ]


def test_names_stand_beside_the_pairs_and_are_no_pairs():
    texts, names = split_names([*features_of([2, 0, 1, 0]), *named([1, 0, 2]), *named([1])])
    assert [f.row for f in texts] == [0, 1, 2, 3]
    assert [f["target"] for f in names] == [0, 1, 2]
    batch = pair_collator(COLLATE, names)(make_pairs(texts, 1, seed=0)[:2])
    assert batch.targets["classes"].tolist() == [2, 0, 2, 0]
    assert batch.targets["names"].tolist() == [0, 1, 2]
    assert len(batch.inputs["input_ids"]) == 7


def test_of_many_names_those_of_the_batch_come_first_and_the_others_vary():
    names = named(range(400))
    pairs = make_pairs(features_of([i for i in range(400) for _ in range(2)]), 1, seed=0)
    collate = pair_collator(SequenceCollator(0, SingleLabelHead([str(i) for i in range(400)])), names)
    shown = [collate(pairs[start : start + 8]).targets["names"].tolist() for start in (600, 700)]
    assert [len(set(classes)) for classes in shown] == [NAMES, NAMES]
    assert {300, 301, 302, 303} <= set(shown[0])
    assert {350, 351, 352, 353} <= set(shown[1])
    assert shown[0][4:] != shown[1][4:]
    assert collate(pairs[600:608]).targets["names"].tolist() == shown[0]  # a resumed run sees the same


def test_the_loss_of_names_against_a_loop():
    torch.manual_seed(0)
    texts, names, classes = torch.randn(5, 4), torch.randn(3, 4), [2, 7, 4, 4, 9]
    order = [4, 2, 9]  # the second text's class has no name
    expected = 0.0
    for text, its in zip(texts, classes, strict=True):
        if its in order:
            cosines = [torch.cosine_similarity(text, name, dim=0).item() / 0.1 for name in names]
            expected += math.log(sum(map(math.exp, cosines))) - cosines[order.index(its)]
    total = name_loss(texts, torch.tensor(classes), names, torch.tensor(order), 0.1)
    assert total.item() == pytest.approx(expected, rel=1e-4)


def test_training_brings_texts_to_the_names_of_their_classes(tiny, tmp_path):
    names = named([1, 2, 0])  # by chance, training without them brings texts to those of other classes

    def right(model) -> float:
        model.eval()
        with torch.no_grad():
            vectors = OBJECTIVE.forward(model, tensors(COLLATE([*features_of([0, 1, 2] * 4), *names])))
        unit = torch.nn.functional.normalize(vectors)
        nearest = (unit[:12] @ unit[12:].T).argmax(1)
        return torch.tensor([1, 2, 0])[nearest].eq(torch.tensor([0, 1, 2] * 4)).float().mean().item()

    with_names, without = model_of(tiny("bert")), model_of(tiny("bert"))
    pairs = make_pairs(features_of([0, 1, 2] * 4), 4, seed=0)
    for model, shown in ((with_names, names), (without, [])):
        folder = tmp_path / str(len(shown))
        folder.mkdir()
        values = {"optimizer": "adamw", "learning_rate": 3e-3, "batch_size": 8, "epochs": 8}
        fit(model, pairs, folder, collate=pair_collator(COLLATE, shown), task=OBJECTIVE, **values)
    assert right(with_names) == 1.0
    assert right(without) < 1.0


# vectors and weights


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_chunks_of_similar_length_give_the_same_vectors(tiny, family):
    """More texts than a chunk holds, of all lengths, in no order."""
    model = model_of(tiny(family)).eval()
    batch = tensors(COLLATE(features_of([0, 1, 2] * 15)))
    with torch.no_grad():
        vectors = OBJECTIVE.forward(model, batch)
        with captured_input(last_linear(model)) as kept:
            model(**batch.inputs)
    assert torch.allclose(vectors, kept[0], atol=1e-5)


def test_vectors_are_compared_whole(tiny):
    """Dropout stays inside the backbone; that of the head would blank parts of what is compared."""
    model = model_of(tiny("bert"), dropout=0.0)
    model.dropout.p = 0.9
    model.train()
    assert (OBJECTIVE.forward(model, tensors(COLLATE(features_of([0, 1, 2])))) != 0).all()


def test_the_average_of_weights_lies_between(tiny):
    model = model_of(tiny("bert"))
    model.backbone.embeddings.requires_grad_(False)
    start = trained_weights(model)
    assert not [name for name in start if "embeddings" in name]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    moved = weights(model)
    average_weights(model, start, 0.25)
    for name, value in weights(model).items():
        assert torch.allclose(value, moved[name] - (0.25 if name in start else 0.0)), name


def test_length_pool_of_one_mixes_lengths():
    features = [Feature(length, length, {}) for length in range(1, 201)]

    def spread(pool: int) -> float:
        plan = plan_steps(features, Training(batch_size=20, length_pool=pool))
        return float(np.mean([np.ptp([features[i].length for i in batch]) for batch in plan.epoch(0)]))

    assert spread(100) == 19
    assert spread(1) > 100
