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
from taskzoo.runs.saved_files import check_files, describe_files

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


def test_a_run_that_was_not_damaged_loads(memorised: Any) -> None:
    assert taskzoo.load(memorised().path).predict("Bo went to Paris") == memorised().predict("Bo went to Paris")


def test_code_that_was_saved_with_a_run_needs_the_flag(damaged: Any, tmp_path: Path) -> None:
    run = damaged(model_type="mine", auto_map={"AutoConfig": "own.Own"})
    (run / "model" / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    with pytest.raises(RequestError, match="not run without trust_remote_code=True"):
        taskzoo.load(run)
    assert not (tmp_path / "ran").exists()


def changed(run: Path, name: str, *, at: int) -> Path:
    """The run with one bit flipped in a file of its model."""
    file = run / "model" / name
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    return run


@pytest.fixture
def copied(tmp_path: Path, memorised: Any) -> Path:
    return Path(shutil.copytree(memorised().path, tmp_path / "run"))


def test_a_flipped_bit_in_the_weights_is_found(copied: Path, tmp_path: Path) -> None:
    changed(copied, "model.safetensors", at=-1)
    (tmp_path / "test.conll").write_text("Bo B-PER\n\n")
    for words in (["predict", str(copied), "Bo"], ["eval", str(copied), "--data", str(tmp_path / "test.conll")]):
        result = zoo(*words)
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
        assert "The weights are not those that the run saved: 'model.safetensors' in" in result.err


def test_the_weights_of_another_run_are_refused_with_and_without_the_model_folder(copied: Path, tmp_path: Path) -> None:
    other = load_file(copied / "model" / "model.safetensors")
    save_file({name: tensor * 1.01 for name, tensor in other.items()}, tmp_path / "other", {"format": "pt"})
    shutil.copy(tmp_path / "other", copied / "model" / "model.safetensors")
    for path in (copied, copied / "model"):
        with pytest.raises(RequestError, match="weights are not those that the run saved"):
            taskzoo.load(path)
    elsewhere = shutil.copytree(copied / "model", tmp_path / "elsewhere" / "model")
    assert taskzoo.load(elsewhere).predict("Bo")["tokens"] == ["Bo"]


def test_the_tokenizer_of_another_model_is_refused(copied: Path) -> None:
    file = copied / "model" / "tokenizer.json"
    tokenizer = json.loads(file.read_text())
    words = tokenizer["model"]["vocab"]
    first, second = sorted(words)[-2:]
    words[first], words[second] = words[second], words[first]
    file.write_text(json.dumps(tokenizer))
    with pytest.raises(RequestError, match=r"tokenizer is not the one that the run saved: 'tokenizer.json'"):
        taskzoo.load(copied)


def test_of_a_large_file_eval_reads_all(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "model"
    folder.mkdir(parents=True)
    with (folder / "model.safetensors").open("wb") as file:
        file.truncate(64 * 2**20)  # a block of 64 KiB in each MiB is looked at
    (tmp_path / "run" / "manifest.json").write_text(json.dumps({"model_files": describe_files(folder)}))
    check_files(folder, fully=True)
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(2**20 - 1)
        file.write(b"x")
    check_files(folder)
    with pytest.raises(RequestError, match="weights are not those"):
        check_files(folder, fully=True)
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(64 * 2**20 - 1)
    with pytest.raises(RequestError, match="weights are not those"):
        check_files(folder)


def test_runs_without_digests_load_as_before(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    assert set(manifest.pop("model_files")) == {"model.safetensors", "tokenizer.json"}
    (copied / "manifest.json").write_text(json.dumps(manifest))
    assert taskzoo.load(changed(copied, "model.safetensors", at=-1)).predict("Bo") is not None
