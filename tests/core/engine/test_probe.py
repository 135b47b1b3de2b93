"""The linear probe: each text encoded once, and the minimum that scikit-learn finds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from transformers import AutoModel, AutoModelForTokenClassification

from taskzoo.engine import ridge
from taskzoo.engine.last_layer import Inputs, captured_input, decode_vectors, encode_once, last_linear
from taskzoo.engine.probe import check_probe
from taskzoo.engine.ridge import FOLDS, ProbeData
from taskzoo.errors import Interrupted, RequestError, TrainingError
from taskzoo.heads.collator import SequenceCollator
from taskzoo.heads.multi_label import MultiLabelHead
from taskzoo.heads.regression import RegressionHead, Scale
from taskzoo.heads.single_label import SingleLabelHead
from taskzoo.models.sequence import load_sequence_model

from .kit import TaggingTask, make_feature, make_session

LABELS = ["a", "b", "c"]
HEADS = {
    "single": SingleLabelHead(LABELS),
    "multi": MultiLabelHead(LABELS),
    "value": RegressionHead(Scale(0.0, 1.0, -9.0, 9.0)),
}


class Probed(TaggingTask):
    """A task with the loss of a head, which is all that a probe asks for."""

    def __init__(self, head):
        super().__init__()
        self.of_head = head

    def loss(self, outputs, batch, *, label_smoothing=0.0):
        return self.of_head.loss(outputs, batch, label_smoothing=label_smoothing)


def model_of(folder: str, kind: str = "single", pooling: str = "mean"):
    torch.manual_seed(0)
    labels = [] if kind == "value" else LABELS
    return load_sequence_model(folder, problem_type=HEADS[kind].problem_type, labels=labels, pooling=pooling)


def fit_probe(model, task, train, validation, rows, *, seed):
    return ridge.fit_probe(model, task, ProbeData(train, rows, validation), seed=seed)


def features_of(count: int, kind: str = "single", seed: int = 0):
    """Texts of 3 to 20 tokens, whose first token says most of the label."""
    generator = np.random.default_rng(seed)
    features = []
    for row in range(count):
        ids = generator.integers(20, 50, generator.integers(3, 21)).tolist()
        noise = generator.random() < 0.15
        klass = int(generator.integers(3)) if noise else ids[0] % 3
        target = {"single": klass, "multi": [k for k in range(3) if ids[k] % 2] + [2] * noise, "value": ids[0] / 10}
        features.append(make_feature(row, ids, target=target[kind]))
    return features


def session_of(model, features, kind="single", *, max_tokens=100, task=None):
    collate = SequenceCollator(0, HEADS[kind])
    return make_session(
        model, features, task=task or Probed(HEADS[kind]), collate=collate, evaluation_tokens=max_tokens
    )


def encode(model, features, kind="single", *, max_tokens=100):
    return encode_once(session_of(model, features, kind, max_tokens=max_tokens), features, "encoding")


@torch.no_grad()
def logits_of(model, features) -> np.ndarray:
    """Through the whole model, one text at a time."""
    model.eval()
    return np.stack([model(input_ids=torch.tensor([f["input_ids"]])).logits[0].numpy() for f in features])


def standardised(inputs: Inputs) -> np.ndarray:
    vectors = inputs.vectors.double().numpy()
    vectors = vectors - vectors.mean(0)
    return vectors / np.sqrt((vectors**2).mean())


# the minimum


@pytest.mark.parametrize("penalty", [1e-3, 1e-1])
@pytest.mark.parametrize("weights", ["none", "balanced"])
def test_it_is_scikit_learns_logistic_regression(tiny, monkeypatch, penalty, weights):
    monkeypatch.setattr(ridge, "PENALTIES", (penalty,))
    features = features_of(150)[:110] + [f for f in features_of(150)[110:] if f["target"] == 0]
    features = [replace(f, row=i) for i, f in enumerate(features)]
    targets = np.array([f["target"] for f in features])
    head = SingleLabelHead.fitted([LABELS[t] for t in targets], LABELS, class_weights=weights)
    model = model_of(tiny("bert"))
    inputs = encode(model, features)
    facts = fit_probe(model, Probed(head), inputs, None, np.arange(len(features)), seed=0)
    assert facts["penalty"] == penalty
    counts = np.bincount(targets)
    sample_weights = len(targets) / (3 * counts[targets]) if weights == "balanced" else np.ones(len(targets))
    reference = LogisticRegression(C=1 / (penalty * sample_weights.sum()), tol=1e-10, max_iter=10000)
    reference.fit(standardised(inputs), targets, sample_weight=sample_weights)
    found = torch.tensor(logits_of(model, features)).softmax(-1).numpy()
    np.testing.assert_allclose(found, reference.predict_proba(standardised(inputs)), atol=2e-3)
    assert (found.argmax(1) == targets).mean() > 0.55  # there was something to learn


def test_it_is_scikit_learns_for_each_of_several_labels(tiny, monkeypatch):
    monkeypatch.setattr(ridge, "PENALTIES", (1e-3,))
    features = features_of(120, "multi")
    model = model_of(tiny("bert"), "multi")
    inputs = encode(model, features, "multi")
    fit_probe(model, Probed(HEADS["multi"]), inputs, None, np.arange(120), seed=0)
    found = 1 / (1 + np.exp(-logits_of(model, features)))
    for label in range(3):
        targets = inputs.targets["labels"][:, label].numpy()
        reference = LogisticRegression(C=1 / (1e-3 * targets.size * 3), tol=1e-10, max_iter=10000)
        expected = reference.fit(standardised(inputs), targets).predict_proba(standardised(inputs))[:, 1]
        np.testing.assert_allclose(found[:, label], expected, atol=2e-3)


def test_it_is_ridge_regression_for_a_number(tiny, monkeypatch):
    monkeypatch.setattr(ridge, "PENALTIES", (1e-3,))
    features = features_of(100, "value")
    model = model_of(tiny("bert"), "value")
    inputs = encode(model, features, "value")
    fit_probe(model, Probed(HEADS["value"]), inputs, None, np.arange(100), seed=0)
    targets = inputs.targets["values"].numpy()
    expected = Ridge(alpha=0.5 * 1e-3 * 100).fit(standardised(inputs), targets).predict(standardised(inputs))
    np.testing.assert_allclose(logits_of(model, features)[:, 0], expected, atol=5e-3)


def test_the_ridge_is_the_best_on_validation_rows(tiny):
    train, held = features_of(60), [replace(f, row=i) for i, f in enumerate(features_of(200, seed=1))]
    model = model_of(tiny("bert"))
    inputs, other = encode(model, train), encode(model, held)
    facts = fit_probe(model, Probed(HEADS["single"]), inputs, other, np.arange(60), seed=0)
    assert facts["chosen_by"] == "validation"
    assert f"{facts['penalty']:g}" == min(facts["losses"], key=facts["losses"].get)
    found = log_loss(
        other.targets["labels"], torch.tensor(logits_of(model, held)).double().softmax(-1), labels=range(3)
    )
    assert found == pytest.approx(min(facts["losses"].values()), abs=2e-3)
    assert max(facts["losses"].values()) > found + 0.01


def test_without_validation_rows_training_rows_choose(tiny):
    features = features_of(80)
    facts = []
    for _ in range(2):
        model = model_of(tiny("bert"))
        facts.append(fit_probe(model, Probed(HEADS["single"]), encode(model, features), None, np.arange(80), seed=3))
    assert facts[0] == facts[1]
    assert facts[0]["chosen_by"] == "cross-validation"
    assert f"{facts[0]['penalty']:g}" == min(facts[0]["losses"], key=facts[0]["losses"].get)


def test_windows_of_a_row_are_held_out_together():
    """Else a ridge that learns rows by heart would look best."""
    rows = np.repeat(np.arange(23), 7)
    fold = ridge._folds(rows, seed=0)
    assert all(len(set(fold[rows == row])) == 1 for row in range(23))
    sizes = np.bincount([fold[rows == row][0] for row in range(23)], minlength=FOLDS)
    assert sizes.max() - sizes.min() <= 1
    assert (ridge._folds(rows, seed=0) == fold).all()
    assert (ridge._folds(rows, seed=1) != fold).any()


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_fewer_rows_than_folds(tiny, rows):
    texts = [f["input_ids"] for f in features_of(2)]  # of four rows two are alike, so that each teaches the other
    features = [make_feature(row, texts[row % 2], target=row % 2) for row in range(rows)]
    model = model_of(tiny("bert"))
    facts = fit_probe(model, Probed(HEADS["single"]), encode(model, features), None, np.arange(rows), seed=0)
    assert facts["penalty"] in ridge.PENALTIES
    assert (logits_of(model, features).argmax(1) == [f["target"] for f in features]).all()


def test_vectors_that_are_not_finite_stop_it(tiny):
    model = model_of(tiny("bert"))
    inputs = encode(model, features_of(20))
    inputs.vectors[3, 5] = float("nan")
    before = last_linear(model).weight.detach().clone()
    with pytest.raises(TrainingError, match=r"non-finite embeddings .* use precision=fp32"):
        fit_probe(model, Probed(HEADS["single"]), inputs, None, np.arange(20), seed=0)
    assert torch.equal(last_linear(model).weight, before)


def test_a_layer_without_bias_is_solved_without_one(tiny, monkeypatch):
    monkeypatch.setattr(ridge, "PENALTIES", (1e-3,))
    model = model_of(tiny("bert"))
    model.classifier = torch.nn.Linear(32, 3, bias=False)
    features = features_of(90)
    inputs = encode(model, features)
    fit_probe(model, Probed(HEADS["single"]), inputs, None, np.arange(90), seed=0)
    vectors, targets = inputs.vectors.double().numpy(), inputs.targets["labels"].numpy()
    vectors = vectors / np.sqrt((vectors**2).mean())
    reference = LogisticRegression(C=1 / (1e-3 * 90), tol=1e-10, max_iter=10000, fit_intercept=False)
    expected = reference.fit(vectors, targets).predict_proba(vectors)
    np.testing.assert_allclose(torch.tensor(logits_of(model, features)).softmax(-1).numpy(), expected, atol=5e-3)


# encoding


def test_every_text_is_encoded_exactly_once(tiny):
    model, features, seen = model_of(tiny("bert")), features_of(57), []
    model.backbone.register_forward_pre_hook(
        lambda _, args, inputs: seen.extend(
            tuple(ids[mask.bool()].tolist())
            for ids, mask in zip(inputs["input_ids"], inputs["attention_mask"], strict=True)
        ),
        with_kwargs=True,
    )
    encode(model, features, max_tokens=64)
    assert sorted(seen) == sorted(tuple(f["input_ids"]) for f in features)
    fit_probe(model, Probed(HEADS["single"]), encode(model, features), None, np.arange(57), seed=0)
    assert len(seen) == 2 * 57  # solving takes no further pass


def test_vectors_and_targets_stand_in_the_order_of_the_features(tiny):
    model, features = model_of(tiny("bert")).eval(), features_of(40)
    inputs = encode(model, features, max_tokens=64)
    assert inputs.targets["labels"].tolist() == [f["target"] for f in features]
    assert inputs.vectors.dtype == torch.float32
    for feature, vector in zip(features, inputs.vectors, strict=True):
        with captured_input(last_linear(model)) as kept, torch.no_grad():
            model(input_ids=torch.tensor([feature["input_ids"]]))
        torch.testing.assert_close(kept[0][0], vector, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_dropout_is_off_and_the_mode_is_put_back(tiny, training):
    model = model_of(tiny("bert"))
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    model.train(training)
    one, two = (encode(model, features_of(10)) for _ in range(2))
    assert torch.equal(one.vectors, two.vectors)
    assert model.training is training
    assert not last_linear(model)._forward_pre_hooks


def test_a_head_that_works_on_tokens_is_refused(tiny):
    model = AutoModelForTokenClassification.from_pretrained(tiny("bert"), num_labels=3)
    with pytest.raises(RequestError, match="require one vector per text, but this head works on every token"):
        encode(model, features_of(4))


def test_a_decoder_scores_all_tokens_and_its_vector_is_that_of_the_last(tiny):
    decoder = model_of(tiny("gpt2"), pooling="auto").eval()
    decoder.config.pad_token_id = 0
    features = features_of(4)
    found = encode(decoder, features)
    for feature, vector in zip(features, found.vectors, strict=True):
        ids = torch.tensor([feature["input_ids"]])
        with torch.no_grad():
            states, logits = decoder.transformer(ids).last_hidden_state[0], decoder(input_ids=ids).logits[0]
        torch.testing.assert_close(vector, states[-1], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(last_linear(decoder)(vector), logits, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert", "electra", "deberta-v2", "distilbert"])
def test_the_last_layer_of_own_heads_makes_the_logits(tiny, family):
    model = model_of(tiny(family), pooling="auto").eval()
    layer = last_linear(model)
    with captured_input(layer) as kept, torch.no_grad():
        logits = model(input_ids=torch.tensor([[20, 21, 22]])).logits
        torch.testing.assert_close(layer(kept[0]), logits)


def test_a_model_without_a_head_is_refused(tiny):
    with pytest.raises(RequestError, match="this head has none"):
        last_linear(AutoModel.from_pretrained(tiny("bert")))


def test_taking_examples_takes_all_targets():
    inputs = Inputs(torch.arange(6.0).reshape(3, 2), {"labels": torch.tensor([5, 6, 7])}, torch.arange(3))
    taken = inputs.take(np.array([2, 0]))
    assert taken.vectors.tolist() == [[4, 5], [0, 1]]
    assert taken.targets["labels"].tolist() == [7, 5]


def test_the_tasks_own_forward_pass_is_taken(tiny):
    class Doubled(Probed):
        def forward(self, model, batch):
            return model(**{**batch.inputs, "input_ids": batch.inputs["input_ids"] + 1})

    model, features = model_of(tiny("bert")), features_of(5)
    found = encode_once(session_of(model, features, task=Doubled(HEADS["single"])), features, "")
    shifted = [make_feature(f.row, [i + 1 for i in f["input_ids"]], target=f["target"]) for f in features]
    torch.testing.assert_close(found.vectors, encode(model, shifted).vectors, atol=1e-5, rtol=1e-4)


def test_encoding_stops_on_request(tiny):
    session = session_of(model_of(tiny("bert")), features_of(20), max_tokens=20)
    session.stop = lambda: True
    with pytest.raises(Interrupted, match="Stopped while encoding train"):
        encode_once(session, features_of(20), "encoding train")


def test_a_task_that_needs_more_than_logits_is_refused(tiny):
    class Topics(Probed):
        def loss(self, outputs, batch, *, label_smoothing=0.0):
            return super().loss(outputs.topic, batch)

        def decode(self, outputs, batch):
            return list(outputs.spans)

    session = session_of(model_of(tiny("bert")), features_of(3), task=Topics(HEADS["single"]))
    with pytest.raises(RequestError, match=r"needs more than logits and targets .*'topic'.* use method=full"):
        check_probe(session)
    inputs = encode_once(session, features_of(3), "")
    with pytest.raises(RequestError, match="'spans'"):
        decode_vectors(session.model, session.task, inputs)
    check_probe(session_of(model_of(tiny("bert")), features_of(3)))


class Decoded(Probed):
    def decode(self, outputs, batch):
        return list(outputs.logits.argmax(-1).tolist())


def test_parts_of_a_probe_are_those_of_the_model(tiny):
    model, features = model_of(tiny("bert")).eval(), features_of(9)
    found = decode_vectors(model, Decoded(HEADS["single"]), encode(model, features))
    assert found == logits_of(model, features).argmax(-1).tolist()
