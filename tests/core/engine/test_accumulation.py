"""One optimizer step is one step, however its examples are divided."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from taskzoo.arrays import padded
from taskzoo.data.batching import plan_epoch
from taskzoo.engine.gradient import Gradient
from taskzoo.engine.job import Job
from taskzoo.engine.plan import plan_steps
from taskzoo.engine.precision import make_accelerator
from taskzoo.errors import RequestError
from taskzoo.methods.base import refuse_division
from taskzoo.types import IGNORE_INDEX, Batch, Feature

from .kit import (
    Tagger,
    TaggingTask,
    collate,
    distance,
    fit,
    history,
    make_features,
    make_session,
    make_tagger,
    settings,
    weights,
)

FEATURES = make_features(70)  # batches of 32, 32 and 6


def descend_plainly(epochs: int, rate: float, *, mean_of_means: int = 0) -> dict[str, torch.Tensor]:
    """The same training written out: every step divides the summed loss by its active targets.

    ``mean_of_means`` averages the means of that many micro-batches instead, which is the mistake to avoid.
    """
    model = make_tagger()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    lengths = [f.length for f in FEATURES]
    for epoch in range(epochs):
        for examples in plan_epoch(lengths, batch_size=32, seed=42, epoch=epoch):
            size = -(-len(examples) // mean_of_means) if mean_of_means else len(examples)
            parts = [examples[i : i + size] for i in range(0, len(examples), size)]
            for part in parts:
                batch = collate([FEATURES[i] for i in part])
                logits = model(**batch.inputs).logits.flatten(0, 1)
                labels = batch.targets["labels"].flatten()
                (functional.cross_entropy(logits, labels, ignore_index=IGNORE_INDEX) / len(parts)).backward()
            optimizer.step()
            optimizer.zero_grad()
    return weights(model)


@pytest.mark.parametrize("micro_batch_size", [0, 32, 8, 5, 1])
def test_micro_batches_give_the_weights_of_one_batch(tmp_path, micro_batch_size):
    model = make_tagger()
    progress = fit(model, FEATURES, tmp_path, epochs=3, micro_batch_size=micro_batch_size)
    expected = descend_plainly(3, 0.5)
    assert progress.step == 9  # the batch of 6 is a step as well
    assert distance(weights(model), expected) < 2e-6
    assert distance(expected, weights(make_tagger())) > 0.1


def test_the_data_tell_a_mean_of_means_from_the_mean():
    assert distance(descend_plainly(3, 0.5), descend_plainly(3, 0.5, mean_of_means=4)) > 1e-3


def test_clipping_sees_the_gradient_of_the_whole_step(tmp_path):
    results = []
    for micro_batch_size in (0, 4):
        model = make_tagger()
        folder = tmp_path / str(micro_batch_size)
        folder.mkdir()
        fit(model, FEATURES, folder, micro_batch_size=micro_batch_size, max_grad_norm=0.05)
        results.append((weights(model), [line["grad_norm"] for line in history(folder)]))
    assert distance(results[0][0], results[1][0]) < 1e-6
    assert results[0][1] == pytest.approx(results[1][1], rel=1e-5)
    assert min(results[0][1]) > 0.05  # the norm before clipping, above the limit


def test_reported_loss_is_per_target_over_the_logged_steps(tmp_path):
    fit(make_tagger(), FEATURES, tmp_path, learning_rate=0, log_every=100)
    model, task = make_tagger(), TaggingTask()
    batch = collate(FEATURES)
    loss = task.loss(model(**batch.inputs), batch)
    (line,) = history(tmp_path)
    assert line["loss"] == pytest.approx((loss.total / loss.weight).item(), rel=1e-6)


def test_a_batch_without_targets_changes_nothing(tmp_path):
    features = [replace(f, values={**f.values, "labels": [IGNORE_INDEX] * f.length}) for f in make_features(4)]
    model = make_tagger()
    before = weights(model)
    fit(model, features, tmp_path)
    assert distance(before, weights(model)) == 0


@pytest.mark.parametrize(
    ("examples", "values", "expected"),
    [
        (70, {"epochs": 3, "batch_size": 32}, 9),
        (64, {"epochs": 3, "batch_size": 32}, 6),
        (70, {"epochs": 0.5, "batch_size": 32}, 2),
        (3, {"epochs": 0.01, "batch_size": 32}, 1),
        (70, {"epochs": 3, "batch_size": 32, "max_steps": 4}, 4),
        (70, {"epochs": 0, "max_steps": 100}, 100),
        (70, {"epochs": 3, "batch_size": 32, "min_steps": 50}, 50),
        (70, {"epochs": 3, "batch_size": 32, "min_steps": 5}, 9),
        (70, {"epochs": 3, "batch_size": 32, "min_steps": 50, "max_steps": 4}, 4),
    ],
)
def test_number_of_steps(examples, values, expected):
    assert plan_steps(make_features(examples), settings(**values)).last_step == expected


def with_targets(count: int) -> list[Feature]:
    """Features that say they have targets of a token more than their inputs."""
    return [replace(f, target_length=f.length + 1) for f in make_features(count)]


@pytest.mark.parametrize("micro_batch_size", [0, 3])
def test_steps_counted_in_tokens(tmp_path, micro_batch_size):
    """Every step keeps its budget on both sides, and micro-batches only divide it."""
    features, seen = with_targets(70), []

    def watch(chosen):
        seen.append(chosen)
        return collate(chosen)

    model = make_tagger()
    values = {"batch_tokens": 150, "epochs": 2, "micro_batch_size": micro_batch_size}
    progress = fit(model, features, tmp_path, collate=watch, **values)
    plan = plan_steps(features, settings(**values))
    assert 8 < plan.per_epoch < 25
    assert progress.step == 2 * plan.per_epoch == history(tmp_path)[-1]["step"]
    assert history(tmp_path)[-1]["epoch"] == 2
    assert progress.tokens == 2 * sum(f.length + f.target_length for f in features)
    if micro_batch_size:
        assert max(map(len, seen)) == 3
    else:
        expected = [[features[i].row for i in step] for epoch in (0, 1) for step in plan.epoch(epoch)]
        assert [[f.row for f in chosen] for chosen in seen] == expected
        costs = [len(c) * (2 * max(f.length for f in c) + 1) for c in seen]
        assert max(costs) <= 150
        (tmp_path / "parts").mkdir()
        other = make_tagger()
        fit(other, features, tmp_path / "parts", **{**values, "micro_batch_size": 2})
        assert distance(weights(model), weights(other)) < 2e-6


def test_max_steps_may_exceed_the_epochs(tmp_path):
    progress = fit(make_tagger(), FEATURES, tmp_path, max_steps=7)
    assert progress.step == 7
    assert [line["step"] for line in history(tmp_path)] == [1, 2, 3, 4, 5, 6, 7]
    assert history(tmp_path)[-1]["epoch"] == pytest.approx(7 / 3)


class Coupled(TaggingTask):
    batch_coupled = True


@pytest.mark.parametrize(("values", "processes"), [({"micro_batch_size": 8}, 1), ({}, 2)])
def test_a_loss_over_the_whole_batch_is_not_divided(values, processes):
    wanted = "The loss of X compares the examples of a batch; leave micro_batch_size at 0 and train in one process"
    with pytest.raises(RequestError, match=wanted):
        refuse_division(Coupled(), "X", settings(**values), processes)
    refuse_division(Coupled(), "X", settings())
    refuse_division(TaggingTask(), "X", settings(micro_batch_size=8), 2)


def test_the_loss_is_asked_for_once_a_batch(tmp_path):
    class Counted(TaggingTask):
        calls = 0

        def loss(self, outputs, batch, *, label_smoothing=0.0):
            self.calls += 1
            return super().loss(outputs, batch, label_smoothing=label_smoothing)

    task = Counted()
    fit(make_tagger(), FEATURES, tmp_path, task=task, label_smoothing=0.1)
    assert task.calls == 3


class Crowded(Tagger):
    """Runs out of memory with more than ``room`` texts at once."""

    room, crowded = 5, RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")

    def forward(self, input_ids):
        if self.training and len(input_ids) > self.room:
            raise self.crowded
        return super().forward(input_ids)


def crowded_tagger(room: int) -> Crowded:
    model = Crowded()
    model.load_state_dict(make_tagger().state_dict())
    model.room = room
    return model


def test_where_the_memory_runs_out_smaller_micro_batches_give_the_same_weights(tmp_path):
    model, said = crowded_tagger(5), list[str]()
    progress = fit(model, FEATURES, tmp_path, epochs=3, say=said.append)
    assert progress.micro_batch_size == 4
    assert [line for line in said if "memory" in line] == [
        f"warning   the memory ran out with {n} examples at once: going on with {half} (micro_batch_size); a step is "
        "still made of as many examples as before"
        for n, half in ((32, 16), (16, 8), (8, 4))
    ]
    assert distance(weights(model), descend_plainly(3, 0.5)) < 2e-6


def test_where_not_even_one_example_fits_it_is_the_error_that_it_was(tmp_path):
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        fit(crowded_tagger(0), FEATURES, tmp_path, epochs=1)


def test_another_error_is_not_tried_again(tmp_path):
    model = crowded_tagger(5)
    model.crowded = RuntimeError("shapes do not match")
    with pytest.raises(RuntimeError, match="shapes do not match"):
        fit(model, FEATURES, tmp_path, epochs=1)


@pytest.mark.parametrize(("precision", "step"), [("fp32", 1), ("bf16", 8)])
def test_batches_of_half_precision_are_as_wide_as_a_multiple_of_eight(precision, step):
    seen = []

    def noting(features):
        batch = Batch({"input_ids": padded([f["input_ids"] for f in features], 0)}, {})
        batch.targets["labels"] = padded([f["labels"] for f in features], IGNORE_INDEX)
        seen.append(batch.inputs["input_ids"].shape[1])
        return batch

    model = make_tagger()
    session = make_session(model, FEATURES, collate=noting, accelerator=make_accelerator(precision), micro_batch_size=1)
    job = Job(model, TaggingTask(), FEATURES, noting)
    with session.accelerator.active():
        Gradient(session, job, model).sum(list(range(20)))
    longest = max(feature.length for feature in FEATURES)  # 12: no wider, as the model may take no more
    assert seen == [min(-(-feature.length // step) * step, longest) for feature in FEATURES[:20]]
