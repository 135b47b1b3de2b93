"""The task from rows to predictions: labels, loss, decoding, merging of windows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.nn import functional

from taskzoo import IGNORE_INDEX, Batch, Feature, RequestError, Row, TaskZooError, finetune, load, registry
from taskzoo.engine.batches import tensors
from taskzoo.engine.scoring import Predictions, score
from taskzoo_ner.confidence import Factors
from taskzoo_ner.task import NerTask

TOKENS = ["Ann", "Lee", "left", "Rio"]
TAGS = ["B-PER", "I-PER", "O", "B-LOC"]


def fitted(rows: Sequence[dict[str, Any]] = ({"tokens": TOKENS, "tags": TAGS},), **options: Any) -> NerTask:
    task = NerTask(registry.task("ner").resolve_options(options))
    task.fit(task.prepare([Row(row) for row in rows], "train"))
    return task


def test_labels_are_sorted_and_complete() -> None:
    """Every type has both tags, whether or not the training rows hold both, and O is 0."""
    assert fitted().labels == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]


def test_rows_without_any_entity_cannot_train() -> None:
    with pytest.raises(RequestError, match="contain no entity"):
        fitted([{"tokens": ["a"], "tags": ["O"]}])


def test_label_order_is_stored_and_not_inferred_again() -> None:
    task = NerTask(fitted().options)
    task.restore({"labels": ["O", "B-X", "I-X", "B-A", "I-A"]})
    assert task.labels == ["O", "B-X", "I-X", "B-A", "I-A"]
    twin = NerTask(task.options)
    twin.restore(json.loads(json.dumps(task.state())))
    assert twin.state() == task.state()


def test_references_are_the_whole_gold_answer() -> None:
    task = fitted(max_length=8)
    rows = task.prepare([Row({"tokens": TOKENS * 50, "tags": TAGS * 50})], "test")
    (reference,) = task.references(rows)
    assert reference["tags"] == TAGS * 50
    assert len(reference["entities"]) == 100


# decoding


def decoded(task: NerTask, feature: Feature, best: Sequence[str]) -> Any:
    """The part of one window whose logits favour the label ``best[i]`` at sub-token ``i``."""
    logits = torch.zeros(1, len(feature["input_ids"]), len(task.labels))
    for position, label in enumerate(best):
        logits[0, position, task.labels.index(label)] = 5.0
    batch = task.collator(SimpleNamespace(pad_token_id=0))([feature])  # type: ignore[arg-type]
    return task.decode(SimpleNamespace(logits=logits), batch)[0]


def feature(positions: list[int], own: tuple[int, int] | None = None, first_word: int = 0) -> Feature:
    values = {
        "input_ids": list(range(max(positions) + 2)),
        "positions": positions,
        "tags": [0] * len(positions),
        "own": own or (0, len(positions)),
        "first_word": first_word,
    }
    return Feature(0, len(values["input_ids"]), values)


def test_only_the_first_sub_token_of_a_word_counts() -> None:
    _, tags, _ = decoded(fitted(), feature([1, 4]), ["O", "B-PER", "B-LOC", "B-LOC", "O", "B-LOC"])
    assert tags == ["B-PER", "O"]


def test_constrained_decoding_is_valid_and_argmax_is_raw() -> None:
    best = ["O", "B-PER", "I-LOC", "I-LOC", "O"]
    assert decoded(fitted(decoding="argmax"), feature([1, 2, 3]), best)[1] == ["B-PER", "I-LOC", "I-LOC"]
    task = fitted()
    tags = decoded(task, feature([1, 2, 3]), best)[1]
    assert tags != ["B-PER", "I-LOC", "I-LOC"]
    for before, after in zip(["O", *tags], tags, strict=False):
        assert not after.startswith("I-") or before[2:] == after[2:]


def test_context_words_are_not_given_twice() -> None:
    part = decoded(fitted(), feature([1, 2, 3, 4], own=(1, 3), first_word=10), ["O", "O", "B-PER", "I-PER", "O", "O"])
    assert part[:2] == (11, ["B-PER", "I-PER"])


def test_an_entity_goes_on_over_words_without_tokens() -> None:
    for gap in (1, 2, 3):
        positions = [1, *[-1] * gap, 2, 3]
        _, tags, _ = decoded(fitted(), feature(positions), ["O", "B-PER", "I-PER", "O"])
        assert tags == ["B-PER", *["I-PER"] * gap, "I-PER", "O"], gap
    assert decoded(fitted(), feature([1, -1, 2]), ["O", "B-PER", "B-PER"])[1] == ["B-PER", "O", "B-PER"]
    assert decoded(fitted(), feature([1, -1, 2]), ["O", "O", "B-PER"])[1] == ["O", "O", "B-PER"]


def test_entities_are_characters_of_the_text() -> None:
    task = fitted()
    text = "昨天 Ann  Lee 👩‍👩‍👧 去 Rio。"
    (row,) = task.prepare([Row({"text": text})], "predict")
    tags = ["O"] * len(row["_words"])
    words = [text[a:b] for a, b in row["_words"]]
    tags[words.index("Ann")], tags[words.index("Lee")], tags[words.index("Rio")] = "B-PER", "I-PER", "B-LOC"
    (prediction,) = task.assemble([row], [[(0, tags, [Factors(0.5, 0.8, 0.9)] * len(tags))]])
    assert [(e["text"], e["label"], e["score"]) for e in prediction["entities"]] == [
        ("Ann  Lee", "PER", 0.36),  # begins 0.5, continues 0.8, ends 0.9
        ("Rio", "LOC", 0.45),
    ]
    assert all(text[e["start"] : e["end"]] == e["text"] for e in prediction["entities"])


def test_an_inside_tag_that_continues_nothing_scores_no_entity() -> None:
    """``I-LOC`` after ``B-PER`` is no location, in predictions as in references."""
    task = fitted(decoding="argmax")
    rows = task.prepare([Row({"tokens": ["a", "b"], "tags": ["B-PER", "B-LOC"]})], "test")
    predictions = task.assemble(rows, [[(0, ["B-PER", "I-LOC"], [Factors()] * 2)]])
    assert [e["label"] for e in predictions[0]["entities"]] == ["PER"]
    scores = score(task, rows, Predictions(predictions)).scores
    assert (scores["precision"], scores["recall"]) == (1.0, 0.5)


def test_windows_are_merged_in_order_and_seams_are_repaired() -> None:
    task = fitted()
    (row,) = task.prepare([Row({"tokens": ["a"] * 5, "tags": ["O"] * 5})], "test")
    one, begins, goes_on = Factors(), Factors(0.9, 0.1, 0.2), Factors(0.1, 0.5, 0.8)
    parts = [(0, ["O", "B-PER"], [one, begins]), (2, ["I-PER", "O"], [goes_on, one]), (4, ["I-LOC"], [one])]
    (prediction,) = task.assemble([row], [parts])
    assert prediction["tags"] == ["O", "B-PER", "I-PER", "O", "B-LOC"]
    assert [(e["start"], e["end"], e["label"]) for e in prediction["entities"]] == [(2, 5, "PER"), (8, 9, "LOC")]
    assert prediction["entities"][0]["score"] == pytest.approx(0.9 * 0.5 * 0.8)


# loss


def loss_of(task: NerTask, logits: torch.Tensor, labels: list[int], smoothing: float) -> tuple[float, float]:
    batch = Batch({}, {"labels": torch.tensor([labels])})
    loss = task.loss(SimpleNamespace(logits=logits), batch, label_smoothing=smoothing)
    return float(loss.total), float(loss.weight)


def test_label_smoothing_leaves_ignored_targets_out_of_both_terms() -> None:
    task = fitted()
    torch.manual_seed(0)
    logits = torch.randn(1, 4, 5)
    labels = [IGNORE_INDEX, 2, 0, IGNORE_INDEX]
    loss, weight = loss_of(task, logits, labels, 0.2)
    probabilities = functional.log_softmax(logits[0, 1:3], dim=-1)
    by_hand = sum(-0.8 * row[label] - 0.2 * row.mean() for row, label in zip(probabilities, labels[1:3], strict=True))
    assert loss == pytest.approx(float(by_hand), rel=1e-5)
    assert weight == 2
    logits[0, 0] += torch.tensor([50.0, 0, 0, 0, 0])  # an ignored position
    assert loss_of(task, logits, labels, 0.2)[0] == pytest.approx(loss, rel=1e-6)


def test_reported_losses_are_not_smoothed(memorised: Callable[..., Any]) -> None:
    """Smoothing by 0.4 over many labels keeps the smoothed loss above 1; what is shown is the plain one."""
    run = memorised(label_smoothing=0.4)
    shown = run.metrics["validation"]["loss"]
    rows = run.task.prepare([Row(json.loads(line)) for line in _lines(run.path / "data" / "validation.jsonl")], "test")
    batch = tensors(run.task.collator(run.processor)(run.task.encode(rows, run.processor).features))
    with torch.no_grad():
        outputs = run.task.forward(run.model, batch)
        plain = run.task.loss(outputs, batch)
        smoothed = run.task.loss(outputs, batch, label_smoothing=0.4)
    assert shown == pytest.approx(float(plain.total / plain.weight), rel=1e-4)
    assert smoothed.reported is not None
    assert float(smoothed.reported) == pytest.approx(float(plain.total), rel=1e-4)
    assert float(smoothed.total / smoothed.weight) > 1.2 * shown
    history = [json.loads(line) for line in _lines(run.path / "history.jsonl")]
    logged = [line["loss"] for line in history if "loss" in line][-1]
    assert logged == pytest.approx(shown, rel=0.3)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_smoothing_a_crf_is_refused_before_anything_is_written(
    tiny_checkpoint: Callable[..., Path], tmp_path: Path, demo_sentences: list[dict[str, Any]]
) -> None:
    output = tmp_path / "run"
    settings = {"head": "crf", "label_smoothing": 0.1, "precision": "fp32"}
    with pytest.raises(TaskZooError, match="label_smoothing has no meaning for head=crf"):
        finetune("ner", model=str(tiny_checkpoint()), train=demo_sentences[:40], output=output, **settings)
    assert not output.exists()


# whole runs


@pytest.mark.parametrize("settings", [{}, {"head": "crf"}, {"decoding": "argmax"}], ids=["linear", "crf", "argmax"])
def test_a_tiny_model_memorises_its_rows(memorised: Callable[..., Any], settings: dict[str, Any]) -> None:
    assert memorised(**settings).metrics["validation"]["f1"] > 0.99


def test_bfloat16_learns_too(memorised: Callable[..., Any]) -> None:
    assert memorised(head="crf", precision="bf16").metrics["validation"]["f1"] > 0.9


def test_texts_of_every_kind_are_predicted(memorised: Callable[..., Any]) -> None:
    run = memorised()
    texts = ["", " ", "\u200b", "Austin", "王小明在北京。", "👩‍👩‍👧", "a" * 5000, "Austin " * 3000]
    predictions = run.predict(texts)
    assert [p["text"] for p in predictions] == texts
    for text, prediction in zip(texts, predictions, strict=True):
        assert len(prediction["tags"]) == len(prediction["tokens"])
        assert all(text[e["start"] : e["end"]] == e["text"] for e in prediction["entities"])
    assert len(predictions[-1]["tags"]) == 3000


@pytest.mark.parametrize("row", [{"text": "Ann left"}, {"tokens": ["Ann", "left"]}], ids=["text", "tokens"])
def test_files_without_labels_are_predicted(memorised: Callable[..., Any], tmp_path: Path, row: dict[str, Any]) -> None:
    path = tmp_path / "new.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (prediction,) = memorised().predict_file(path)
    assert prediction["tokens"] == ["Ann", "left"]


def test_training_on_text_and_spans(tiny_checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    names, places = ["Ann", "Bo", "王明", "Zoë"], ["Rio", "北京", "Łódź", "Oslo"]
    rows = []
    for name in names:
        for place in places:
            text = f"👩‍👩‍👧 {name} 在 {place}!"
            spans = [
                (text.index(word), text.index(word) + len(word), label)
                for word, label in ((name, "PER"), (place, "LOC"))
            ]
            rows.append({"text": text, "spans": [{"start": a, "end": b, "label": label} for a, b, label in spans]})
    settings = {"precision": "fp32", "epochs": 25, "batch_size": 4, "learning_rate": 1e-2, "seed": 1}
    splits = dict.fromkeys(("train", "validation", "test"), rows)
    run = finetune("ner", model=str(tiny_checkpoint("gpt2")), output=tmp_path / "run", **splits, **settings)
    assert run.metrics["test"]["f1"] > 0.9
    text = rows[6]["text"]
    assert {e["text"] for e in load(run.path).predict(str(text))["entities"]} == {"Bo", "Łódź"}
