"""Whole runs on a CUDA device: methods, tasks, prediction on another device, and the compile option."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch
from tests.core.runs.kit import sentences, text_rows, write_conll

import taskzoo
from taskzoo.errors import RequestError
from taskzoo.testing import make_tiny_checkpoint

SHORT = {"epochs": 2, "batch_size": 8, "learning_rate": 1e-3, "baseline": False, "seed": 1}
TEXTS = [row["text"] for row in text_rows(12, 4)]
PREDICT = """
import json, sys, taskzoo
print(json.dumps(taskzoo.load(sys.argv[1]).predict(json.loads(sys.argv[2]))))
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A function from a family to a tiny checkpoint, made once."""
    made = {}

    def make(family):
        if family not in made:
            texts = [row["text"] for row in text_rows(200, 9)]
            made[family] = make_tiny_checkpoint(tmp_path_factory.mktemp("tiny") / family, family, texts, vocabulary=150)
        return str(made[family])

    return make


def classified(checkpoint, output, family="bert", **values):
    splits = {"train": text_rows(48, 1), "validation": text_rows(12, 2), "test": text_rows(12, 3)}
    return taskzoo.finetune("classification", model=checkpoint(family), output=output, **splits, **{**SHORT, **values})


def generated(checkpoint, output, family, **values):
    rows = [{"text": row["text"], "summary": row["label"]} for row in text_rows(40, 1)]
    splits = {"train": rows[:32], "validation": rows[32:36], "test": rows[36:]}
    own = {"max_new_tokens": 6, "method": "full", **SHORT, **values}
    return taskzoo.finetune("summarization", model=checkpoint(family), output=output, **splits, **own)


def on_cpu(run, texts):
    """What the saved run predicts in a process that sees no device."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-c", PREDICT, str(run.path), json.dumps(texts)]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
    return json.loads(found.stdout)


def manifest(run):
    return json.loads((run.path / "manifest.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("method", ["auto", "full", "lora", "linear-probe", "contrastive"])
def test_every_method_trains_and_predicts(method, checkpoint, tmp_path):
    run = classified(checkpoint, tmp_path / "run", method=method)
    assert manifest(run)["status"] == "finished"
    assert next(run.model.parameters()).device.type == "cuda"
    again = taskzoo.load(tmp_path / "run")
    assert [p["label"] for p in again.predict(TEXTS)] == [p["label"] for p in run.predict(TEXTS)]


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_run_in_every_precision_has_a_score(precision, checkpoint, tmp_path):
    run = classified(checkpoint, tmp_path / "run", method="full", precision=precision)
    scores = json.loads((run.path / "metrics.json").read_text(encoding="utf-8"))["test"]
    assert 0 <= scores["accuracy"] <= 1
    assert scores["loss"] < 3


def test_a_cpu_predicts_the_same_classes_with_the_same_probabilities(checkpoint, tmp_path):
    run = classified(checkpoint, tmp_path / "run", method="full", precision="fp32")
    for here, there in zip(run.predict(TEXTS), on_cpu(run, TEXTS), strict=True):
        assert here["scores"] == pytest.approx(there["scores"], abs=1e-4)


@pytest.mark.parametrize("family", ["bart", "gpt2"])
def test_generation_on_a_cpu_is_the_same(family, checkpoint, tmp_path):
    run = generated(checkpoint, tmp_path / "run", family, precision="fp32")
    assert [row["text"] for row in run.predict(TEXTS)] == [row["text"] for row in on_cpu(run, TEXTS)]


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("family", ["bart", "gpt2", "t5"])
def test_generators_train_in_half_precision(family, precision, checkpoint, tmp_path):
    if (family, precision) == ("t5", "fp16"):
        with pytest.raises(RequestError, match="overflows in t5 models"):
            generated(checkpoint, tmp_path / "run", family, precision=precision)
        return
    assert manifest(generated(checkpoint, tmp_path / "run", family, precision=precision))["status"] == "finished"


@pytest.mark.parametrize("head", ["linear", "crf"])
def test_entities_are_found(head, checkpoint, tmp_path):
    for split, count in (("train", 24), ("validation", 8), ("test", 8)):
        write_conll(tmp_path / f"{split}.conll", sentences(count, len(split)))
    own = {"head": head, "method": "full", **SHORT}
    run = taskzoo.finetune("ner", model=checkpoint("bert"), data=str(tmp_path), output=tmp_path / "run", **own)
    assert manifest(run)["status"] == "finished"


@pytest.mark.parametrize("family", ["bert", "gpt2"])
def test_compiled_layers_learn_what_plain_ones_do(family, checkpoint, tmp_path):
    settings = {"method": "full", "precision": "fp32", "probe_first": False}
    plain = classified(checkpoint, tmp_path / "plain", family, **settings)
    compiled = classified(checkpoint, tmp_path / "compiled", family, compile=True, **settings)
    for here, there in zip(plain.predict(TEXTS), compiled.predict(TEXTS), strict=True):
        assert here["scores"] == pytest.approx(there["scores"], abs=1e-2)
    assert torch.isfinite(next(compiled.model.parameters())).all()
