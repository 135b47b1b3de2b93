"""Prediction: every row once, in order, and never more than a batch of logits."""

from __future__ import annotations

import math
import weakref

import numpy as np
import pytest
import torch

from taskzoo.engine.evaluation import Evaluation, Predictions, predict, score
from taskzoo.engine.precision import make_accelerator
from taskzoo.errors import TaskZooError
from taskzoo.runs.directory import write_json

from .kit import Tagger, TaggingTask, collate, encode, make_features, make_tagger


class Oracle(Tagger):
    """Labels every token rightly, and counts how many of its outputs are alive."""

    def __init__(self) -> None:
        super().__init__()
        self.alive: list[weakref.ref] = []
        self.most = 0
        self.sizes: list[int] = []

    def forward(self, input_ids):
        self.sizes.append(input_ids.numel())
        output = super().forward(input_ids)
        output.logits = torch.nn.functional.one_hot(input_ids % 4, 4).float()
        self.alive.append(weakref.ref(output.logits))
        self.most = max(self.most, sum(ref() is not None for ref in self.alive))
        return output


def run(model, features, task=None, **options):
    rows, encoded = encode(features)
    return rows, predict(model, task or TaggingTask(), rows, encoded, collate, make_accelerator("fp32"), **options)


def test_every_row_is_predicted_once_and_in_order():
    features = make_features(50)
    rows, predictions = run(Oracle(), features, max_tokens=40)
    assert predictions.rows == TaggingTask().references(rows)
    assert predictions.loss is None


def test_windows_of_a_row_stay_in_order():
    features = [{**f, "row": i // 3} for i, f in enumerate(make_features(30))]
    rows, predictions = run(Oracle(), features, max_tokens=30)
    assert len(rows) == 10
    assert predictions.rows == TaggingTask().references(rows)


def test_logits_are_not_kept():
    model = Oracle()
    run(model, make_features(60), max_tokens=24)
    assert len(model.alive) >= 20
    assert model.most <= 2  # the batch at hand, and the one before until it is replaced


def test_batches_stay_below_the_limit_and_the_longest_comes_first():
    model = Oracle()
    seen = []
    run(model, make_features(60), max_tokens=24, advance=seen.append)
    assert max(model.sizes) <= 24
    assert sum(seen) == 60


def test_the_loss_is_per_target_whatever_the_batches():
    features = make_features(40)
    results = [run(make_tagger(), features, max_tokens=tokens, with_loss=True)[1].loss for tokens in (12, 50, 8192)]
    model, task, (_, encoded) = make_tagger(), TaggingTask(), encode(features)
    batch = collate(encoded.features)
    total, count = task.loss(model(**batch["inputs"]), batch)
    assert results == pytest.approx([(total / count).item()] * 3, rel=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_put_back_and_dropout_is_off(training):
    model = make_tagger(dropout=0.5).train(training)
    first, second = (run(model, make_features(20), with_loss=True)[1] for _ in range(2))
    assert first == second
    assert model.training is training


def test_a_task_that_loses_rows_is_found_out():
    class Careless(TaggingTask):
        def assemble(self, rows, parts):
            return super().assemble(rows, parts)[1:]

    with pytest.raises(TaskZooError, match="assembled 19 predictions for 20 rows"):
        run(Oracle(), make_features(20), Careless())


def test_scores_details_and_intervals():
    rows, predictions = run(make_tagger(), make_features(40), with_loss=True)
    plain, full = score(TaggingTask(), rows, predictions), score(TaggingTask(), rows, predictions, intervals=True)
    assert plain.scores == full.scores
    assert plain.scores.keys() == {"score", "loss"}
    assert plain.intervals == {}
    low, high = full.intervals["score"]
    assert low < full.scores["score"] < high
    stored = full.to_dict()
    assert stored["score_ci95"] == [low, high]
    assert stored["rows"] == 40
    assert "loss_ci95" not in stored


def test_intervals_are_the_same_every_time():
    rows, predictions = run(make_tagger(), make_features(40))
    first, second = (score(TaggingTask(), rows, predictions, intervals=True).to_dict() for _ in range(2))
    assert first == second


def test_an_undefined_score_can_be_written(tmp_path):
    evaluation = Evaluation([], [], {"a": math.nan, "b": 0.5}, {"a": (math.nan, math.nan), "b": (0.1, 0.9)})
    stored = evaluation.to_dict()
    assert stored == {"a": None, "a_ci95": None, "b": 0.5, "b_ci95": [0.1, 0.9], "rows": 0}
    write_json(tmp_path / "metrics.json", stored)


def test_scores_are_plain_numbers():
    class Numpy(TaggingTask):
        def metrics(self):
            class Metric(type(super().metrics()[0])):
                def scores(self, total):
                    return {"score": np.float32(0.5)}

            return [Metric()]

    result = score(Numpy(), [], Predictions([]))
    assert type(result.scores["score"]) is float
