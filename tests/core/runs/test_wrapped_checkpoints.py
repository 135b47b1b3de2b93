"""A run that was trained from a checkpoint with a wrapper's prefix is saved under the architecture's own names."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from transformers import pipeline

import taskzoo
from taskzoo.testing import make_tiny_checkpoint

ROWS = [
    {"text": f"a {word} film {i}", "label": label}
    for i in range(8)
    for word, label in (("good", "pos"), ("bad", "neg"))
]


@pytest.mark.parametrize("prefix", ["module.", "base_model.model.", "0.auto_model."])
def test_the_run_is_loaded_by_taskzoo_and_by_plain_transformers(tmp_path: Path, prefix: str) -> None:
    folder = make_tiny_checkpoint(tmp_path / "bert", "bert", [row["text"] for row in ROWS])
    weights = folder / "model.safetensors"
    save_file({prefix + name: values for name, values in load_file(weights).items()}, weights, {"format": "pt"})
    settings = {"method": "full", "max_steps": 2, "precision": "fp32"}
    run = taskzoo.finetune("classification", model=str(folder), train=ROWS, output=tmp_path / "run", **settings)
    saved = load_file(tmp_path / "run" / "model" / "model.safetensors")
    assert all(name.startswith(("bert.", "classifier.")) for name in saved)
    before, after = run.predict("a good film"), taskzoo.load(tmp_path / "run").predict("a good film")
    plain = pipeline("text-classification", model=str(tmp_path / "run" / "model"), device="cpu")("a good film")[0]
    assert before["label"] == after["label"] == plain["label"]
    assert before["score"] == after["score"]
    assert before["score"] == pytest.approx(plain["score"], abs=6e-5)  # ours has four digits
