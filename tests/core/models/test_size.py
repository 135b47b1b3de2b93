"""The size of a checkpoint, read from its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModel

from taskzoo.models.digests import weight_files
from taskzoo.models.refs import resolve_model
from taskzoo.models.size import count_parameters


def test_it_is_that_of_the_model(tiny_checkpoint: Any, tmp_path: Path) -> None:
    model = AutoModel.from_config(AutoConfig.from_pretrained(tiny_checkpoint("bert")))
    size = sum(parameters.numel() for parameters in model.parameters())
    model.save_pretrained(tmp_path / "new", max_shard_size="200KB")
    assert len(list((tmp_path / "new").glob("*.safetensors"))) > 1
    assert resolve_model(str(tmp_path / "new")).parameters == size

    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    assert count_parameters(tmp_path) == pytest.approx(size, rel=0.1)


@pytest.mark.parametrize("parts", ["50GB", "200KB"])
def test_other_weights_beside_the_model_do_not_count(tiny_checkpoint: Any, tmp_path: Path, parts: str) -> None:
    model = AutoModel.from_config(AutoConfig.from_pretrained(tiny_checkpoint("bert")))
    model.save_pretrained(tmp_path, max_shard_size=parts)
    own = weight_files(tmp_path)
    assert len(own) == (1 if parts == "50GB" else len(list(tmp_path.glob("model-*.safetensors"))))
    save_file({"pooler.dense.weight": torch.ones(9, 9, dtype=torch.int8)}, tmp_path / "a_model_int8.safetensors")
    (tmp_path / "extra.bin").write_bytes(b"")
    assert weight_files(tmp_path) == own
    assert count_parameters(tmp_path) == sum(parameters.numel() for parameters in model.parameters())


def test_of_weights_in_two_formats_the_one_that_is_loaded_counts(tmp_path: Path) -> None:
    for name in ("pytorch_model.bin", "extra.bin", "model.safetensors.index.json", "consolidated.safetensors"):
        (tmp_path / name).write_text("{")
    assert weight_files(tmp_path) == []  # an index that is damaged names none
    (tmp_path / "model.safetensors.index.json").unlink()
    assert weight_files(tmp_path) == [tmp_path / "pytorch_model.bin"]
    (tmp_path / "pytorch_model.bin").unlink()
    assert weight_files(tmp_path) == [tmp_path / "consolidated.safetensors"]


def test_what_cannot_be_read_has_none(tmp_path: Path) -> None:
    assert count_parameters(tmp_path) is None
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    assert count_parameters(tmp_path) is None
