"""A directory that is not a checkpoint is called what it is, with what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.models.refs import resolve_model

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 90868376\n"
CONFIG = '{"model_type": "bert"}'

CASES: dict[str, tuple[dict[str, str], str]] = {
    "empty": ({}, "holds no model: it has no config.json. Name a directory that save_pretrained"),
    "only config": ({"config.json": CONFIG}, "holds no weights"),
    "a run without weights": ({"manifest.json": "{}", "model/config.json": CONFIG}, "model' holds no weights"),
    "a run that stopped": ({"manifest.json": "{}", "checkpoints/last/x": ""}, "run that did not finish; `zoo resume"),
    "output of Trainer": (
        {"checkpoint-90/config.json": CONFIG, "checkpoint-500/config.json": CONFIG, "runs/x": ""},
        "Did you mean '.*checkpoint-500'",
    ),
    "old sentence-transformers": (
        {"modules.json": "[]", "0_Transformer/config.json": CONFIG},
        "mean '.*0_Transformer'",
    ),
    "adapter": (
        {"adapter_config.json": '{"base_model_name_or_path": "o/base"}', "adapter_model.safetensors": ""},
        "peft adapter of 'o/base', not a whole model; merge it",
    ),
    "adapter beside weights": ({"adapter_config.json": "[]", "config.json": CONFIG}, "is a peft adapter, not"),
    "pointer": (
        {"config.json": CONFIG, "model.safetensors": POINTER},
        "model.safetensors' is a git-lfs pointer.*lfs pull",
    ),
    "pointer of the tokenizer": (
        {"config.json": CONFIG, "model.safetensors": "x", "spiece.model": POINTER},
        "spiece.model' is a git-lfs pointer",
    ),
    "pointer of config": ({"config.json": POINTER}, "config.json' is a git-lfs pointer"),
    "missing shard": (
        {
            "config.json": CONFIG,
            "model.safetensors.index.json": '{"weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}',
            "m-1.safetensors": "x",
        },
        "incomplete: 1 of 2 files are missing, such as 'm-2.safetensors'",
    ),
    "a shard outside": (
        {
            "config.json": CONFIG,
            "model.safetensors.index.json": '{"weight_map": {"a": "../other/model.safetensors"}}',
        },
        "names a file outside its directory: '../other/model.safetensors'",
    ),
    "empty index": (
        {"config.json": CONFIG, "model.safetensors.index.json": '{"weight_map": {}}'},
        "its weight_map is empty",
    ),
    "pointer of a shard": (
        {
            "config.json": CONFIG,
            "model.safetensors.index.json": '{"weight_map": {"a": "model-00001-of-00001.safetensors"}}',
            "model-00001-of-00001.safetensors": POINTER,
        },
        "00001.safetensors' is a git-lfs pointer",
    ),
    "broken index": ({"config.json": CONFIG, "pytorch_model.bin.index.json": "{"}, "index.json' is damaged"),
    "shards without index": (
        {"config.json": CONFIG, "model-00001-of-00002.safetensors": "x"},
        "copy or download model.safetensors.index.json",
    ),
    "onnx": ({"config.json": CONFIG, "model.onnx": "x"}, "model.onnx is in the format of ONNX"),
    "gguf": ({"model-q4.gguf": "x"}, "model-q4.gguf is in the format of GGUF"),
    "tensorflow": ({"config.json": CONFIG, "tf_model.h5": "x"}, "tf_model.h5 is in the format of TensorFlow"),
    "tensorflow 1": ({"bert_config.json": "{}", "bert_model.ckpt.index": "x"}, "in the format of TensorFlow"),
    "flax": ({"config.json": CONFIG, "flax_model.msgpack": "x"}, "in the format of Flax"),
    "deepspeed": ({"zero_to_fp32.py": "", "global_step5/x": ""}, "in the format of DeepSpeed"),
    "torch.save": ({"config.json": CONFIG, "best.pt": "x"}, "in the format of plain PyTorch"),
    "config is not JSON": ({"config.json": "{", "model.safetensors": "x"}, "config.json is not JSON"),
    "config is a list": ({"config.json": "[]", "model.safetensors": "x"}, "config.json is not a JSON object"),
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.mark.parametrize("case", CASES)
def test_what_is_not_a_checkpoint_is_called_what_it_is(tmp_path: Path, case: str) -> None:
    files, expected = CASES[case]
    with pytest.raises(RequestError, match=expected) as caught:
        resolve_model(str(write(tmp_path, files)))
    assert len(str(caught.value)) < 500


def test_the_adapter_of_a_run_points_to_its_merged_model(tmp_path: Path) -> None:
    write(tmp_path, {"model/config.json": CONFIG, "adapter/adapter_config.json": '{"base_model_name_or_path": "o/b"}'})
    with pytest.raises(RequestError, match=r"adapter of 'o/b'; did you mean '.*model', which has it merged"):
        resolve_model(str(tmp_path / "adapter"))


@pytest.mark.parametrize("inside", ["", "adapter", "model"])
def test_a_run_and_its_adapter_stand_for_its_model(tmp_path: Path, inside: str) -> None:
    files = {"manifest.json": "{}", "adapter/adapter_config.json": "{}", "adapter/adapter_model.safetensors": "x"}
    write(tmp_path, {**files, "model/config.json": CONFIG, "model/model.safetensors": "x"})
    found = resolve_model(str(tmp_path / inside))
    assert (found.name, found.family) == (str(tmp_path / inside), "bert")
    assert Path(found.location) == tmp_path.resolve() / "model"


def test_a_file_is_not_a_directory(tmp_path: Path) -> None:
    write(tmp_path, {"model.safetensors": ""})
    with pytest.raises(RequestError, match="is a file; `model` takes the directory"):
        resolve_model(str(tmp_path / "model.safetensors"))
    with pytest.raises(UnknownNameError):
        resolve_model(str(tmp_path / "nothing"))


def test_a_sharded_checkpoint_is_one(tmp_path: Path, tiny_checkpoint: Any) -> None:
    from transformers import AutoModel

    AutoModel.from_pretrained(tiny_checkpoint()).save_pretrained(tmp_path, max_shard_size="20KB")
    shards = sorted(tmp_path.glob("*.safetensors"))
    assert len(shards) > 1
    assert resolve_model(str(tmp_path)).family == "bert"
    shards[-1].unlink()
    with pytest.raises(RequestError, match=f"1 of {len(shards)} files are missing"):
        resolve_model(str(tmp_path))


def test_small_files_of_a_sound_checkpoint_are_no_pointers(tmp_path: Path, tiny_checkpoint: Any) -> None:
    folder = shutil.copytree(tiny_checkpoint(), tmp_path / "copy")
    (folder / "README.md").write_text("git-lfs is described at https://git-lfs.github.com")
    assert json.loads((folder / "config.json").read_text())["model_type"] == resolve_model(str(folder)).family
