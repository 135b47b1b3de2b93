"""FSDP2: runs in several processes, each of which holds a part of the model, are those of one process."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from transformers import AutoModelForSeq2SeqLM

from taskzoo import finetune, resume
from taskzoo.engine.sharding import in_turns, is_sharded, own_layers
from taskzoo.engine.strategies.checks import UNSHARDED, check_strategies
from taskzoo.errors import RequestError
from taskzoo.methods.contrastive import Contrastive
from taskzoo.methods.linear_probe import LinearProbe
from taskzoo.testing import make_tiny_checkpoint

from .kit import TaggingTask, make_tagger, settings

SCRIPT = Path(__file__).with_name("sharded_runs.py")
DEADLINE = 1100
ROWS = {"train": 61, "validation": 11, "test": 13}
"""In steps of 7 the last of an epoch has 5 rows; nothing divides by 2 or 3."""
WORDS = {"animals": ["cat", "dog", "hen"], "food": ["soup", "rice", "bread"]}
FILLER = ["the", "my", "old", "big", "is", "was", "very"]
PLAIN = {"batch_size": 7, "micro_batch_size": 2, "learning_rate": 0.01, "precision": "fp32", "log_every": 1}
PLAIN |= {"max_steps": 12, "evaluate_every": 6, "baseline": False, "compact_embeddings": False, "lora_dropout": 0}
PLAIN |= {"method": "full", "max_grad_norm": 0.5, "evaluation_tokens": 80, "probe_first": False}
TRANSLATION = {"source_lang": "en", "target_lang": "es", "max_new_tokens": 12, "min_new_tokens": 2}


def make_rows(task: str, count: int, seed: int) -> list[dict[str, Any]]:
    """Rows for one of the tasks, no two alike."""
    generator, rows = random.Random(seed), []
    for number in range(count):
        label = generator.choice(list(WORDS))
        words = [*generator.choices(FILLER, k=generator.randint(1, 9)), generator.choice(WORDS[label])]
        words += [str(100 * seed + number)]
        tags = [f"B-{label}" if word in WORDS[label] else "O" for word in words]
        texts = {"source": " ".join(words), "target": " ".join(words[::-1])}
        row = {"classification": {"text": " ".join(words), "label": label}, "ner": {"tokens": words, "tags": tags}}
        rows.append(row.get(task, texts))
    return rows


class Made:
    """Models and rows in a folder, and runs on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for task in ("classification", "ner", "translation"):
            (folder / task).mkdir()
            for seed, (split, count) in enumerate(ROWS.items(), 1):
                lines = "".join(json.dumps(row) + "\n" for row in make_rows(task, count, seed))
                (folder / task / f"{split}.jsonl").write_text(lines, encoding="utf-8")

    def model(self, family: str, dropout: float = 0.0) -> Path:
        path = self.folder / f"{family}-{dropout}"
        texts = [" ".join([*WORDS["animals"], *WORDS["food"], *FILLER, str(i)]) for i in range(99)]
        return path if path.exists() else make_tiny_checkpoint(path, family, texts, vocabulary=200, dropout=dropout)

    def request(self, name: str, task: str, family: str, *, dropout: float = 0.0, **values: Any) -> dict[str, Any]:
        """The arguments of ``finetune``."""
        splits = {split: str(self.folder / task / f"{split}.jsonl") for split in ROWS}
        options = TRANSLATION if task == "translation" else {}
        where = {"model": str(self.model(family, dropout)), "output": str(self.folder / name), **splits}
        return {"task": task, **where, **PLAIN, **options, **values}

    def sharded(self, requests: Sequence[dict[str, Any]], processes: int = 2) -> list[list[dict[str, list[int]]]]:
        """Make the runs in processes that each hold a part; process -> run -> what it held of it."""
        file = self.folder / "requests.json"
        made = [one if one.keys() & {"resume", "checkpoint"} else {"fsdp": True, **one} for one in requests]
        file.write_text(json.dumps(made), encoding="utf-8")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            world = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
        world |= {"WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes), "OMP_NUM_THREADS": "1"}
        children = [
            subprocess.Popen(
                [sys.executable, SCRIPT, file],
                env={**os.environ, **world, "RANK": str(rank), "LOCAL_RANK": str(rank)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank in range(processes)
        ]
        try:
            said = [child.communicate(timeout=DEADLINE)[1] for child in children]
        finally:
            for child in children:
                child.kill()
        assert [child.returncode for child in children] == [0] * processes, "\n".join(said)
        return [json.loads((self.folder / f"{rank}.json").read_text("utf-8")) for rank in range(processes)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("sharded"))


def tensors(run: Path, file: str = "model/model.safetensors") -> dict[str, torch.Tensor]:
    return load_file(run / file)


def lines(run: Path, file: str = "history.jsonl") -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (run / file).read_text("utf-8").splitlines()]
    return [{name: value for name, value in line.items() if name != "tokens_per_second"} for line in found]


def same_run(one: Path, other: Path, *, rounding: float = 1e-4) -> None:
    """The same files and predictions; losses, norms and weights to rounding, which Adam makes larger."""
    assert {path.name for path in other.iterdir()} == {path.name for path in one.iterdir()}
    assert json.loads((other / "model/config.json").read_text()) == json.loads((one / "model/config.json").read_text())
    files = ["model/model.safetensors", *(["adapter/adapter_model.safetensors"] if (one / "adapter").exists() else [])]
    for ones, others in ((tensors(one, file), tensors(other, file)) for file in files):
        assert others.keys() == ones.keys()
        apart = sum((ones[name] - others[name]).square().sum() for name in ones)
        assert apart < (10 * rounding) ** 2 * sum(tensor.square().sum() for tensor in ones.values()), one.name
    for left, right in zip(lines(one), lines(other), strict=True):
        assert right.keys() == left.keys()
        for name in left.keys() & {"loss", "validation_loss", "grad_norm"}:
            assert right[name] == pytest.approx(left[name], rel=10 * rounding, abs=rounding), (one.name, left)
    assert said(other) == said(one)


def said(run: Path) -> list[Any]:
    """Labels, entities and texts that were predicted, without their probabilities."""
    found: list[Any] = []
    for line in lines(run, "predictions.jsonl"):
        entities = [(e["label"], e["start"], e["end"]) for e in line.get("entities", ())]
        found.append((line.get("text"), line.get("label"), entities, line["reference"]))
    return found


def test_each_process_holds_a_half_and_the_run_is_that_of_one(made: Made) -> None:
    request = made.request("bert", "classification", "bert", max_steps=9, evaluate_every=4, ema_decay=0.5)
    sizes = made.sharded([{**request, "output": f"{request['output']}-2"}])
    finetune(**request)
    same_run(made.folder / "bert", made.folder / "bert-2")
    for kind, copies in (("weights", 1), ("gradients", 1), ("state", 3)):  # two moments and an average
        first, second = (of_process[0][kind] for of_process in sizes)
        assert first[1] == second[1] == copies * sizes[0][0]["weights"][1]
        assert first[0] + second[0] == first[1]
        assert 0.48 < second[0] / first[1] <= first[0] / first[1] < 0.52


TASKS = [("classification", family) for family in ("bert", "gpt2", "albert", "deberta-v2", "modernbert")]
TASKS += [("ner", "bert"), *(("translation", family) for family in ("t5", "gpt2", "bart"))]
FURTHER = {
    "ema": {"ema_decay": 0.9},
    "rdrop": {"rdrop_alpha": 1.0},
    "fgm": {"adversarial_epsilon": 0.5},
    "layers": {"layer_decay": 0.8, "gradual_unfreezing": 0.5},
    "recomputed": {"gradient_checkpointing": True},
    "momentum": {"optimizer": "momentum"},
    "unclipped": {"max_grad_norm": 0, "optimizer": "sgd"},
    "frozen": {"freeze": "1"},
    "dora": {"method": "lora", "lora_dora": True},
}


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("method", ["full", "lora"])
def test_every_task_as_in_one_process(method: str, made: Made) -> None:
    """Encoders, decoders and encoder-decoders, with tied and shared weights; generation of unequal lengths."""
    check_as_one(made, [(f"{task}-{family}-{method}", task, family, {"method": method}) for task, family in TASKS])


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_strategies_and_optimizers_as_in_one_process(made: Made) -> None:
    cases = [(name, "classification", "bert", values) for name, values in FURTHER.items()]
    cases += [("crf", "ner", "bert", {"head": "crf"}), ("beams", "translation", "t5", {"num_beams": 2})]
    cases += [("warm", "translation", "bert", {})]
    if find_spec("schedulefree"):
        cases += [("free", "classification", "bert", {"optimizer": "schedule-free-adamw"})]
    check_as_one(made, cases)


def check_as_one(made: Made, cases: list[tuple[str, str, str, dict[str, Any]]]) -> None:
    requests = [made.request(name, task, family, **values) for name, task, family, values in cases]
    made.sharded([{**request, "output": f"{request['output']}-2"} for request in requests])
    for (name, task, *_), request in zip(cases, requests, strict=True):
        finetune(**request)
        # the T5 multiplies rounding from step to step
        same_run(made.folder / name, made.folder / f"{name}-2", rounding=1e-3 if task == "translation" else 1e-4)
    assert (made.folder / f"{name}-2" / "adapter").exists() == (cases[-1][3].get("method") == "lora")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_resumed(made: Made) -> None:
    """In as many processes bit for bit, with dropout and an average; in others with the same rows."""
    values = {"checkpoint_every": 3, "ema_decay": 0.9}
    exact = made.request("exact", "classification", "bert", dropout=0.1, **values)
    plain = made.request("plain", "ner", "bert", method="lora")
    stopped = [{**r, "output": f"{r['output']}-stopped", "stop_after": 8} for r in (exact, plain)]
    made.sharded([exact, plain, *stopped])
    for number in (1, 3):
        shutil.copytree(made.folder / "plain-stopped", made.folder / f"plain-{number}")
    assert {path.name for path in (made.folder / "exact-stopped/checkpoints").iterdir()} >= {"last", "before"}
    made.sharded([{"resume": f"{r['output']}-stopped"} for r in (exact, plain)])
    for name in ("exact", "plain"):
        one, other = made.folder / name, made.folder / f"{name}-stopped"
        assert lines(other) == lines(one)
        ones, others = tensors(one), tensors(other)
        assert all(torch.equal(ones[key], others[key]) for key in ones)
        assert lines(other, "predictions.jsonl") == lines(one, "predictions.jsonl")
    told: list[str] = []
    resume(made.folder / "plain-1", reporter=told.append)
    assert "There is one process, so the model is not divided (fsdp)." in told
    made.sharded([{"resume": str(made.folder / "plain-3")}], processes=3)
    for number in (1, 3):
        same_run(made.folder / "plain", made.folder / f"plain-{number}")


@pytest.mark.slow
@pytest.mark.parametrize("fsdp", [True, False])
def test_a_run_that_goes_on_from_another(fsdp: bool, made: Made) -> None:
    """All processes score the earlier run's test rows, which the first one alone cannot."""
    first = made.request("first", "classification", "bert", max_steps=2, evaluate_every=2)
    second = {**first, "from_run": first["output"], "output": f"{first['output']}-{fsdp}"}
    del second["model"]
    if not (made.folder / "first").exists():
        finetune(**first)
    made.sharded([{**second, "fsdp": fsdp}])
    found = json.loads((made.folder / f"first-{fsdp}/metrics.json").read_text("utf-8"))
    assert found["forgotten"]["rows"] == ROWS["test"]


@pytest.mark.slow
def test_half_precision(made: Made) -> None:
    """Layers in bfloat16, as a GPU gathers them, and a scaler whose overflow is in one process alone."""
    made.sharded([{"checkpoint": str(made.model("t5"))}])
    for rank in range(2):
        (found,) = json.loads((made.folder / f"{rank}.json").read_text("utf-8"))
        assert found["types"] == ["torch.bfloat16", "torch.float32"]  # of a layer, and of what is outside
        assert found["narrow"] < 1.1 * found["autocast"] < 0.1  # apart from the gradient in float32
        assert found["scales"] == [65536.0, 32768.0]


def test_settings_that_need_whole_tensors_are_refused() -> None:
    for (name, value), reason in UNSHARDED.items():
        if name != "lora_quantize":  # refused first, where its package or the method is missing
            with pytest.raises(RequestError, match=f"{name}=.* {reason}, and fsdp=true leaves a part of each"):
                check_strategies(TaggingTask(), settings(fsdp=True, **{name: value}))
    check_strategies(TaggingTask(), settings(fsdp=True))


@pytest.mark.parametrize("method", [LinearProbe, Contrastive])
def test_methods_that_train_in_one_process_refuse_it(method: Any) -> None:
    with pytest.raises(RequestError, match=f"method={method.name} has no use for fsdp=True"):
        method().check(TaggingTask(), settings(fsdp=True))


def test_one_process_is_refused_before_anything_is_written(made: Made) -> None:
    request = made.request("alone", "classification", "bert", fsdp=True)
    with pytest.raises(RequestError, match=r"fsdp=true divides the model over processes, and this run has one; start"):
        finetune(**request)
    assert not (made.folder / "alone").exists()


def test_layers_are_gathered_one_by_one_unless_they_share_weights(made: Made) -> None:
    model = AutoModelForSeq2SeqLM.from_pretrained(made.model("t5"))
    layers = [*model.encoder.block, *model.decoder.block]
    assert own_layers(model) == layers
    model.lm_head.weight = layers[1].layer[1].DenseReluDense.wi.weight
    assert own_layers(model) == [layers[0], *layers[2:]]
    assert own_layers(make_tagger()) == []


def test_a_model_that_is_not_sharded_is_left_alone() -> None:
    model = nn.Linear(2, 2)
    with in_turns(model):
        assert not is_sharded(model)
    assert not model._forward_pre_hooks
