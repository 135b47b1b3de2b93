"""Training strategies in whole runs: what they refuse, what a teacher teaches, and all of them together."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import taskzoo
from taskzoo.engine.progress import Silent
from taskzoo.engine.random_state import seeded
from taskzoo.errors import RequestError
from taskzoo.runs import loading
from taskzoo.runs.loading import load_session
from taskzoo.runs.plan import make_plan
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request
from taskzoo.runs.wording import opening, split_note
from taskzoo.testing import make_tiny_checkpoint
from taskzoo.types import Encoded, Feature

from .kit import COUNTS, read, read_lines, text_rows, write_csv, zoo
from .test_interruption import content, launch, signal_at

SHORT = {
    "method": "full",
    "epochs": 2,
    "batch_size": 16,
    "precision": "fp32",
    "learning_rate": 0.003,
    "baseline": False,
}


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    for seed, (split, count) in enumerate({"train": 72, "validation": 20, "test": 48}.items(), 1):
        write_csv(folder / f"{split}.csv", text_rows(count, seed))
    return folder


@pytest.fixture(scope="module")
def teacher(bert, table, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("teacher") / "run"
    taskzoo.finetune("classification", model=bert, data=str(table), output=path, **{**SHORT, "epochs": 6})
    return path


@pytest.fixture(scope="module")
def another(tmp_path_factory) -> Path:
    """A model of another family with another tokenizer."""
    texts = [row["text"] for row in text_rows(200, 9)]
    return make_tiny_checkpoint(tmp_path_factory.mktemp("student") / "m", "roberta", texts, vocabulary=300)


def planned(model, data, task="classification", **settings):
    request = RunRequest(task, str(model), DataRequest(name=str(data)), {**SHORT, **settings})
    return make_plan(resolve_request(request))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "linear-probe", "ema_decay": 0.9}, "method=linear-probe has no use for .*ema_decay"),
        ({"method": "linear-probe", "teacher": "x"}, "method=linear-probe has no use for .*teacher"),
        ({"method": "contrastive", "rdrop_alpha": 1.0}, "method=contrastive has no use for .*rdrop_alpha"),
        ({"method": "contrastive", "gradual_unfreezing": 0.5}, "method=contrastive has no use for .*gradual_unfreez"),
        ({"optimizer": "schedule-free-adamw", "ema_decay": 0.9}, "averages the weights itself"),
        ({"lora_quantize": "nf4"}, "lora_quantize=nf4 is for adapters over frozen weights"),
        ({"lora_quantize": "nf4", "method": "lora", "lora_dora": True}, "exclude each other"),
        (
            {"distill_share": 0.3},
            r"distill_share=0.3 says how a teacher is learnt from, and there is none; name one \(",
        ),
        ({"distill_temperature": 3.0}, "distill_temperature=3.0 says how a teacher is learnt from"),
        ({"method": "linear-probe", "distill_share": 0.3}, "method=linear-probe has no use for distill_share=0.3"),
        ({"teacher": "nowhere"}, r"nowhere.* is not a finished run: there is nothing"),
        ({"teacher": "."}, r"is not a finished run: it has no model/task.json"),
        ({"gradual_unfreezing": 1.5}, "gradual_unfreezing=1.5 must be at most 1"),
        ({"layer_decay": 0}, "layer_decay=0.* must be"),
    ],
)
def test_what_cannot_work_is_refused_before_a_model_is_loaded(table, settings, message):
    with pytest.raises(RequestError, match=message):
        planned("scratch:bert-tiny", table, **settings)


def test_what_a_configuration_says_of_a_teacher_without_one_passes(table):
    assert planned("scratch:bert-tiny", table, distill_share=0.5, distill_temperature=2.0, teacher="").splits


def test_qlora_needs_its_package(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(RequestError, match=r"lora_quantize=nf4 \(QLoRA\) needs the package bitsandbytes, .*\[qlora\]"):
        planned("scratch:bert-tiny", table, method="lora", lora_quantize="nf4")


def qlora(table: Path, **more: object) -> list[object]:
    """The command without ``--output``; it evaluates between steps of training."""
    values = {**SHORT, "method": "lora", "lora_quantize": "nf4", "evaluate_every": 3, "baseline": "false", **more}
    settings = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    return ["run", "classification", "--model", "scratch:bert-tiny", "--data", table, *settings]


@pytest.mark.cuda
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_qlora_saves_the_function_that_it_trained(table, tmp_path, precision):
    pytest.importorskip("bitsandbytes")
    run = tmp_path / "run"
    done = zoo(*qlora(table, precision=precision), "--output", run)
    assert done.code == 0, done.err
    losses = [line["validation_loss"] for line in read_lines(run / "history.jsonl") if "validation_loss" in line]
    merged = read(run / "metrics.json")["validation"]["loss"]
    assert min(abs(merged - loss) for loss in losses) < (1e-4 if precision == "fp32" else 1e-3)

    predicted = zoo("predict", run, "--input", table / "test.csv", "--precision", precision)
    assert predicted.code == 0, predicted.err
    expected = [{**line, "reference": None} for line in read_lines(run / "predictions.jsonl")]
    assert [{**json.loads(line), "reference": None} for line in predicted.out.splitlines()] == expected


def test_qlora_resumed_ends_as_an_uninterrupted_run(table, tmp_path):
    pytest.importorskip("bitsandbytes")
    command = qlora(table, epochs=12, log_every=1)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert zoo(*command, "--output", whole).code == 0
    assert signal_at(launch(command, parts, tmp_path / "errors"), parts, 8, signal.SIGINT) == 130
    resumed = zoo("resume", parts)
    assert resumed.code == 0, resumed.err
    assert content(parts) == content(whole)


def test_of_a_crf_or_a_generator_there_are_no_targets_to_compare(data):
    with pytest.raises(RequestError, match=r"rdrop_alpha=1 compares .* \(a CRF has not\)"):
        planned("scratch:bert-tiny", data, "ner", rdrop_alpha=1.0, head="crf")
    with pytest.raises(RequestError, match=r"teacher.* needs a task that predicts labels .* TranslationTask"):
        planned("scratch:t5-tiny", "demo", "translation", teacher="x")


def test_a_teacher_must_have_the_same_task_and_labels(table, teacher, data, finished, tmp_path):
    with pytest.raises(RequestError, match=r"is a run of the task 'taskzoo/ner', and this one is of 'taskzoo/class"):
        planned("scratch:bert-tiny", table, teacher=str(finished))
    rows = [row for row in text_rows(60, 1) if row["label"] != "rain"]
    write_csv(tmp_path / "train.csv", [{**r, "label": "more"} if "soup" in r["text"] else r for r in rows])
    with pytest.raises(RequestError, match=r"lacks 'more' and also has 'rain', which no training row here has"):
        planned("scratch:bert-tiny", tmp_path, teacher=str(teacher))


PAIRS = [("train", "test"), ("train", "validation"), ("validation", "test")]


@pytest.fixture(scope="module")
def of_one_file(bert, tmp_path_factory) -> Path:
    """A teacher whose validation and test rows were split off by seed 1; its file is ``rows.csv`` beside it."""
    folder = tmp_path_factory.mktemp("one-file")
    write_csv(folder / "rows.csv", text_rows(90, 1))
    values = {**SHORT, "method": "linear-probe", "seed": 1}
    taskzoo.finetune("classification", model=bert, train=str(folder / "rows.csv"), output=folder / "run", **values)
    return folder / "run"


def student(train: Path, teacher: Path | str, **more):
    data = DataRequest(train=str(train), **{name: more.pop(name) for name in ("validation", "test") if name in more})
    values = {**SHORT, "teacher": str(teacher), **more}
    return make_plan(resolve_request(RunRequest("classification", "scratch:bert-tiny", data, values)))


def texts_of(plan) -> dict[str, set[str]]:
    return {split: {example["text"] for example in rows} for split, rows in plan.splits.examples.items()}


def test_rows_held_out_that_the_teacher_learnt_are_counted_and_said(of_one_file):
    rows = of_one_file.parent / "rows.csv"
    plan, theirs = student(rows, of_one_file, seed=2), texts_of(student(rows, "", seed=1))
    expected = {f"teacher_{a}_{b}": len(theirs[a] & texts_of(plan)[b]) for a, b in PAIRS}
    assert {name: plan.splits.overlap[name]["count"] for name in expected} == expected
    count = expected["teacher_train_test"]
    assert count > 1
    said = f"warning   {count} test rows have an input that the teacher was trained on; the test score may be too good"
    assert any(line.startswith(said) for line in opening(plan))
    same = student(rows, of_one_file, seed=1).splits
    assert not [name for name in {**same.overlap, **same.made} if "teacher" in name]


def test_what_a_teacher_learnt_before_or_cannot_show_is_said_too(of_one_file, tmp_path):
    rows = text_rows(90, 1)
    later = tmp_path / "later"
    new = write_csv(tmp_path / "new.csv", text_rows(60, 7))
    given = {"from_run": of_one_file, "train": str(new), "validation": "none", "test": "none", "output": later}
    taskzoo.finetune("classification", **given, **{**SHORT, "method": "linear-probe"})
    train, test = write_csv(tmp_path / "train.csv", text_rows(60, 8)), write_csv(tmp_path / "test.csv", rows)
    plan = student(train, later, validation="none", test=str(test))
    first = texts_of(student(of_one_file.parent / "rows.csv", "", seed=1))
    assert plan.splits.overlap["teacher_train_test"]["count"] == len(first["train"])
    assert "teacher_rows_not_read" not in plan.splits.made

    write_csv(new, text_rows(60, 9))
    splits = student(train, later, validation="none", test=str(test)).splits
    assert "train data" in splits.made["teacher_rows_not_read"]
    assert "changed since it was made" in splits.made["teacher_rows_not_read"]
    assert "not all rows that the teacher has learnt can be read again, so test rows may be among them" in split_note(
        splits.made
    )
    assert splits.overlap["teacher_train_test"]["count"] == len(first["train"])
    (later / "config.yaml").unlink()
    assert "no such configuration file" in student(train, later, test=str(test)).splits.made["teacher_rows_not_read"]


def test_a_teacher_is_refused_for_folds(of_one_file, tmp_path):
    rows, to = of_one_file.parent / "rows.csv", tmp_path / "run"
    asked = ("run", "classification", "--model", "scratch:bert-tiny", "--train", rows, "--folds", 2, "--output", to)
    refused = zoo(*asked, "--set", f"teacher={of_one_file}")
    assert refused.code == 2
    assert "is one model for all folds" in refused.err
    assert "--folds tests on rows that are new; leave one of the two out" in refused.err
    assert not to.exists()


def loaded(plan, folder):
    with seeded(1):
        return load_session(plan, Silent(), folder).session


def test_logits_of_the_teacher_are_its_own_in_the_order_of_the_student(table, teacher, another, tmp_path):
    plan = planned(another, table, teacher=str(teacher))
    plan.task.text_head.labels.reverse()  # as if the student had them in another order
    plan.task.text_head._ids = {name: i for i, name in enumerate(plan.task.text_head.labels)}
    session = loaded(plan, tmp_path)
    run = taskzoo.load(teacher)
    expected = run.predict([example["text"] for example in session.examples["train"]])
    features = session.encoded["train"].features
    assert len(session.teacher) == len(features)
    for feature, logits in zip(features, session.teacher, strict=True):
        assert logits.shape == (1, 3)
        p = torch.tensor(logits[0] / run.task.text_head.temperature).softmax(0).tolist()
        assert dict(zip(plan.task.text_head.labels, p, strict=True)) == pytest.approx(
            expected[feature.row]["scores"], abs=1e-3
        )


def test_the_teacher_of_tokens_gives_each_window_its_words(finished, data, tmp_path, request_):
    """The student has short windows, which the teacher has not."""
    plan = planned(request_[3], data, "ner", teacher=str(finished), max_length=7, overlap=1)
    session = loaded(plan, tmp_path)
    features = session.encoded["train"].features
    assert len(features) > COUNTS["train"]
    words = [sum(tag >= 0 for tag in f["tags"][slice(*f["own"])]) for f in features]
    assert [len(logits) for logits in session.teacher] == words
    run, of_row = taskzoo.load(finished), {}
    for feature, logits in zip(features, session.teacher, strict=True):
        of_row.setdefault(feature.row, []).append(logits)
    row = next(row for row, parts in of_row.items() if len(parts) > 1)
    example = session.examples["train"][row]
    batch = run.predictor.collate(run.task.encode([example], run.processor).features)
    with torch.no_grad():
        direct = run.model(**{name: torch.as_tensor(value) for name, value in batch.inputs.items()}).logits
    expected = direct[torch.as_tensor(batch.targets["labels"]) >= 0].numpy()
    np.testing.assert_allclose(np.concatenate(of_row[row]), expected, atol=1e-4)


def test_a_student_learns_what_its_teacher_says(table, teacher, another, tmp_path):
    """All labels of its rows are wrong, and only the teacher counts."""
    names = sorted({"animals", "food", "rain"})
    with (table / "train.csv").open(encoding="utf-8") as file:
        rows = [{**r, "label": names[(names.index(r["label"]) + 1) % 3]} for r in csv.DictReader(file)]
    write_csv(tmp_path / "train.csv", rows)
    values = {**SHORT, "epochs": 12, "teacher": str(teacher), "distill_share": 1.0, "learning_rate": 0.005}
    run = taskzoo.finetune(
        "classification", model=another, data=str(tmp_path), output=tmp_path / "run", validation="none", **values
    )
    texts = [row["text"] for row in text_rows(60, 7)]
    ours, theirs = ([p["label"] for p in one.predict(texts)] for one in (run, taskzoo.load(teacher)))
    assert np.mean([a == b for a, b in zip(ours, theirs, strict=True)]) > 0.8
    assert json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))["status"] == "finished"


TOGETHER = {
    "layer_decay": 0.8,
    "gradual_unfreezing": 0.5,
    "ema_decay": 0.9,
    "rdrop_alpha": 0.5,
    "adversarial_epsilon": 0.5,
    "neftune_alpha": 1.0,
    "micro_batch_size": 8,
    "gradient_checkpointing": True,
}


@pytest.mark.parametrize("values", [{"method": "auto"}, {"method": "lora", "optimizer": "muon"}])
def test_all_together_with_soft_labels(table, bert, tmp_path, values):
    """They end, learn something, and lead to the same weights again."""
    names, rows, made = ["animals", "food", "rain"], {}, []
    for split in ("train", "validation"):
        with (table / f"{split}.csv").open(encoding="utf-8") as file:
            rows[split] = [
                {"text": r["text"], "label": {name: 0.8 if name == r["label"] else 0.1 for name in names}}
                for r in csv.DictReader(file)
            ]
    for name in "ab" if values["method"] == "lora" else "a":
        settings = {**SHORT, **TOGETHER, **values, "max_steps": 3}
        run = taskzoo.finetune("classification", model=bert, **rows, test=[], output=tmp_path / name, **settings)
        made.append({n: w.clone() for n, w in run.model.state_dict().items()})
    assert all(torch.equal(made[0][name], made[-1][name]) for name in made[0])
    assert run.metrics["validation"]["accuracy"] > 0.5


@pytest.mark.slow
def test_two_processes_are_one(table, teacher, tmp_path):
    """Without dropout, with a step whose examples do not divide."""
    texts = [row["text"] for row in text_rows(200, 9)]
    still = make_tiny_checkpoint(tmp_path / "m", "bert", texts, vocabulary=200, dropout=0.0)
    values = {**TOGETHER, "teacher": teacher, "micro_batch_size": 3, "gradient_checkpointing": "false"}
    values |= {"neftune_alpha": 0.0, "max_steps": 6, "probe_first": "false", "optimizer": "schedule-free-adamw"}
    values |= {"ema_decay": 0.0, "batch_size": 7}
    found = []
    for processes in (1, 2):
        words = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
        words += ["--method", "full", "--precision", "fp32", "--learning-rate", "0.003", "--processes", str(processes)]
        path = tmp_path / str(processes)
        command = [sys.executable, "-m", "taskzoo", "run", "classification", "--model", still, "--data", table]
        done = subprocess.run([*command, "--output", path, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found.append(load_file(path / "model" / "model.safetensors"))
    for name, weight in found[0].items():
        torch.testing.assert_close(found[1][name], weight, rtol=1e-3, atol=2e-4)  # Adam makes steps of roundings


@pytest.mark.slow
@pytest.mark.parametrize("family", ["t5", "marian", "gpt2"])
@pytest.mark.parametrize("more", [{}, {"method": "lora", "optimizer": "muon"}])
def test_generators_are_trained_with_them(tmp_path, family, more):
    texts = ["the cat sat on the mat .", "a dog ran over the road .", "el gato se sienta en la alfombra ."] * 4
    model = make_tiny_checkpoint(tmp_path / "m", family, texts, vocabulary=200, dropout=0.1)
    rows = [{"source": f"the cat sat {i} .", "target": f"el gato {i} ."} for i in range(24)]
    settings = {**SHORT, **TOGETHER, "max_steps": 3, "source_lang": "en", "target_lang": "es", **more}
    given = {"train": rows, "validation": rows[:4], "test": []}
    run = taskzoo.finetune("translation", model=model, **given, output=tmp_path / "run", **settings)
    assert np.isfinite(run.metrics["validation"]["loss"])


def test_rows_that_are_packed_are_not_distilled():
    """Their features are others than those that the teacher predicts, perhaps in another order."""
    rows = [Feature(0, 2, {}), Feature(1, 3, {})]
    packed: Any = SimpleNamespace(training_features=rows[::-1], encoded={"train": Encoded(rows)})
    with pytest.raises(RequestError, match="several rows are packed into one; turn the packing off"):
        loading._taught(None, packed)
