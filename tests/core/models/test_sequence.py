"""Models that predict one thing for a whole text, over every architecture."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel

from taskzoo.engine.batches import tensors
from taskzoo.errors import RequestError
from taskzoo.heads.collator import SequenceCollator
from taskzoo.heads.single_label import SingleLabelHead
from taskzoo.models.loading import explain_load_errors
from taskzoo.models.pooling import PooledClassifier
from taskzoo.models.refs import ModelRef
from taskzoo.models.sequence import load_sequence_model
from taskzoo.models.text_encoding import encode_texts
from taskzoo.testing import FAMILIES

LABELS = ["news", "sport", "weather"]
TEXTS = ["Austin visited Paris.", "Demand in Canada was strong, said the chief executive of Cobaltine.", "No"]
ENCODER_DECODERS = ("bart", "m2m_100", "marian", "mbart", "mbart50", "mt5", "nllb", "pegasus", "t5")

Checkpoint = Callable[..., Path]
Tokenizer = Callable[..., Any]


def load(folder: Path | str, seed: int = 0, **settings: Any) -> Any:
    torch.manual_seed(seed)
    with explain_load_errors(ModelRef(str(folder), str(folder)), "model"):
        return load_sequence_model(
            str(folder), **{"problem_type": "single_label_classification", "labels": LABELS, **settings}
        ).eval()


@torch.no_grad()
def logits(model: Any, tokenizer: Any, texts: list[str]) -> torch.Tensor:
    if model.config.pad_token_id is None:
        model.config.pad_token_id = tokenizer.pad_token_id
    features = encode_texts(tokenizer, texts).features
    for feature in features:
        feature.values["target"] = 0
    batch = tensors(SequenceCollator(tokenizer.pad_token_id, SingleLabelHead(LABELS))(features))
    found: torch.Tensor = model(**batch.inputs).logits
    return found


@pytest.mark.parametrize("pooling", ["auto", "first"])
@pytest.mark.parametrize("family", FAMILIES)
def test_saved_and_loaded_it_gives_the_same_logits(
    tiny_checkpoint: Checkpoint, tiny_tokenizer: Tokenizer, tmp_path: Path, family: str, pooling: str
) -> None:
    model, tokenizer = load(tiny_checkpoint(family), pooling=pooling), tiny_tokenizer(family)
    expected = logits(model, tokenizer, TEXTS)
    assert expected.shape == (3, 3)
    assert (expected[0] - expected[1]).abs().max() > 1e-7  # it does see the text: rounding is below 1e-8
    model.save_pretrained(tmp_path)
    again = load(tmp_path, seed=99)
    assert type(again) is type(model)
    assert torch.equal(logits(again, tokenizer, TEXTS), expected)
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".bin", ".pt")]


def test_a_pooled_model_computes_in_half_precision(
    tiny_checkpoint: Checkpoint, tiny_tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """Loaded with ``dtype=bfloat16``, as by a pipeline, without autocast."""
    load(tiny_checkpoint("bert"), pooling="unit-mean").save_pretrained(tmp_path)
    exact, half = (PooledClassifier.from_pretrained(tmp_path, dtype=dtype) for dtype in (torch.float32, torch.bfloat16))
    wanted, found = (logits(model.eval(), tiny_tokenizer("bert"), TEXTS) for model in (exact, half))
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), wanted, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("pooling", ["auto", "mean"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_backbone_keeps_its_pretrained_weights(tiny_checkpoint: Checkpoint, family: str, pooling: str) -> None:
    model = load(tiny_checkpoint(family), pooling=pooling)
    backbone = getattr(model, model.base_model_prefix)
    whole = AutoModel.from_pretrained(tiny_checkpoint(family))
    expected = (whole.get_encoder() if family in ENCODER_DECODERS else whole).state_dict()
    found = backbone.state_dict()
    assert len(found) > 5
    for name, tensor in found.items():
        assert torch.equal(tensor, expected[name]), name


@pytest.mark.parametrize("family", FAMILIES)
def test_auto_is_the_architectures_own_head(tiny_checkpoint: Checkpoint, family: str) -> None:
    """Plain transformers knows it, but for encoder-decoders, whose own heads run the decoder too."""
    model = load(tiny_checkpoint(family))
    assert isinstance(model, PooledClassifier) is (family in ENCODER_DECODERS)
    assert hasattr(model.config, "sequence_pooling") is (family in ENCODER_DECODERS)


@pytest.mark.parametrize("family", ["gpt2", "qwen2"])
@pytest.mark.parametrize("pooling", ["auto", "last", "mean"])
def test_decoders_give_the_same_in_a_batch_as_alone(
    tiny_checkpoint: Checkpoint, tiny_tokenizer: Tokenizer, family: str, pooling: str
) -> None:
    model, tokenizer = load(tiny_checkpoint(family), pooling=pooling), tiny_tokenizer(family)
    together = logits(model, tokenizer, TEXTS)
    for text, expected in zip(TEXTS, together, strict=True):
        torch.testing.assert_close(logits(model, tokenizer, [text])[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("problem_type", "outputs"),
    [("single_label_classification", 3), ("multi_label_classification", 3), ("regression", 1)],
)
@pytest.mark.parametrize("pooling", ["auto", "mean"])
def test_the_configuration_says_what_the_outputs_are(
    tiny_checkpoint: Checkpoint, tmp_path: Path, problem_type: str, outputs: int, pooling: str
) -> None:
    labels = [] if problem_type == "regression" else LABELS
    load(tiny_checkpoint(), problem_type=problem_type, labels=labels, pooling=pooling).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert config["problem_type"] == problem_type
    assert len(config["id2label"]) == outputs
    if labels:
        assert config["id2label"] == {str(i): label for i, label in enumerate(LABELS)}
        assert config["label2id"] == {label: i for i, label in enumerate(LABELS)}


def test_the_last_token_of_an_encoder_decoder_is_refused(tiny_checkpoint: Checkpoint) -> None:
    with pytest.raises(RequestError, match="takes mean or first"):
        load(tiny_checkpoint("t5"), pooling="last")


def test_a_pooled_model_is_fine_tuned_further(
    tiny_checkpoint: Checkpoint, tiny_tokenizer: Tokenizer, tmp_path: Path
) -> None:
    """Other labels make another classifier on the same backbone; its pooling stays unless another is asked for."""
    first = load(tiny_checkpoint(), pooling="unit-mean")
    with torch.no_grad():
        next(first.backbone.encoder.parameters()).add_(1.0)
    first.save_pretrained(tmp_path)
    second = load(tmp_path, seed=1, labels=["a", "b"])
    assert second.config.sequence_pooling == "unit-mean"
    assert second.classifier.out_features == 2
    assert torch.equal(next(second.backbone.encoder.parameters()), next(first.backbone.encoder.parameters()))
    assert load(tmp_path, pooling="first").config.sequence_pooling == "first"


WITHOUT_TASKZOO = """
import json, sys
sys.modules["taskzoo"] = None  # any import of it fails
import transformers
import torch
refused = {}
autos = ("AutoModel", "AutoModelForSequenceClassification", "AutoModelForTokenClassification")
for name in (*autos, "T5Model", "T5EncoderModel", "T5ForSequenceClassification", "BertForSequenceClassification"):
    try:
        getattr(transformers, name).from_pretrained(sys.argv[1])
    except Exception as error:
        refused[name] = str(error)
load = transformers.AutoModelForSequenceClassification.from_pretrained
model = load(sys.argv[1], trust_remote_code=True).eval()
with torch.no_grad():
    logits = model(input_ids=torch.tensor([[5, 6, 7]])).logits.tolist()
print(json.dumps({"refused": refused, "logits": logits}))
"""


@pytest.mark.slow  # tests/contract has the same for a run, through the lines of its card
def test_a_pooled_model_loads_where_taskzoo_is_not_installed(tiny_checkpoint: Checkpoint, tmp_path: Path) -> None:
    """With its code; without, no class of transformers takes it, which would have random weights."""
    model = load(tiny_checkpoint("t5"))
    model.save_pretrained(tmp_path / "model")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_MODULES_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", WITHOUT_TASKZOO, str(tmp_path / "model")]
    result = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=200, check=False, stdin=subprocess.DEVNULL
    )
    assert result.returncode == 0, result.stderr
    with torch.no_grad():
        expected = model(input_ids=torch.tensor([[5, 6, 7]])).logits
    found = json.loads(re.sub(r"^.*\[y/N\] ", "", result.stdout.splitlines()[-1]))
    torch.testing.assert_close(torch.tensor(found["logits"]), expected)
    assert len(found["refused"]) == 7
    assert all("trust_remote_code=True" in said for said in found["refused"].values()), found["refused"]
    assert "classifier.weight" in load_file(tmp_path / "model" / "model.safetensors")
