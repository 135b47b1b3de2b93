"""Whole runs with attention that leaves padding out: the same results, plain files, and what is refused."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification

import taskzoo
from taskzoo.errors import Interrupted, RequestError
from taskzoo.models import unpadded
from taskzoo.models.unpadded import text_by_text
from taskzoo.runs.execute import start
from taskzoo.runs.plan import make_plan
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request

from .kit import sentences, text_rows, write_conll, write_csv

SHORT: dict[str, Any] = {"epochs": 2, "batch_size": 8, "learning_rate": 1e-3, "baseline": False, "precision": "fp32"}
TEXTS = [row["text"] for row in text_rows(12, 4)]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each attention without padding was for a gradient."""
    calls: list[bool] = []

    def attend(*given: Any, **values: Any) -> torch.Tensor:
        calls.append(torch.is_grad_enabled())
        return text_by_text(*given, **values)

    monkeypatch.setattr(unpadded, "text_by_text", attend)
    return calls


def classified(model: Path, output: Path, **values: Any) -> Any:
    splits = {"train": text_rows(32, 1), "validation": text_rows(12, 2), "test": text_rows(12, 3)}
    return taskzoo.finetune("classification", model=str(model), output=output, **splits, **{**SHORT, **values})


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_a_run_has_the_same_results(family: str, tiny_checkpoint: Any, counted: list[bool], tmp_path: Path) -> None:
    settings = {"method": "full", "probe_first": False}
    plain = classified(tiny_checkpoint(family), tmp_path / "plain", **settings)
    assert counted == []
    run = classified(tiny_checkpoint(family), tmp_path / "run", unpadded=True, **settings)
    assert True in counted  # in training
    assert False in counted  # in evaluations of the training
    for here, there in zip(plain.predict(TEXTS), run.predict(TEXTS), strict=True):
        assert here["scores"] == pytest.approx(there["scores"], abs=1e-4)
    lines = [(folder / "history.jsonl").read_text("utf-8").splitlines() for folder in (plain.path, run.path)]
    for here, there in zip(*([json.loads(line) for line in text] for text in lines), strict=True):
        assert here.get("loss", 0) == pytest.approx(there.get("loss", 0), abs=1e-4)
    assert run.model.config._attn_implementation == "sdpa"


def test_the_saved_model_has_no_trace_of_it(bert: Path, tmp_path: Path) -> None:
    run = classified(bert, tmp_path / "run", method="full", unpadded=True)
    for path in (run.path / "model").rglob("*.json"):
        assert unpadded.NAME not in path.read_text("utf-8")
    model = AutoModelForSequenceClassification.from_pretrained(run.path / "model")
    assert model.config._attn_implementation == "sdpa"
    assert "unpadded: true" in (run.path / "config.yaml").read_text("utf-8")


@pytest.mark.parametrize("method", ["auto", "lora", "contrastive"])
def test_methods_that_train(method: str, bert: Path, counted: list[bool], tmp_path: Path) -> None:
    run = classified(bert, tmp_path / "run", method=method, unpadded=True, contrastive_pairs=2)
    assert True in counted
    assert json.loads((run.path / "manifest.json").read_text("utf-8"))["status"] == "finished"


def test_entities_and_generated_texts(tiny_checkpoint: Any, counted: list[bool], tmp_path: Path) -> None:
    for split, count in (("train", 16), ("validation", 6), ("test", 6)):
        write_conll(tmp_path / f"{split}.conll", sentences(count, len(split)))
    own = {"method": "full", "unpadded": True, **SHORT}
    taskzoo.finetune("ner", model=str(tiny_checkpoint("bert")), data=str(tmp_path), output=tmp_path / "ner", **own)
    assert True in counted
    counted.clear()
    rows = [{"text": row["text"], "summary": row["label"]} for row in text_rows(24, 1)]
    splits = {"train": rows[:16], "validation": rows[16:20], "test": rows[20:]}
    own |= {"max_new_tokens": 4}
    taskzoo.finetune("summarization", model=str(tiny_checkpoint("bart")), output=tmp_path / "bart", **splits, **own)
    assert True in counted


def test_resumed_training_is_the_same(bert: Path, counted: list[bool], tmp_path: Path) -> None:
    settings = {**SHORT, "method": "full", "unpadded": True, "log_every": 1}
    data = DataRequest(train=str(write_csv(tmp_path / "train.csv", text_rows(32, 1))), validation="none", test="none")
    plan = partial(make_plan, resolve_request(RunRequest("classification", str(bert), data, settings)))
    whole = start(plan(), tmp_path / "whole")
    asked = iter(range(1000))
    with pytest.raises(Interrupted):
        start(plan(), tmp_path / "broken", stop=lambda: next(asked) > 5)
    counted.clear()
    taskzoo.resume(tmp_path / "broken")
    assert True in counted
    one, other = (load_file(folder / "model" / "model.safetensors") for folder in (whole.path, tmp_path / "broken"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_cannot_be_is_refused_at_first(tiny_checkpoint: Any, bert: Path, tmp_path: Path) -> None:
    for family in ("t5", "deberta-v2"):
        with pytest.raises(RequestError, match=r"unpadded=true needs a model whose attention may be replaced"):
            classified(tiny_checkpoint(family), tmp_path / "run", method="full", unpadded=True)
    with pytest.raises(RequestError, match=r"unpadded=true gives attention tensors .* leave one of them out"):
        classified(bert, tmp_path / "run", method="full", unpadded=True, compile=True)
    with pytest.raises(RequestError, match="cuda_graphs=true records compiled layers"):
        classified(bert, tmp_path / "run", method="full", cuda_graphs=True)
    assert not (tmp_path / "run").exists()
