"""What is explained is what is predicted, and integrated gradients add up, for every form of task and model."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taskzoo.engine.progress import Silent
from taskzoo.errors import RequestError
from taskzoo.evidence import Claim, Evidence, Word
from taskzoo.explanations.asking import Asked
from taskzoo.explanations.explain import explain
from taskzoo.explanations.gradients import Gradients, neutral_token
from taskzoo.explanations.occlusion import leave_one_out
from taskzoo.types import Row

from .kit import untrained

LONG = "the company said that Kim went to Paris, and the state will pay. " * 3
TEXT = "Kim's company said: the state will pay"
ONE = [{"text": f"text {i}", "label": "abc"[i % 3]} for i in range(6)]
SEVERAL = [{"text": f"text {i}", "label": ["a", "b"] if i % 2 else ["c"]} for i in range(6)]
NUMBERS = [{"text": f"text {i}", "label": float(i)} for i in range(6)]
PAIRS = [{**row, "text_pair": f"pair {i}"} for i, row in enumerate(ONE)]
TAGGED = [{"tokens": ["Kim", "Lee", "of", "Acme"], "tags": ["B-PER", "I-PER", "O", "B-ORG"]}] * 4
PAIR = {"text": TEXT, "text_pair": "it will not"}

CASES: dict[str, tuple[str, list[dict[str, Any]], str, dict[str, Any], Any]] = {
    "one label": ("classification", ONE, "bert", {}, TEXT),
    "several labels": ("classification", SEVERAL, "bert", {}, TEXT),
    "a number": ("sentiment", NUMBERS, "bert", {"kind": "intensity"}, TEXT),
    "a pair": ("classification", PAIRS, "bert", {}, PAIR),
    "a pair that is cut": ("classification", PAIRS, "bert", {"max_length": 12}, {**PAIR, "text": LONG}),
    "windows": ("classification", ONE, "bert", {"max_length": 16, "long_texts": "windows"}, LONG),
    "head and tail": ("classification", ONE, "bert", {"max_length": 16, "long_texts": "head_tail"}, LONG),
    "pooled": ("classification", ONE, "bert", {"pooling": "mean"}, TEXT),
    "bytes": ("classification", ONE, "roberta", {}, TEXT),
    "padding of GPT-2": ("classification", ONE, "gpt2", {"max_length": 16, "long_texts": "windows"}, LONG),
    "encoder of T5": ("classification", ONE, "t5", {}, TEXT),
    "entities": ("ner", TAGGED, "bert", {}, TEXT),
    "entities in windows": ("ner", TAGGED, "bert", {"max_length": 16}, LONG),
    "entities with a CRF": ("ner", TAGGED, "bert", {"head": "crf", "max_length": 16}, LONG),
}
SLOW = ("bytes", "encoder of T5", "a pair that is cut")
Make = Callable[[str], tuple[Asked, Row, list[Claim]]]


@pytest.fixture(scope="module")
def case(tiny_checkpoint: Callable[..., Path]) -> Make:
    """From the name of a case to its run, an input and what is predicted for it."""

    def make(name: str) -> tuple[Asked, Row, list[Claim]]:
        task, rows, family, options, given = CASES[name]
        run = untrained(task, rows, tiny_checkpoint(family), **options)
        if task == "classification" and name != "several labels":
            run.task.text_head.temperature = 1.7
        asked, row = Asked(run), Row({"text": given} if isinstance(given, str) else given)
        claims = asked.evidence.claims(run.predict_rows([row])[0])
        if task == "ner":
            parts = [("PER", "Kim went to Paris"), ("ORG", "company")] if given == LONG else [("ORG", "company")]
            places = [(name, given.index(part), len(part)) for name, part in parts]
            claims = [Claim("entity", name, Word("text", at, at + size)) for name, at, size in places]
        return asked, row, claims or [Claim("label", "b")]

    return make


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in CASES]
)
def test_gradients_are_of_the_value_and_add_up(case: Make, name: str) -> None:
    asked, row, claims = case(name)
    subject = asked.subject(row)
    for claim in claims[:2]:
        (expected,) = asked.values(subject, [(subject.texts, claim)])  # from predictions, by arrays
        found = Gradients(asked, asked.question(subject, claim)).integrated(48, Silent())
        assert found.value == pytest.approx(expected, rel=1e-4, abs=1e-4)
        total = sum(row.sum() for row in found.tokens)
        assert found.residual is not None
        assert found.baseline_value is not None
        assert total + found.residual == pytest.approx(found.value - found.baseline_value, abs=1e-4)
        assert abs(found.residual) < 0.02 * max(1.0, abs(found.value - found.baseline_value))


def test_the_value_is_what_the_prediction_says(case: Make) -> None:
    asked, row, (claim,) = case("one label")
    prediction = asked.run.predict_rows([row])[0]
    (value,) = asked.values(asked.subject(row), [(row.fields, claim)])
    assert 1 / (1 + math.exp(-value)) == pytest.approx(prediction["score"], abs=1e-4)
    asked, row, (claim, *_) = case("a number")
    (value,) = asked.values(asked.subject(row), [(row.fields, claim)])
    scale = asked.run.task.text_head.scale
    assert min(max(value, scale.lowest), scale.highest) == pytest.approx(asked.run.predict_rows([row])[0]["value"])


@pytest.mark.parametrize("name", ["entities", "entities with a CRF"])
def test_the_value_of_an_entity_is_the_probability_of_its_tags(case: Make, name: str) -> None:
    """It is the product of factors by which predictions are scored."""
    asked, row, _ = case(name)
    run = asked.run
    prediction = run.predict_rows([row])[0]
    assert prediction["entities"], "an untrained model should find something"
    for claim, entity in zip(asked.evidence.claims(prediction), prediction["entities"], strict=True):
        (value,) = asked.values(asked.subject(row), [(row.fields, claim)])
        assert math.exp(value) == pytest.approx(entity["score"], abs=1e-4)


def test_leaving_a_word_out_is_predicting_without_it(case: Make) -> None:
    asked, _, _ = case("one label")
    found = explain(asked.run, TEXT, method="leave-one-out").explained[0]

    def log_odds(text: str) -> float:
        made = asked.predictor.predict(asked.run.task.prepare([Row({"text": text})], "predict")).rows[0]
        p = made["_probabilities"][asked.run.task.text_head.labels.index(found.claim.name)]
        return math.log(p / (1 - p))

    without = {"Kim's": "company said: the state will pay", ":": "Kim's company said the state will pay"}
    for word in found.words:
        if word.text in without:
            expected = log_odds(TEXT) - log_odds(without.pop(word.text))
            assert word.evidence == pytest.approx(expected, abs=1e-3)
    assert not without


def test_integrated_gradients_against_a_plain_loop(case: Make) -> None:
    """The same by ``inputs_embeds``, for one text without padding."""
    import torch

    asked, row, (claim,) = case("one label")
    subject = asked.subject(row)
    question = asked.question(subject, claim)
    found = Gradients(asked, question).integrated(16, Silent())
    model: Any = asked.run.model
    ids = torch.tensor([asked.features(question)[0]["input_ids"]])
    base = ids.clone()
    base[0, 1:-1] = neutral_token(asked.run.processor)[1]
    table = model.get_input_embeddings()
    start, end = table(base).detach(), table(ids).detach()
    chosen = asked.run.task.text_head.labels.index(claim.name)
    total = torch.zeros_like(end)
    for place, weight in zip(*np.polynomial.legendre.leggauss(16), strict=True):
        point = (start + (place + 1) / 2 * (end - start)).requires_grad_()
        logits = model(inputs_embeds=point).logits[0] / 1.7
        others = torch.cat([logits[:chosen], logits[chosen + 1 :]])
        (logits[chosen] - others.logsumexp(0)).backward()
        total += weight / 2 * point.grad
    expected = (total * (end - start)).sum(-1)[0].numpy()
    assert np.allclose(found.tokens[0], expected, atol=1e-5)


def test_gradients_against_captum(case: Make) -> None:
    attr = pytest.importorskip("captum.attr")
    import torch

    asked, row, (claim,) = case("one label")
    question = asked.question(asked.subject(row), claim)
    ours = Gradients(asked, question)
    ids = torch.tensor([asked.features(question)[0]["input_ids"]])
    base = ids.clone()
    base[0, 1:-1] = neutral_token(asked.run.processor)[1]
    chosen = asked.run.task.text_head.labels.index(claim.name)

    def value(ids: torch.Tensor) -> torch.Tensor:
        logits = asked.run.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits / 1.7
        others = torch.cat([logits[:, :chosen], logits[:, chosen + 1 :]], dim=1)
        return logits[:, chosen] - others.logsumexp(1)

    table = asked.run.model.get_input_embeddings()
    theirs = attr.LayerIntegratedGradients(value, table).attribute(ids, base, n_steps=32, method="gausslegendre")
    found = ours.integrated(32, Silent()).tokens[0]
    assert np.allclose(found, theirs.sum(-1)[0].detach().numpy(), atol=1e-4)
    theirs = attr.LayerGradientXActivation(value, table).attribute(ids)
    assert np.allclose(ours.gradient_x_input().tokens[0], theirs.sum(-1)[0].detach().numpy(), atol=1e-4)


def test_any_task_can_be_asked_by_its_public_predictions(case: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, _, _ = case("one label")
    run = asked.run
    monkeypatch.setattr(type(run.task), "evidence", lambda task, role: Evidence(task, role))
    found = explain(run, TEXT).explained[0]
    assert (found.method, found.unit) == ("leave-one-out", "probability")
    assert found.value == run.predict(TEXT)["score"]
    word = found.words[-1]
    scores = run.predict(TEXT.rpartition(" ")[0])["scores"]
    assert word.evidence == pytest.approx(found.value - scores[found.claim.name])
    with pytest.raises(RequestError, match="--method gradient-x-input needs gradients, and this task does not say"):
        explain(run, TEXT, method="gradient-x-input")


@pytest.mark.parametrize("family", ["t5", pytest.param("gpt2", marks=pytest.mark.slow)])
def test_a_generated_text_is_explained_by_its_own_probability(
    tiny_checkpoint: Callable[..., Path], family: str
) -> None:
    """The mean log-probability is minus the loss of the text as a target, which is computed elsewhere."""
    rows = [{"source": f"the company said {i}", "target": "pay"} for i in range(4)]
    run = untrained("summarization", rows, tiny_checkpoint(family), max_new_tokens=5)
    asked, claim = Asked(run), Claim("text", "the state will pay")

    def loss(source: str) -> float:
        row = Row({"source": source, "target": claim.name})
        return float(run.predictor.predict(run.task.prepare([row], "test"), with_loss=True).loss or 0.0)

    subject = asked.subject(Row({"source": TEXT}))
    words = asked.words(subject)
    value, evidence = leave_one_out(asked, subject, claim, words, [], Silent())
    assert value == pytest.approx(-loss(TEXT), abs=1e-4)
    assert [TEXT[word.start : word.end] for word in words][-1] == "pay"
    assert evidence[-1] == pytest.approx(loss(TEXT.removesuffix(" pay") + " ") - loss(TEXT), abs=1e-4)
    with pytest.raises(RequestError, match="--method integrated-gradients needs gradients, and this task"):
        explain(run, TEXT, method="integrated-gradients")


def test_offsets_are_those_of_the_text(case: Make) -> None:
    asked, _, _ = case("one label")
    text = "\u4e2d\u6587 caf\u00e9\u0301 \U0001f44d\U0001f3fd isn't 3.14!!"
    for method in ("integrated-gradients", "leave-one-out"):
        found = explain(asked.run, text, method=method).explained[0]
        assert [word.text for word in found.words] == ["中", "文", "café\u0301", "👍🏽", "isn't", "3.14", "!!"]
        assert all(text[word.start : word.end] == word.text for word in found.words)


def test_words_that_are_cut_away_have_no_evidence(tiny_checkpoint: Callable[..., Path]) -> None:
    run = untrained("classification", ONE, tiny_checkpoint(), max_length=6)
    for method in ("integrated-gradients", "leave-one-out"):
        found = explain(run, LONG, method=method)
        read = [word.text for word in found.explained[0].words if word.evidence is not None]
        assert read
        assert read == [word.text for word in found.explained[0].words[: len(read)]]
        assert any("are cut away, and the model does not read them" in note for note in found.notes)


def test_long_texts(case: Make) -> None:
    asked, _, _ = case("windows")
    found = explain(asked.run, "company " * 301, steps=2)
    assert found.explained[0].method == "integrated-gradients"
    assert "The text has 301 words" in found.notes[0]
    with pytest.raises(RequestError, match=r"2,001 words, .* up to 2,000 words"):
        explain(asked.run, "company " * 2001, method="leave-one-out")
