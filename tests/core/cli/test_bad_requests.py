"""Requests that cannot be met: exit code 2, one line that says why, and nothing written."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from taskzoo.cli import main

GOOD = "Ada\tB-PER\nleft\tO\nOslo\tB-LOC\n\nNoor\tB-PER\nstays\tO\n\nKim\tB-PER\nsings\tO\n\nLima\tB-LOC\nsleeps\tO\n"
FILES = {
    "good.conll": GOOD,
    "empty.conll": "",
    "blank.conll": "\n \n\n",
    "one.conll": "Ada\nleft\n\nNoor\nstays\n",
    "ragged.conll": "Ada\tB-PER\nleft\tO\nOslo\n",
    "scheme.conll": "Ada\tPERSON\nleft\tOTHER\n",
    "outside.jsonl": '{"text": "Ada left", "spans": [[0, 99, "PER"]]}\n',
    "broken.jsonl": '{"text": "Ada left", "spans": []}\n{"text": \n',
    "only-o.conll": GOOD.replace("B-PER", "O").replace("B-LOC", "O"),
    "not.yaml": "task: [ner\nmodel: x\n",
    "list.yaml": "- ner\n",
    "key.yaml": "task: ner\nmodle: x\n",
    "training-key.yaml": "task: ner\ntraining: {lerning_rate: 1}\n",
    "data-key.yaml": "task: ner\ndata: {trian: x}\n",
    "training-list.yaml": "task: ner\ntraining: [1]\n",
    "options-list.yaml": "task: ner\noptions: [1]\n",
    "option.yaml": "task: ner\noptions: {haed: crf}\n",
    "columns.yaml": "task: ner\ndata: {train: good.conll, columns: [1]}\n",
    "number.yaml": "task: 5\n",
    "train-number.yaml": "task: ner\ndata: {train: 5}\n",
    "control.yaml": "task: ner\x00\n",
    "file": "x",
    "full/file": "x",
    "no-config/weights": "x",
    "bad-config/config.json": "{",
    "odd-config/config.json": '{"model_type": "no-such-architecture"}',
    "only-validation/validation.conll": GOOD,
    "bert/config.json": json.dumps({"model_type": "bert", "architectures": ["BertModel"]}),
    **{f"{model}/model.safetensors": "weights" for model in ("bert", "bad-config", "odd-config")},
    "bert/vocab.txt": "[UNK]\n[PAD]\n[CLS]\n[SEP]\n[MASK]\nada\n",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with good and bad files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (tmp_path / "latin.conll").write_bytes("Zoë\tB-PER\nleft\tO\n".encode("latin-1"))
    (tmp_path / "latin.yaml").write_bytes("task: ner # für\n".encode("latin-1"))
    return tmp_path


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def zoo(words: list[str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["zoo", *words]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as stopped,
    ):
        main()
    return int(stopped.value.code or 0), out.getvalue(), err.getvalue()


def check(code: int, out: str, err: str, fragments: list[str]) -> None:
    assert code == 2, err
    assert out == ""
    assert "Traceback" not in err
    lines = err.splitlines()
    assert [line for line in lines if line.startswith("zoo: ")] == lines[-1:]
    for fragment in fragments:
        assert fragment in lines[-1]


TRAIN = "run ner --model bert --train good.conll"
CASES = [
    # data
    ("run ner --model bert --train missing.conll", ["missing.conll", "no such file"]),
    ("run ner --model bert --train empty.conll", ["empty.conll"]),
    ("run ner --model bert --train blank.conll", ["blank.conll"]),
    ("run ner --model bert --train one.conll", ["one.conll:1", "no 'tags'"]),
    ("run ner --model bert --train ragged.conll", ["ragged.conll:3", "1 column here and 2 on line 1"]),
    ("run ner --model bert --train scheme.conll", ["scheme.conll:1", "PERSON"]),
    ("run ner --model bert --train latin.conll", ["latin.conll", "UTF-8"]),
    ("run ner --model bert --train outside.jsonl", ["outside.jsonl:1", "outside the text"]),
    ("run ner --model bert --train broken.jsonl", ["broken.jsonl:2"]),
    ("run ner --model bert --train only-o.conll", ["no entity"]),
    ("run ner --model bert --train full", ["full"]),
    ("run ner --model bert --train good.conll --test missing.conll", ["missing.conll"]),
    ("run ner --model bert --train good.conll --validation empty.conll", ["empty.conll"]),
    ("run ner --model bert --test good.conll", ["--train"]),
    ("run ner --model bert --data only-validation", ["train"]),
    ("run ner --model bert --data no-config", ["no-config"]),
    ("run ner --model bert --data nothing", ["no data set named 'nothing'"]),
    (f"{TRAIN} --columns tokens", ["role=column"]),
    ("export RUN --columns tokens=0", ["--columns names columns of the file of --data; give that, or leave"]),
    ("serve RUN --write-docker image --set num_beams=4", ["--set is for serving, and --write-docker writes files"]),
    ("serve RUN --write-docker image --max-body 9", ["--max-body is for serving", "docker run IMAGE --max-body ...)"]),
    (f"{TRAIN} --seeds 2 --min-processes 1", ["--seeds makes several runs in one process, and --min-processes is for"]),
    (f"{TRAIN} --columns tokns=0", ["tokns", "'tokens'"]),
    (f"{TRAIN} --columns tokens=7", ["good.conll", "7"]),
    (f"{TRAIN} --format conl", ["'conl'", "'conll'"]),
    # names
    ("run nre", ["'nre'", "'ner'"]),
    ("run", ["Which task?", "zoo tasks"]),
    ("run ner --model minilmm", ["'minilmm'", "'minilm'"]),
    ("run ner --model no-config --train good.conll", ["'no-config' holds no model", "config.json"]),
    ("run ner --model bad-config --train good.conll", ["config.json", "not JSON"]),
    ("run ner --model odd-config --train good.conll", ["odd-config", "cannot be loaded"]),
    ("run ner --model bert --train good.conll --precision fp32", ["bert' cannot be loaded"]),  # no such weights
    ("run ner --model no/such-model --train good.conll", ["no/such-model", "is not on this machine"]),
    ("rnu ner", ["rnu"]),
    # settings
    (f"{TRAIN} --set lerning_rate=1", ["'lerning_rate'", "'learning_rate'", "zoo info ner"]),
    (f"{TRAIN} --set haed=crf", ["'haed'", "'head'"]),
    (f"{TRAIN} --epoch 3", ["--epoch", "--epochs"]),
    (f"{TRAIN} --set learning_rate", ["name=value"]),
    (f"{TRAIN} --epochs many", ["--epochs", "valid number"]),
    (f"{TRAIN} --batch-size 1.5", ["--batch-size", "valid integer"]),
    (f"{TRAIN} --set batch_size=many", ["batch_size", "whole number"]),
    (f"{TRAIN} --set batch_size=true", ["batch_size", "whole number"]),
    (f"{TRAIN} --set learning_rate=fast", ["learning_rate='fast' is not a number"]),
    (f"{TRAIN} --set lora_dora=maybe", ["lora_dora", "true nor false"]),
    (f"{TRAIN} --batch-size 0", ["batch_size=0 must be at least 1"]),
    (f"{TRAIN} --epochs -1", ["epochs=-1.0 must be at least 0"]),
    (f"{TRAIN} --epochs 0", ["nothing to train"]),
    (f"{TRAIN} --epochs inf", ["epochs=inf is not a finite number"]),
    (f"{TRAIN} --learning-rate nan", ["learning_rate=nan"]),
    (f"{TRAIN} --seed -1", ["seed=-1"]),
    (f"{TRAIN} --seed 9999999999999999999999", ["seed="]),
    (f"{TRAIN} --processes 0", ["--processes"]),
    (f"{TRAIN} --set label_smoothing=1", ["label_smoothing=1.0 must be below 1"]),
    (f"{TRAIN} --set lora_dropout=2 --lora", ["lora_dropout=2.0 must be below 1"]),
    (f"{TRAIN} --set adam_beta1=1", ["adam_beta1=1.0 must be below 1"]),
    (f"{TRAIN} --set optimizer=adamx", ["'adamx' is not one of", "adamw"]),
    (f"{TRAIN} --set head=crx", ["'crx' is not one of", "crf"]),
    (f"{TRAIN} --precision fp61", ["'fp61' is not one of"]),
    (f"{TRAIN} --precision fp16", ["fp16 needs a CUDA device"]),
    (f"{TRAIN} --set lora=true", ["'lora'", "'lora_rank'"]),
    (f"{TRAIN} --lora --method full", ["--lora is short for --method lora"]),
    (f"{TRAIN} --method probe", ["'probe'", "linear-probe"]),
    (f"{TRAIN} --track nothing", ["'nothing'", "history"]),
    (f"{TRAIN} --set evaluate_modules=no-such-metric", ["no-such-metric", "--trust-remote-code"]),
    (f"{TRAIN} --set evaluate_modules=no-such-metric --trust-remote-code", ["no-such-metric", "cannot be loaded"]),
    # configuration files
    ("run --config missing.yaml", ["missing.yaml", "no such"]),
    ("run --config full", ["full", "no such"]),
    ("run --config not.yaml", ["not.yaml:2", "not YAML"]),
    ("run --config control.yaml", ["control.yaml", "not YAML"]),
    ("run --config latin.yaml", ["latin.yaml", "UTF-8"]),
    ("run --config list.yaml", ["list.yaml", "mapping"]),
    ("run --config key.yaml", ["'modle'", "'model'"]),
    ("run --config training-key.yaml", ["'lerning_rate'", "'learning_rate'"]),
    ("run --config data-key.yaml", ["'trian'", "'train'"]),
    ("run --config training-list.yaml", ["`training` must be a mapping"]),
    ("run --config options-list.yaml", ["`options` must be a mapping"]),
    ("run --config option.yaml", ["'haed'", "'head'"]),
    ("run --config columns.yaml --model bert", ["columns` must be a mapping"]),
    ("run --config number.yaml", ["`task` must be text"]),
    ("run --config train-number.yaml --model bert", ["train` must be text"]),
    # output
    (f"{TRAIN} --output full", ["'full' exists already"]),
    (f"{TRAIN} --output file", ["'file' exists already"]),
    (f"{TRAIN} --output file/below", ["'file' is a file"]),
]


@pytest.mark.parametrize(("line", "fragments"), CASES, ids=[line for line, _ in CASES])
def test_one_line_says_why_and_nothing_is_written(folder, line, fragments):
    before = listing(folder)
    words = line.split()
    if words[0] == "run" and "--output" not in words:
        words += ["--output", "out"]
    check(*zoo(words), fragments)
    assert listing(folder) == before


@pytest.mark.parametrize("line", ["run ner --model bert --train ragged.conll --output out", "run nre --output out"])
def test_the_same_from_a_shell(folder, line):
    command = [sys.executable, "-m", "taskzoo", *line.split()]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    check(result.returncode, result.stdout, result.stderr, [])
    assert len(result.stderr.splitlines()) == 1
    assert not (folder / "out").exists()
