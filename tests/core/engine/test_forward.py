"""A task may have its own way from a batch to outputs, and may generate its predictions."""

from __future__ import annotations

import pytest
import torch

from taskzoo.engine.evaluation import Predictor
from taskzoo.engine.precision import make_accelerator

from .kit import Output, Tagger, TaggingTask, distance, encode, fit, make_features, make_tagger, weights


class Reversed(TaggingTask):
    """Puts the labels in opposite order, which only its own forward pass can."""

    def forward(self, model, batch):
        return Output(model(**batch.inputs).logits.flip(-1))


class Generating(TaggingTask):
    """Makes its parts itself."""

    generates = True

    def predict_batch(self, model, batch, outputs=None):
        assert not model.training
        assert not torch.is_grad_enabled()
        pairs = zip(batch.inputs["input_ids"].tolist(), batch.targets["lengths"], strict=True)
        return [[i % 4 for i in ids[:n]] for ids, n in pairs]

    def decode(self, outputs, batch):
        raise AssertionError("its predictions are generated")


class Counting(Tagger):
    calls = 0

    def forward(self, input_ids):
        self.calls += 1
        return super().forward(input_ids)


def run(model, task, max_tokens=8192, **options):
    examples = encode(make_features(30))
    return examples, Predictor(task, model, None, make_accelerator("fp32"), max_tokens).predict(examples, **options)


def test_training_and_prediction_take_the_tasks_forward_pass(tmp_path):
    features = make_features(30)
    model, mirrored = make_tagger(), make_tagger()
    with torch.no_grad():
        for parameter in mirrored.outer.parameters():
            parameter.copy_(parameter.flip(0))
    (tmp_path / "mirrored").mkdir()
    (tmp_path / "own").mkdir()
    fit(model, features, tmp_path / "own", task=Reversed())
    fit(mirrored, features, tmp_path / "mirrored")
    trained = weights(model)
    trained["outer.weight"], trained["outer.bias"] = trained["outer.weight"].flip(0), trained["outer.bias"].flip(0)
    assert distance(trained, weights(mirrored)) < 1e-6
    _, one = run(model, Reversed(), with_loss=True)
    _, two = run(mirrored, TaggingTask(), with_loss=True)
    assert one.rows == two.rows
    assert one.loss == pytest.approx(two.loss, rel=1e-5)


def test_generated_predictions_need_no_outputs_but_for_the_loss():
    model = Counting()
    rows, predictions = run(model, Generating(), max_tokens=30)
    assert predictions.rows == TaggingTask().references(rows)
    assert predictions.loss is None
    assert model.calls == 0
    _, plain = run(model, TaggingTask(), max_tokens=30, with_loss=True)
    batches, model.calls = model.calls, 0
    _, predictions = run(model, Generating(), max_tokens=30, with_loss=True)
    assert predictions.loss == plain.loss
    assert model.calls == batches


def test_the_tasks_forward_pass_is_computed_in_the_precision_of_the_run():
    seen = []

    class Own(TaggingTask):
        def forward(self, model, batch):
            seen.append(model.inner(torch.ones(1, 16)).dtype)
            return model(**batch.inputs)

        def decode(self, outputs, batch):
            seen.append(torch.is_autocast_enabled("cpu"))
            return super().decode(outputs, batch)

    class Generated(Own):
        generates = True

        def predict_batch(self, model, batch, outputs=None):
            seen.append(torch.is_autocast_enabled("cpu"))
            return [[0] * n for n in batch.targets["lengths"]]

    for task in (Own(), Generated()):
        Predictor(task, make_tagger(), None, make_accelerator("bf16")).predict(encode(make_features(4)))
    assert seen == [torch.bfloat16, False, True]
