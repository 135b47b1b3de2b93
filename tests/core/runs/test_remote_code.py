"""A checkpoint that brings its own model as code: used from training to plain ``transformers``, or refused."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer

from .kit import Result, read, zoo

CODE = """
import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput, TokenClassifierOutput

open("RAN", "w").close()


class TwinConfig(PreTrainedConfig):
    model_type = "twin"

    def __init__(self, vocab_size=100, hidden_size=16, pad_token_id=0, **values):
        self.vocab_size, self.hidden_size, self.pad_token_id = vocab_size, hidden_size, pad_token_id
        super().__init__(**values)


class TwinBase(PreTrainedModel):
    config_class = TwinConfig
    base_model_prefix = "twin"

    def __init__(self, config):
        super().__init__(config)
        self.twin = nn.ModuleDict({
            "words": nn.Embedding(config.vocab_size, config.hidden_size),
            "mixer": nn.Linear(config.hidden_size, config.hidden_size),
        })
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def get_input_embeddings(self):
        return self.twin["words"]

    def states(self, input_ids):
        return torch.tanh(self.twin["mixer"](self.twin["words"](input_ids)))


class TwinForTexts(TwinBase):
    def forward(self, input_ids, attention_mask=None, **_):
        mask = (torch.ones_like(input_ids) if attention_mask is None else attention_mask).unsqueeze(-1)
        return SequenceClassifierOutput(
            logits=self.classifier((self.states(input_ids) * mask).sum(1) / mask.sum(1))
        )


class TwinForTokens(TwinBase):
    def forward(self, input_ids, attention_mask=None, **_):
        return TokenClassifierOutput(logits=self.classifier(self.states(input_ids)))
"""
MAP = {
    "AutoConfig": "modeling_twin.TwinConfig",
    "AutoModelForSequenceClassification": "modeling_twin.TwinForTexts",
    "AutoModelForTokenClassification": "modeling_twin.TwinForTokens",
}
TEXTS = {"sport": ["the match was won", "a goal in the last minute"], "food": ["bread and butter", "a warm soup"]}
TRUST = "--trust-remote-code"
SHORT = ["--epochs", "12", "--batch-size", "4", "--learning-rate", "0.05", "--precision", "fp32"]

Make = Callable[..., Path]


@pytest.fixture
def twin(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """A function from an ``auto_map`` to a checkpoint of an architecture that only its own code knows."""
    modules = tmp_path / "modules"
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(modules))
    monkeypatch.syspath_prepend(modules)

    def make(auto_map: dict[str, str] = MAP) -> Path:
        folder = tmp_path / "twin"
        folder.mkdir()
        for file in model.iterdir():
            if file.name.startswith("tokenizer"):
                shutil.copy(file, folder)
        words = len(AutoTokenizer.from_pretrained(folder))
        config = {"model_type": "twin", "architectures": ["TwinForTexts"], "vocab_size": words, "auto_map": auto_map}
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "modeling_twin.py").write_text(CODE.replace("RAN", str(tmp_path / "ran")))
        generator = torch.Generator().manual_seed(0)
        shapes = {"words.weight": (words, 16), "mixer.weight": (16, 16), "mixer.bias": (16,)}
        tensors = {f"twin.{name}": torch.randn(shape, generator=generator) for name, shape in shapes.items()}
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        return folder

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] == "transformers_modules"]:
        del sys.modules[name]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    lines = [
        {"text": f"{text} {i}", "label": label} for i in range(4) for label, texts in TEXTS.items() for text in texts
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


@pytest.fixture
def run(twin: Make, rows: Path, tmp_path: Path) -> Callable[..., Result]:
    """A function that trains on the checkpoint, to ``tmp_path / "run"``."""

    def train(*words: str, task: str = "classification", data: Path = rows, **keywords: Any) -> Result:
        splits = [f"--{split}={data}" for split in ("train", "validation", "test")]
        output = ["--output", tmp_path / "run"]
        return zoo("run", task, "--model", twin(**keywords), *splits, *output, *SHORT, *words)

    return train


def test_a_classifier_of_its_own_from_training_to_plain_transformers(run: Any, rows: Path, tmp_path: Path) -> None:
    result = run(TRUST)
    assert result.code == 0, result.err
    assert "new, with random initial values: classifier" in result.err + result.out
    folder = tmp_path / "run"
    assert read(folder / "manifest.json")["model"]["trust_remote_code"] is True
    assert read(folder / "metrics.json")["test"]["accuracy"] == 1.0
    scores = zoo("eval", folder, "--data", rows, "--json", TRUST)
    assert scores.json["accuracy"] == 1.0, scores.err
    prediction = zoo("predict", folder, "a warm soup", TRUST).json
    assert prediction["label"] == "food"
    plain = AutoModelForSequenceClassification.from_pretrained(folder / "model", trust_remote_code=True).eval()
    assert type(plain).__name__ == "TwinForTexts"
    inputs = AutoTokenizer.from_pretrained(folder / "model")("a warm soup", return_tensors="pt")
    with torch.no_grad():
        found = plain(**inputs).logits.softmax(-1)[0]
    assert plain.config.id2label[int(found.argmax())] == "food"
    assert float(found.max()) == pytest.approx(prediction["score"], abs=1e-4)
    assert "trust_remote_code=True" in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [["--method", "linear-probe", "--set", "pooling=auto"], ["--lora"]])
def test_other_methods_train_it_as_well(run: Any, tmp_path: Path, words: list[str]) -> None:
    result = run(TRUST, *words)
    assert result.code == 0, result.err
    assert zoo("predict", tmp_path / "run", "a warm soup", TRUST).json["label"] == "food"


def test_nothing_of_it_is_run_without_the_option(run: Any, rows: Path, tmp_path: Path) -> None:
    result = run()
    assert result.code == 2
    assert "is not run without --trust-remote-code" in result.err
    assert not (tmp_path / "ran").exists()
    shutil.rmtree(tmp_path / "twin")
    assert run(TRUST).code == 0
    (tmp_path / "ran").unlink()
    for words in (["predict", tmp_path / "run", "a warm soup"], ["eval", tmp_path / "run", "--data", rows]):
        refused = zoo(*words)
        assert (refused.code, refused.out) == (2, "")
        assert "is not run without --trust-remote-code" in refused.err
    assert not (tmp_path / "ran").exists()


def test_pooling_over_it_is_refused(run: Any, tmp_path: Path) -> None:
    result = run(TRUST, "--set", "pooling=mean")
    assert result.code == 2
    assert "set pooling=auto, which takes the classifier that comes with it" in result.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("head", ["linear", "crf"])
def test_a_token_classifier_of_its_own(run: Any, data: Path, tmp_path: Path, head: str) -> None:
    result = run(TRUST, "--set", f"head={head}", task="ner", data=data / "train.conll")
    assert result.code == 0, result.err
    folder = tmp_path / "run"
    assert read(folder / "metrics.json")["test"]["f1"] > 0.9
    assert zoo("eval", folder, "--data", data / "train.conll", "--json", TRUST).json["f1"] > 0.9
    refused = zoo("predict", folder, "Kim went to Oslo .")
    assert refused.code == 2
    assert "is not run without --trust-remote-code" in refused.err
    plain = AutoModelForTokenClassification.from_pretrained(folder / "model", trust_remote_code=True)
    assert type(plain).__name__ == "TwinForTokens"
    saved = load_file(folder / "model" / "model.safetensors")
    assert torch.equal(plain.classifier.weight, saved["classifier.weight"])
    assert "from_pretrained(folder, trust_remote_code=True)" in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("task", "file"), [("ner", "train.conll"), ("classification", None)])
def test_code_without_the_class_is_refused(run: Any, rows: Path, data: Path, task: str, file: str | None) -> None:
    result = run(TRUST, task=task, data=data / file if file else rows, auto_map={"AutoConfig": MAP["AutoConfig"]})
    assert result.code == 2
    what = "token classifier (AutoModelForTokenClassification)" if file else "classifier for texts"
    assert f"The code of this checkpoint has no {what}" in result.err


FLIPPED = """
from transformers import BertForSequenceClassification


class Flipped(BertForSequenceClassification):
    def forward(self, *args, **values):
        outputs = super().forward(*args, **values)
        outputs.logits = -outputs.logits
        return outputs
"""


@pytest.fixture
def flipped(twin: Make, model: Path, tmp_path: Path) -> Path:
    """A BERT with code that ``transformers`` can do without: the same weights, and another function."""
    folder = Path(shutil.copytree(model, tmp_path / "flipped"))
    (folder / "modeling_flipped.py").write_text(FLIPPED)
    config = read(folder / "config.json") | {
        "auto_map": {"AutoModelForSequenceClassification": "modeling_flipped.Flipped"}
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def train_on(folder: Path, rows: Path, output: Path, *words: str) -> Result:
    splits = [f"--{split}={rows}" for split in ("train", "validation", "test")]
    return zoo("run", "classification", "--model", folder, *splits, "--output", output, *SHORT, *words)


def test_code_that_transformers_can_do_without_is_named_where_it_is_not_run(
    flipped: Path, rows: Path, tmp_path: Path
) -> None:
    result = train_on(flipped, rows, tmp_path / "run")
    assert result.code == 0, result.err
    what = "the Python code of the checkpoint (modeling_flipped.Flipped) was not run; this is transformers' own Bert"
    assert what in result.err + result.out
    assert "auto_map" not in read(tmp_path / "run" / "model" / "config.json")
    assert zoo("predict", tmp_path / "run", "a warm soup").code == 0


def test_a_run_of_such_code_is_not_used_without_it(flipped: Path, rows: Path, tmp_path: Path) -> None:
    result = train_on(flipped, rows, tmp_path / "run", TRUST)
    assert result.code == 0, result.err
    assert "was not run" not in result.err + result.out
    refused = zoo("predict", tmp_path / "run", "a warm soup")
    assert (refused.code, refused.out) == (2, "")
    assert "is not run without --trust-remote-code" in refused.err
    accuracy = read(tmp_path / "run" / "metrics.json")["test"]["accuracy"]
    assert zoo("eval", tmp_path / "run", "--data", rows, "--json", TRUST).json["accuracy"] == accuracy
