"""A finished run whose weights are not those it was saved with is refused by everything that uses it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import taskzoo
from taskzoo.errors import RequestError

from .kit import zoo

Tensors = dict[str, torch.Tensor]


@pytest.fixture
def damaged(tmp_path: Path, memorised: Any) -> Callable[..., Path]:
    """A function that copies a finished run and changes its tensors or values of its ``config.json``."""

    def make(change: Callable[[Tensors], Tensors] = dict, **config: Any) -> Path:
        run = shutil.copytree(memorised().path, tmp_path / "run")
        weights, settings = run / "model" / "model.safetensors", run / "model" / "config.json"
        save_file({name: t.clone() for name, t in change(load_file(weights)).items()}, weights, {"format": "pt"})
        settings.write_text(json.dumps(json.loads(settings.read_text()) | config))
        return run

    return make


def without(part: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {name: tensor for name, tensor in tensors.items() if part not in name}


def head(rows: int) -> Callable[[Tensors], Tensors]:
    return lambda tensors: tensors | {"classifier.weight": torch.zeros(rows, 32), "classifier.bias": torch.zeros(rows)}


DAMAGE = {
    "no head": (without("classifier"), {}, "lacks classifier.bias, classifier.weight"),
    "no bias": (without("classifier.bias"), {}, "lacks classifier.bias"),
    "head of another run": (head(3), {}, "classifier.* has the shape 3"),
    "no layer": (without("layer.1."), {}, "lacks bert.encoder.layer.1"),
    "layer of another shape": (
        lambda t: {n: v[:-1] if n.endswith("layer.1.output.dense.bias") else v for n, v in t.items()},
        {},
        "layer.1.output.dense.bias has the shape 31 in the file and 32",
    ),
    "config with fewer layers": (dict, {"num_hidden_layers": 1}, "holds bert.encoder.layer.1"),
    "config with more layers": (dict, {"num_hidden_layers": 4}, "lacks bert.encoder.layer.2"),
    "a tensor too many": (lambda t: t | {"crf.start": torch.zeros(2)}, {}, "holds crf.start besides"),
    "a prefix": (lambda t: {f"module.{n}": v for n, v in t.items()}, {}, "lacks bert"),
    "NaN": (lambda t: {n: v * float("nan") for n, v in t.items()}, {}, "hold NaN or infinite values"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_run_is_not_loaded(damaged: Any, case: str) -> None:
    change, config, expected = DAMAGE[case]
    run = damaged(change, **config)
    with pytest.raises(RequestError, match=expected) as caught:
        taskzoo.load(run)
    assert len(str(caught.value)) < 500


def test_predict_and_eval_refuse_it_with_one_sentence(damaged: Any, tmp_path: Path) -> None:
    run = damaged(without("classifier"))
    (tmp_path / "test.conll").write_text("Bo B-PER\n\n")
    for words in (["predict", str(run), "Bo"], ["eval", str(run), "--data", str(tmp_path / "test.conll")]):
        result = zoo(*words)
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
        assert "lacks classifier" in result.err


def test_labels_in_another_order_are_refused(damaged: Any, memorised: Any) -> None:
    labels = list(reversed(memorised().task.labels))
    run = damaged(id2label=dict(enumerate(labels)), label2id={label: i for i, label in enumerate(labels)})
    with pytest.raises(RequestError, match=r"labels of the run in another order than its task.json"):
        taskzoo.load(run)


def test_a_run_that_was_not_damaged_loads(damaged: Any, memorised: Any) -> None:
    assert taskzoo.load(damaged()).predict("Bo went to Paris") == memorised().predict("Bo went to Paris")


def test_code_that_was_saved_with_a_run_needs_the_flag(damaged: Any, tmp_path: Path) -> None:
    run = damaged(model_type="mine", auto_map={"AutoConfig": "own.Own"})
    (run / "model" / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    with pytest.raises(RequestError, match="not run without --trust-remote-code"):
        taskzoo.load(run)
    assert not (tmp_path / "ran").exists()
