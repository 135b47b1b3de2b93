"""The same task over many architectures: plain transformers reads the result, and merging changes nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

import taskzoo
from taskzoo.config import make_training
from taskzoo.engine.lora import add_lora, merge_lora
from taskzoo.models.sequence import load_sequence_model
from taskzoo.testing import FAMILIES

Load = Callable[..., Any]
POOLED = ("bart", "m2m_100", "marian", "mbart", "mbart50", "mt5", "nllb", "pegasus", "t5")
TEXTS = ["Austin visited Paris.", "Demand in Canada was strong, said the chief of Cobaltine", "The mayor resigned"]
ROWS = [{"text": f"{text} {n}", "label": label} for n in range(6) for text, label in zip(TEXTS, "abc", strict=True)]
HEAD: dict[str, Any] = {"problem_type": "single_label_classification", "labels": list("abc")}
SHORT = {"method": "full", "precision": "fp32", "max_steps": 3, "batch_size": 6, "learning_rate": 3e-2, "warmup": 0.0}
SHORT |= {"baseline": False}


def train(checkpoint: Path, folder: Path, **settings: Any) -> Any:
    data: dict[str, Any] = {"train": ROWS, "validation": [], "test": ROWS[:3]}
    return taskzoo.finetune(
        "classification", model=str(checkpoint), output=folder / "run", **data, **{**SHORT, **settings}
    )


@pytest.mark.parametrize("family", [family for family in FAMILIES if family not in POOLED])
def test_the_pipeline_of_plain_transformers_gives_label_and_score(
    tiny_checkpoint: Load, tmp_path: Path, family: str
) -> None:
    run = train(tiny_checkpoint(family), tmp_path)
    predictions = run.predict(TEXTS)
    assert len({p["score"] for p in predictions}) > 1
    classify = pipeline("text-classification", model=str(run.path / "model"), device="cpu", dtype=torch.float32)
    for prediction, found in zip(predictions, classify(TEXTS), strict=True):
        assert found["label"] == prediction["label"]
        assert found["score"] == pytest.approx(prediction["score"], abs=2e-4)


@pytest.mark.parametrize(("family", "pooling"), [("t5", "auto"), ("bart", "auto"), ("gpt2", "last"), ("bert", "mean")])
def test_plain_transformers_loads_pooled_models_with_their_code(
    tiny_checkpoint: Load, tmp_path: Path, family: str, pooling: str
) -> None:
    run = train(tiny_checkpoint(family), tmp_path, pooling=pooling)
    folder = run.path / "model"
    model = AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for text, prediction in zip(TEXTS, run.predict(TEXTS), strict=True):
        with torch.no_grad():
            found = model(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0]
        assert model.config.id2label[int(found.argmax())] == prediction["label"]
        assert float(found.max()) == pytest.approx(prediction["score"], abs=2e-4)


@pytest.mark.parametrize(
    ("family", "pooling"),
    [
        *((family, "auto") for family in FAMILIES),
        *((family, "mean") for family in ("bert", "gpt2", "t5")),
        *(
            pytest.param(family, "mean", marks=pytest.mark.slow)
            for family in FAMILIES
            if family not in ("bert", "gpt2", "t5")
        ),
    ],
)
def test_a_merged_model_is_the_same_function(tiny_checkpoint: Load, tmp_path: Path, family: str, pooling: str) -> None:
    torch.manual_seed(0)
    model = load_sequence_model(str(tiny_checkpoint(family)), **HEAD, pooling=pooling)
    model.config.pad_token_id = model.config.pad_token_id or 0
    inputs = {"input_ids": torch.tensor([[20, 21, 22, 23]])}
    wrapped = add_lora(model, make_training({"method": "lora", "lora_rank": 4, "lora_dropout": 0.0})).eval()
    with torch.no_grad():
        before = wrapped(**inputs).logits
        for name, parameter in wrapped.named_parameters():
            if parameter.requires_grad:
                assert "lora_" in name or "modules_to_save" in name
                parameter.add_(0.1 * torch.randn_like(parameter))
        expected = wrapped(**inputs).logits
        merged = merge_lora(wrapped)
        torch.testing.assert_close(merged(**inputs).logits, expected, rtol=1e-4, atol=1e-4)
        assert (expected - before).abs().max() > 1e-2
        merged.save_pretrained(tmp_path)
        again = load_sequence_model(str(tmp_path), **HEAD).eval()
        torch.testing.assert_close(again(**inputs).logits, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pad", [None, 40])
def test_decoders_have_one_pad_token_in_tokenizer_and_configuration(
    tiny_checkpoint: Load, tmp_path: Path, pad: int | None
) -> None:
    """Their own head looks for the last token by that id: with another one it would read the padding."""
    source = shutil.copytree(tiny_checkpoint("gpt2"), tmp_path / "gpt2")
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    (source / "config.json").write_text(json.dumps({**config, "pad_token_id": pad}), encoding="utf-8")
    run = train(source, tmp_path)
    saved = json.loads((run.path / "model" / "config.json").read_text(encoding="utf-8"))
    tokenizer = AutoTokenizer.from_pretrained(run.path / "model")
    assert saved["pad_token_id"] == tokenizer.pad_token_id == run.processor.pad_token_id is not None
    texts = [TEXTS[0], TEXTS[1] * 5, "No"]
    for text, together in zip(texts, run.predict(texts), strict=True):
        alone = run.predict(text)
        assert alone["label"] == together["label"]
        assert alone["score"] == pytest.approx(together["score"], abs=2e-4)


@pytest.mark.parametrize("architecture", ["bert", "gpt2", "t5", "marian"])
def test_pairs_on_models_from_scratch(tmp_path: Path, architecture: str) -> None:
    rows = [{"text": row["text"], "text_pair": "and why ?", "label": row["label"]} for row in ROWS]
    data: dict[str, Any] = {"train": rows, "validation": [], "test": rows[:4]}
    settings: dict[str, Any] = {**SHORT, "max_steps": 1}
    model = f"scratch:{architecture}-tiny"
    run = taskzoo.finetune("classification", model=model, output=tmp_path / "run", **data, **settings)
    predictions = run.predict([{"text": row["text"], "text_pair": row["text_pair"]} for row in rows[:2]])
    assert [p["text_pair"] for p in predictions] == ["and why ?"] * 2
    assert np.isfinite([p["score"] for p in predictions]).all()


def test_long_texts_are_read_whole_in_windows(tiny_checkpoint: Load, tmp_path: Path) -> None:
    """A text in windows is the mean of them; cut, it is its beginning."""
    run = train(tiny_checkpoint("bert"), tmp_path, long_texts="windows", max_length=12)
    head = "Austin visited Paris . " * 20
    examples = run.task.prepare([taskzoo.Row({"text": head})], "predict")
    encoded = run.task.encode(examples, run.processor)
    assert len(encoded.features) > 5
    with torch.no_grad():
        logits = [run.model(input_ids=torch.tensor([f["input_ids"]])).logits[0] for f in encoded.features]
    expected = torch.stack(logits).mean(0).softmax(-1)
    assert run.predict(head)["score"] == pytest.approx(float(expected.max()), abs=2e-4)
    cut = train(tiny_checkpoint("bert"), tmp_path / "cut", max_length=12)
    assert cut.predict(head + TEXTS[1])["scores"] == cut.predict(head + TEXTS[2])["scores"]


@pytest.mark.parametrize("text", ["\u200b", "\ufeff\u200b", "</s>", "[SEP] [CLS]", "<|endoftext|>", "a" * 200_000])
@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_odd_texts_are_predicted(odd_runs: Load, family: str, text: str) -> None:
    prediction = odd_runs(family).predict(text)
    assert prediction["text"] == text
    assert prediction["label"] in "abc"
    assert np.isfinite(prediction["score"])


@pytest.fixture(scope="module")
def odd_runs(tiny_checkpoint: Load, tmp_path_factory: pytest.TempPathFactory) -> Load:
    made: dict[str, Any] = {}

    def make(family: str) -> Any:
        if family not in made:
            made[family] = train(tiny_checkpoint(family), tmp_path_factory.mktemp("odd"))
        return made[family]

    return make
