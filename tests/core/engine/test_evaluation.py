"""Prediction: every row once, in order, and never more than a batch of logits."""

from __future__ import annotations

import math
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from taskzoo.engine import scoring
from taskzoo.engine.evaluation import Predictor
from taskzoo.engine.precision import make_accelerator
from taskzoo.engine.scoring import Evaluation, Predictions, score
from taskzoo.errors import RequestError, TaskZooError
from taskzoo.metrics.intervals import bootstrap_replicates
from taskzoo.runs.directory import write_json

from .kit import Accuracy, Tagger, TaggingTask, collate, encode, make_features, make_tagger


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


def run(model, features, task=None, max_tokens=8192, **options):
    examples = encode(features)
    predictor = Predictor(task or TaggingTask(), model, None, make_accelerator("fp32"), max_tokens)
    return examples, predictor.predict(examples, **options)


def test_every_row_is_predicted_once_and_in_order():
    features = make_features(50)
    rows, predictions = run(Oracle(), features, max_tokens=40)
    assert predictions.rows == TaggingTask().references(rows)
    assert predictions.loss is None


class Narrow(Oracle):
    """Has memory for so many rows at once."""

    def __init__(self, rows: int, error: BaseException) -> None:
        super().__init__()
        self.rows, self.error, self.refused = rows, error, 0

    def forward(self, input_ids):
        if len(input_ids) > self.rows:
            self.refused += 1
            raise self.error
        return super().forward(input_ids)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED")])
@pytest.mark.parametrize("rows", [1, 3, 7])
def test_a_batch_that_does_not_fit_into_memory_is_divided(rows, error):
    features = make_features(50)
    model, done = Narrow(rows, error), []
    examples, found = run(model, features, max_tokens=200, with_loss=True, advance=done.append)
    _, expected = run(Oracle(), features, max_tokens=200, with_loss=True)
    assert model.refused
    assert found.rows == expected.rows == TaggingTask().references(examples)
    assert found.loss == pytest.approx(expected.loss)
    assert sum(done) == 50


def test_a_row_that_does_not_fit_and_other_errors_are_raised():
    with pytest.raises(MemoryError):
        run(Narrow(0, MemoryError()), make_features(5))
    model = Narrow(0, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes"):
        run(model, make_features(5))
    assert model.refused == 1


def test_windows_of_a_row_stay_in_order():
    features = [replace(f, row=i // 3) for i, f in enumerate(make_features(30))]
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
    model, task = make_tagger(), TaggingTask()
    batch = collate(task.encode(encode(features), None).features)
    loss = task.loss(model(**batch.inputs), batch)
    assert results == pytest.approx([(loss.total / loss.weight).item()] * 3, rel=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_put_back_and_dropout_is_off(training):
    model = make_tagger(dropout=0.5).train(training)
    first, second = (run(model, make_features(20), with_loss=True)[1] for _ in range(2))
    assert first == second
    assert model.training is training


def test_a_task_that_loses_rows_is_found_out():
    class Careless(TaggingTask):
        def assemble(self, examples, parts):
            return super().assemble(examples, parts)[1:]

    with pytest.raises(TaskZooError, match="assembled 19 predictions for 20 rows"):
        run(Oracle(), make_features(20), Careless())


def test_scores_details_and_intervals(monkeypatch):
    monkeypatch.setattr(scoring, "bootstrap_replicates", bootstrap_replicates)  # all draws, as outside of the tests
    rows, predictions = run(make_tagger(), make_features(40), with_loss=True)
    plain, full = score(TaggingTask(), rows, predictions), score(TaggingTask(), rows, predictions, intervals=True)
    assert plain.scores == full.scores
    assert plain.scores.keys() == {"score", "mistakes", "loss"}
    assert plain.intervals == {}
    low, high = full.intervals["score"]
    assert low < full.scores["score"] < high
    assert len(full.replicates["score"]) == 1000
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
            class Half(Accuracy):
                def from_sums(self, total):
                    return {"score": np.float32(0.5)}

            return [Half()]

    result = score(Numpy(), [], Predictions([]))
    assert type(result.scores["score"]) is float


def test_further_metrics_are_scored_and_may_not_repeat_a_name():
    class Length(Accuracy):
        def from_sums(self, total):
            return {"tokens": float(total[1])}

    rows, predictions = run(make_tagger(), make_features(10))
    found = score(TaggingTask(), rows, predictions, further=[Length()], intervals=True)
    assert found.scores["tokens"] == sum(len(row["labels"]) for row in rows)
    assert "tokens" in found.intervals
    with pytest.raises(RequestError, match="Two metrics give a score named 'mistakes'"):
        score(TaggingTask(), rows, predictions, further=[Accuracy()])


def test_a_task_that_loses_parts_is_found_out():
    class Careless(TaggingTask):
        def decode(self, outputs, batch):
            return super().decode(outputs, batch)[1:]

    with pytest.raises(TaskZooError, match="gave 19 parts for 20 features"):
        run(Oracle(), make_features(20), Careless())


class _Casts(TorchDispatchMode):
    """Counts how often weights of two dimensions are cast to half precision."""

    def __init__(self, weights: set[tuple[int, ...]]) -> None:
        super().__init__()
        self.weights, self.count = weights, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.ops.aten._to_copy.default and kwargs.get("dtype") == torch.bfloat16:
            self.count += tuple(args[0].shape) in self.weights
        return func(*args, **kwargs)


def test_weights_are_cast_once_for_all_batches_and_anew_for_the_next_evaluation():
    model, features = make_tagger(), make_features(40)
    predictor = Predictor(TaggingTask(), model, None, make_accelerator("bf16", cpu=True), 40)
    examples = encode(features)
    casts = _Casts({tuple(layer.weight.shape) for layer in (model.inner, model.outer)})
    with casts:
        first = predictor.predict(examples, with_loss=True)
    assert casts.count == 2
    with torch.no_grad():
        model.outer.bias.zero_()
        model.outer.weight.zero_()
    second = predictor.predict(examples, with_loss=True)
    assert second.loss == pytest.approx(math.log(4), abs=0.005)  # of four labels that are all as likely
    assert first.loss != pytest.approx(math.log(4), abs=0.01)
    assert not torch.is_autocast_enabled("cpu")
