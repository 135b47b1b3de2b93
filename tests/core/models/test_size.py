"""The size of a checkpoint, read from its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel

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


def test_what_cannot_be_read_has_none(tmp_path: Path) -> None:
    assert count_parameters(tmp_path) is None
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    assert count_parameters(tmp_path) is None
