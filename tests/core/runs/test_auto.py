"""``method=auto``: the linear probe, training from it, a second attempt, and what was kept; whole runs."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression

import taskzoo
from taskzoo.config import read_config
from taskzoo.engine import bookkeeping, evaluation, job, memory, pace, probe, ridge, trainer
from taskzoo.engine.last_layer import last_linear
from taskzoo.engine.progress import Silent
from taskzoo.errors import Interrupted, NotFiniteError, TrainingError
from taskzoo.heads import single_label
from taskzoo.methods import auto
from taskzoo.runs import execute
from taskzoo.runs.directory import RunDirectory
from taskzoo.runs.execute import start
from taskzoo.runs.finetune import resume
from taskzoo.runs.plan import make_plan
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request
from taskzoo.testing import make_tiny_checkpoint

from .kit import read, read_lines, text_rows, write_csv

SHORT = {"epochs": 2, "batch_size": 16, "precision": "fp32", "baseline": False, "pooling": "mean"}
GENTLE, WILD = 1e-4, 5.0
NER = {"max_steps": 3, "batch_size": 8, "precision": "fp32"}


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    for seed, (split, count) in enumerate({"train": 72, "validation": 45, "test": 12}.items(), 1):
        write_csv(folder / f"{split}.csv", text_rows(count, seed))
    return folder


@pytest.fixture(scope="module")
def sentences(tmp_path_factory) -> Path:
    """Names of animals and food are entities; a word of them is always the same."""
    folder = tmp_path_factory.mktemp("sentences")
    for seed, (split, count) in enumerate({"train": 60, "validation": 20, "test": 5}.items(), 1):
        kinds = dict.fromkeys(["cat", "dog", "cow", "hen"], "B-animal") | dict.fromkeys(
            ["soup", "rice", "bread", "fish"], "B-food"
        )
        lines = [
            [f"{word} {kinds.get(word, 'O')}" for word in row["text"].split()[:-1]] for row in text_rows(count, seed)
        ]
        text = "\n\n".join("\n".join(line) for line in lines) + "\n"
        (folder / f"{split}.conll").write_text(text, encoding="utf-8")
    return folder


def fit(bert: Path, data: Any, output: Path, task: str = "classification", **settings: Any) -> Any:
    said: list[str] = []
    settings = {**(SHORT if task == "classification" else NER), **settings}
    run = taskzoo.finetune(task, model=str(bert), data=str(data), output=output, reporter=said.append, **settings)
    return run, said


def model_of(run: Any) -> dict[str, torch.Tensor]:
    return load_file(run.path / "model" / "model.safetensors")


def validation_lines(run: Any) -> list[dict[str, Any]]:
    return [line for line in read_lines(run.path / "history.jsonl") if "validation_loss" in line]


def test_it_is_the_default_and_starts_from_the_linear_probe(bert, table, tmp_path):
    run, said = fit(bert, table, tmp_path / "auto", learning_rate=GENTLE)
    alone, _ = fit(bert, table, tmp_path / "probe", method="linear-probe")
    assert read_config(run.path / "config.yaml")["training"]["method"] == "auto"
    lines = validation_lines(run)
    assert [line["step"] for line in lines][:2] == [0, 5]
    assert lines[0]["validation_f1_macro"] == pytest.approx(alone.metrics["validation"]["f1_macro"])
    assert any(line.startswith("step 0/10  linear probe  validation f1_macro") for line in said)
    facts = run.manifest["auto"]
    assert facts["probe"] == lines[0]["validation_f1_macro"]
    assert facts["score"] == "f1_macro"


@pytest.mark.parametrize("rate", [1e-5, GENTLE, 1e-3, WILD])
def test_by_validation_a_run_is_never_worse_than_its_probe(bert, table, tmp_path, rate):
    run, _ = fit(bert, table, tmp_path / "run", learning_rate=rate)
    facts = run.manifest["auto"]
    assert run.metrics["validation"]["f1_macro"] >= facts["probe"] - 1e-9
    if facts["trained"] != facts["probe"]:  # otherwise the one with the lower loss
        assert facts["kept"] == ("trained" if facts["trained"] > facts["probe"] else "probe")
    assert run.metrics["validation"]["f1_macro"] == pytest.approx(max(facts["trained"], facts["probe"]))
    assert (run.manifest["best_step"] > 0) is (facts["kept"] == "trained")


def rows_of(kind: str, split: str) -> list[dict[str, Any]]:
    """Rows whose label is several labels or a number, or which are pairs of texts."""
    rows = text_rows({"train": 72, "validation": 45}[split], {"train": 1, "validation": 2}[split])
    if kind == "several":
        return [{"text": row["text"], "label": [row["label"], f"{row['label']}s"]} for row in rows]
    if kind == "number":
        return [{"text": row["text"], "label": len(row["text"]) / 10} for row in rows]
    return [{"text": row["text"], "text_pair": "of what is it", "label": row["label"]} for row in rows]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("kind", ["one", "several", "number", "pair", "tags"])
def test_the_probes_scores_are_those_of_an_evaluation_to_the_last_bit(
    bert, table, sentences, tmp_path, monkeypatch, kind, precision
):
    """They take its place: the model need not see the validation rows again."""
    found = []
    evaluate = bookkeeping.Bookkeeping._evaluate

    def compared(self, given):
        if not self.progress.step:
            found.append((given(self._job.model), self._job.evaluate(self._job.model)))
        evaluate(self, given)

    monkeypatch.setattr(bookkeeping.Bookkeeping, "_evaluate", compared)
    if kind == "tags":
        _, said = fit(bert, sentences, tmp_path / "run", task="ner", precision=precision)
    elif kind == "one":
        _, said = fit(bert, table, tmp_path / "run", precision=precision)
    else:
        task = "sentiment" if kind == "number" else "classification"
        given = {split: rows_of(kind, split) for split in ("train", "validation")}
        given |= {"test": given["validation"][:5], "output": tmp_path / "run", "model": str(bert)}
        said: list[str] = []
        taskzoo.finetune(task, reporter=said.append, **(SHORT | given | {"precision": precision}))
    (known, evaluated), *again = found
    assert known == evaluated
    assert "loss" in known
    assert len(again) == sum("starting again" in line for line in said)


def test_the_validation_rows_are_seen_once_before_training(bert, table, tmp_path, monkeypatch):
    asked = []
    decode_split = evaluation.decode_split

    def counted(session, model, split, title, **more):
        asked.append(title)
        return decode_split(session, model, split, title, **more)

    for module in (job, evaluation):
        monkeypatch.setattr(module, "decode_split", counted)
    fit(bert, table, tmp_path / "run", learning_rate=GENTLE)
    assert asked == ["validating", "validating", "validation", "test"]  # after two epochs, and at the end
    asked.clear()
    fit(bert, table, tmp_path / "timed", learning_rate=GENTLE, time_limit=5.0)
    assert asked == ["validating", "validating", "validating", "validation", "test"]  # the first one is timed


@pytest.mark.parametrize(
    ("kind", "task", "metric", "settings"),
    [
        ("several", "classification", "average_precision_macro", {}),
        ("number", "sentiment", "loss", {}),
        ("pair", "classification", "f1_macro", {}),
        ("pair", "classification", "f1_macro", {"gradient_checkpointing": True}),
        ("number", "sentiment", "loss", {"freeze": "1", "long_texts": "windows", "max_length": 10}),
    ],
)
def test_labels_and_texts_of_every_kind(bert, tmp_path, kind, task, metric, settings):
    run = taskzoo.finetune(
        task,
        model=str(bert),
        train=rows_of(kind, "train"),
        validation=rows_of(kind, "validation"),
        test=rows_of(kind, "validation")[:5],
        output=tmp_path / "run",
        learning_rate=GENTLE,
        **SHORT,
        **settings,
    )
    facts = run.manifest["auto"]
    lines = validation_lines(run)
    assert lines[0]["step"] == 0
    assert facts["score"] == metric
    assert facts["probe"] == lines[0][f"validation_{metric}"]
    found = run.metrics["validation"][metric]
    assert found == pytest.approx(facts[facts["kept"]], abs=1e-4)
    assert found <= facts["probe"] if metric == "loss" else found >= facts["probe"]


def test_a_decoder_starts_from_a_probe_too(table, tmp_path):
    texts = [row["text"] for row in text_rows(200, 9)]
    model = make_tiny_checkpoint(tmp_path / "gpt2", "gpt2", texts)
    settings = {key: value for key, value in SHORT.items() if key != "pooling"}
    run = taskzoo.finetune("classification", model=str(model), data=str(table), output=tmp_path / "run", **settings)
    assert run.manifest["auto"]["probe"] == validation_lines(run)[0]["validation_f1_macro"]
    assert run.metrics["validation"]["f1_macro"] >= run.manifest["auto"]["probe"] - 1e-9


@pytest.mark.slow
def test_two_processes_train_without_a_probe(bert, table, tmp_path):
    words = ["run", "classification", "--model", bert, "--data", table, "--output", tmp_path / "run"]
    words += ["--processes", 2, "--epochs", 1, "--precision", "fp32", "--no-baseline"]
    command = [sys.executable, "-m", "taskzoo", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    manifest = read(tmp_path / "run" / "manifest.json")
    assert (manifest["status"], "auto" in manifest) == ("finished", False)


def test_a_collapse_ends_with_a_second_attempt_and_the_probe(bert, table, tmp_path):
    run, said = fit(bert, table, tmp_path / "run", learning_rate=WILD)
    alone, _ = fit(bert, table, tmp_path / "probe", method="linear-probe")
    assert run.manifest["auto"]["kept"] == "probe"
    assert run.manifest["auto"]["restarted"] is True
    assert (run.manifest["steps"], run.manifest["best_step"]) == (20, 0)
    assert [line["step"] for line in validation_lines(run)] == [0, 5, 10, 10, 15, 20]
    assert any(line.endswith("starting again from the probe at a learning rate of 1.25.") for line in said)
    found, expected = model_of(run), model_of(alone)
    assert all(torch.allclose(found[name], expected[name], atol=1e-6) for name in expected)
    card = (run.path / "README.md").read_text(encoding="utf-8")
    assert "in two attempts, the second at a learning rate of 1.25. The linear probe was kept." in card


def test_a_loss_that_is_not_finite_is_a_collapse_too(bert, table, tmp_path):
    run, said = fit(bert, table, tmp_path / "run", learning_rate=1e30)
    facts = run.manifest["auto"]
    assert (facts["trained"], facts["kept"], facts["restarted"]) == (None, "probe", True)
    assert sum(line.startswith("warning   The loss or its gradient is not finite") for line in said) == 2


def test_weights_of_before_the_loss_was_not_finite_are_kept_and_that_is_said(bert, table, tmp_path, monkeypatch):
    real = trainer.train

    def breaks_off(session: Any, job: Any, state: Any) -> Any:
        real(session, job, state)
        raise NotFiniteError("The loss is not finite.")

    monkeypatch.setattr(trainer, "train", breaks_off)
    run, said = fit(bert, table, tmp_path / "run", learning_rate=GENTLE)
    assert run.manifest["auto"]["kept"] == "trained"
    steps, best = run.manifest["steps"], run.manifest["best_step"]
    expected = f"Training broke off after step {steps}, where the loss was not finite; the weights of step {best} are"
    assert any(line.startswith(expected) for line in run.metrics["verdict"])
    assert "warning   The loss is not finite." in said


def test_the_second_attempt_has_a_quarter_of_the_rate_and_the_better_is_kept(bert, table, tmp_path, monkeypatch):
    monkeypatch.setattr(auto, "SLOWER", 1e-4 / WILD)
    run, _ = fit(bert, table, tmp_path / "run", learning_rate=WILD, epochs=4)
    rates = [line["learning_rate"] for line in read_lines(run.path / "history.jsonl") if "learning_rate" in line]
    assert max(rates[:2]) > 0.1
    assert max(rates[2:]) < 1e-4
    assert run.manifest["auto"]["restarted"]
    if run.manifest["auto"]["kept"] == "trained":
        assert run.manifest["best_step"] > 20


def fit_in_two_parts(bert: Path, table: Path, path: Path, *, after: int, **settings: Any) -> Any:
    """The run that was stopped about step ``after`` and resumed; its history has a line per step (``log_every=1``)."""

    def stop() -> bool:
        lines = read_lines(path / "history.jsonl") if (path / "history.jsonl").exists() else []
        return sum("loss" in line for line in lines) >= after - 1

    request = RunRequest("classification", str(bert), DataRequest(str(table)), {**SHORT, **settings})
    with pytest.raises(Interrupted, match="the state is saved"):
        start(make_plan(resolve_request(request)), path, stop=stop)
    return resume(path)


def test_a_time_limit_counts_anew_and_that_is_said(bert, table, tmp_path):
    request = RunRequest("classification", str(bert), DataRequest(str(table)), {**SHORT, "time_limit": 60.0})
    with pytest.raises(Interrupted):
        start(make_plan(resolve_request(request)), tmp_path / "run", stop=lambda: True)
    said: list[str] = []
    resume(tmp_path / "run", reporter=said.append)
    assert "The time limit of 60 minutes counts anew from here." in said


TWO_ATTEMPTS = {"learning_rate": WILD, "keep_checkpoints": True, "log_every": 1}


@pytest.fixture(scope="module")
def whole(bert, table, tmp_path_factory) -> Any:
    """A run of two attempts that nothing interrupted."""
    return fit(bert, table, tmp_path_factory.mktemp("whole") / "run", **TWO_ATTEMPTS)[0]


@pytest.mark.parametrize("after", [3, 7, 13, 17])
def test_a_resumed_run_ends_as_an_uninterrupted_one(bert, table, whole, tmp_path, after):
    """Steps 1 to 10 are the first attempt, 11 to 20 the second."""
    run = fit_in_two_parts(bert, table, tmp_path / "parts", after=after, **TWO_ATTEMPTS)
    assert run.manifest["auto"] == whole.manifest["auto"]
    assert (run.manifest["steps"], run.manifest["tokens"]) == (whole.manifest["steps"], whole.manifest["tokens"])
    ours, theirs = model_of(run), model_of(whole)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    told, expected = (
        [{k: v for k, v in line.items() if k != "tokens_per_second"} for line in read_lines(folder / "history.jsonl")]
        for folder in (run.path, whole.path)
    )
    assert told == expected


def uneven_table(folder: Path) -> Path:
    """Of one label few rows remain."""
    folder.mkdir()
    for seed, (split, count) in enumerate({"train": 90, "validation": 120, "test": 12}.items(), 1):
        rows = text_rows(count, seed)
        rare = [row for row in rows if row["label"] == "animals"][: count // 15]
        write_csv(folder / f"{split}.csv", [row for row in rows if row["label"] != "animals"] + rare)
    return folder


def head_of(run: Any) -> dict[str, Any]:
    return run.task.state()["head"]["state"]


def test_class_weights_are_those_of_the_best_probe(bert, tmp_path):
    table = uneven_table(tmp_path / "table")
    run, said = fit(bert, table, tmp_path / "auto", learning_rate=GENTLE)
    weightings = ("none", "sqrt", "balanced")
    alone = {
        name: fit(bert, table, tmp_path / name, method="linear-probe", class_weights=name)[0] for name in weightings
    }
    scores = {name: one.metrics["validation"]["f1_macro"] for name, one in alone.items()}
    (fitted,) = [line["probe"] for line in read_lines(run.path / "history.jsonl") if "probe" in line]
    assert fitted["class_weights_scores"] == pytest.approx(scores)
    best = max(weightings, key=lambda name: scores[name])
    assert fitted["class_weights"] == best != "none"
    assert head_of(run)["class_weights"] == head_of(alone[best])["class_weights"]
    assert validation_lines(run)[0]["validation_f1_macro"] == pytest.approx(scores[best])
    assert any(line.startswith(f"class weights {best}: the best validation f1_macro") for line in said)


def test_validation_rows_of_one_class_do_not_choose_class_weights(bert, tmp_path):
    """They are all right where the other class is never found."""
    table = uneven_table(tmp_path / "table")
    rows = [row for row in text_rows(40, 2) if row["label"] == "food"]
    write_csv(table / "validation.csv", rows)
    run, said = fit(bert, table, tmp_path / "run", learning_rate=GENTLE)
    alone, _ = fit(bert, table, tmp_path / "alone", method="linear-probe", class_weights="sqrt")
    assert head_of(run)["class_weights"] == head_of(alone)["class_weights"] is not None
    assert any(line.startswith("class weights sqrt: the validation rows have one class only") for line in said)
    assert not any("of the linear probe (" in line for line in said)


def test_a_resumed_run_keeps_the_class_weights_that_were_chosen(bert, tmp_path, monkeypatch):
    monkeypatch.setattr(single_label, "WEIGHTINGS", ("sqrt", "balanced"))  # no weights cannot be chosen
    table = uneven_table(tmp_path / "table")
    whole, _ = fit(bert, table, tmp_path / "whole", **TWO_ATTEMPTS)
    assert head_of(whole)["class_weights"] is not None
    for after in (3, 13):
        run = fit_in_two_parts(bert, table, tmp_path / f"parts-{after}", after=after, **TWO_ATTEMPTS)
        assert head_of(run) == head_of(whole)
        ours, theirs = model_of(run), model_of(whole)
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_without_validation_rows_few_rows_per_class_are_left_to_the_probe(bert, table, tmp_path, monkeypatch):
    alone = {"train": str(table / "train.csv"), "validation": "none", "test": str(table / "test.csv")}
    said: list[str] = []
    more = {**alone, "ema_decay": 0.9, "rdrop_alpha": 1, "reporter": said.append}
    run = taskzoo.finetune("classification", model=str(bert), output=tmp_path / "few", **more, **SHORT)
    assert run.manifest["auto"] == {"kept": "probe", "restarted": False}
    assert [line for line in said if "the linear probe is the result" in line] == [
        "No validation rows, and at most 64 training rows per class: the linear probe is the result, so "
        "rdrop_alpha=1.0 and ema_decay=0.9 have no effect."
    ]
    assert run.manifest["steps"] == 1
    card = (run.path / "README.md").read_text(encoding="utf-8")
    assert "Only a linear probe was fitted: the rest of the model is as it was pretrained." in card
    assert "best at step" not in card
    before, after = load_file(bert / "model.safetensors"), model_of(run)
    backbone = {name.removeprefix("backbone."): t for name, t in after.items() if name.startswith("backbone.")}
    assert backbone
    assert all(torch.equal(before[name], tensor) for name, tensor in backbone.items() if name in before)
    monkeypatch.setattr(auto, "FEW", 10)
    run = taskzoo.finetune("classification", model=str(bert), output=tmp_path / "many", **alone, **SHORT)
    assert run.manifest["auto"] == {"kept": "trained", "restarted": False}
    assert run.manifest["steps"] == 10


def test_validation_rows_that_tell_nothing_leave_the_choice_to_the_loss(bert, tmp_path):
    """None has a label, so no score of labels is defined, or each is 0; training must not be thrown away for it."""
    given = {"train": rows_of("several", "train"), "test": rows_of("several", "validation")[:12]}
    given["validation"] = [{"text": row["text"], "label": []} for row in rows_of("several", "validation")]
    said: list[str] = []
    run = taskzoo.finetune(
        "classification", model=str(bert), output=tmp_path / "run", reporter=said.append, **given, **SHORT
    )
    lines = validation_lines(run)
    least = min(lines, key=lambda line: line["validation_loss"])
    assert run.manifest["best_step"] == least["step"]
    kept = "trained weights" if least["step"] else "linear probe"
    (sentence,) = [one for one in run.metrics["verdict"] if "that says anything" in one]
    assert f"so their loss chose the {kept}" in sentence


def test_only_a_loss_that_is_not_finite_is_a_collapse(bert, table, tmp_path, monkeypatch):
    """What else stops a training, such as a compiler that fails, does not make a finished run of the probe."""

    def fail(self, *_: object) -> None:
        raise TrainingError("compile=true: torch.compile failed")

    monkeypatch.setattr(bookkeeping.Bookkeeping, "note", fail)
    with pytest.raises(TrainingError, match=r"torch\.compile failed"):
        fit(bert, table, tmp_path / "run")
    assert read(tmp_path / "run" / "manifest.json")["status"] == "failed"


def test_without_a_probe_it_is_full_training(bert, sentences, tmp_path):
    for name, settings in {"crf": {"head": "crf"}, "off": {"probe_first": False}}.items():
        runs = [
            fit(bert, sentences, tmp_path / f"{name}-{method}", "ner", method=method, **settings)[0]
            for method in ("auto", "full")
        ]
        assert "auto" not in runs[0].manifest
        found, expected = map(model_of, runs)
        assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_memory_that_is_short_leads_to_adapters(bert, table, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda device: 1000)
    run, said = fit(bert, table, tmp_path / "run", learning_rate=GENTLE)
    rate = pytest.approx(auto.LORA_RATE * GENTLE)
    assert any("training adapters (LoRA) at a learning rate of" in line for line in said)
    assert (run.path / "adapter" / "adapter_config.json").is_file()
    config = read_config(run.path / "config.yaml")["training"]
    assert (config["method"], config["auto_trains"], config["learning_rate"]) == ("auto", "lora", rate)
    assert run.manifest["model"]["trainable"] < run.manifest["model"]["parameters"]
    assert "LoRA rank 16" in (run.path / "README.md").read_text(encoding="utf-8")
    assert run.manifest["auto"]["probe"] is not None


def test_the_memory_that_training_needs_is_told_before_it(bert, table, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "training_memory", lambda session: 3 * 2**30)
    _, said = fit(bert, table, tmp_path / "much", learning_rate=GENTLE, max_steps=1)
    assert any(line.startswith("memory    training needs about 3.0 GiB more, and ") for line in said)
    assert not any("may not suffice" in line for line in said)
    monkeypatch.setattr(memory, "available_memory", lambda device: 2**30)
    _, said = fit(bert, table, tmp_path / "little", method="full", max_steps=1)
    start = said.index("memory    training needs about 3.0 GiB more, and 1.0 GiB are free")
    expected = 'warning   That may not suffice; method="lora", micro_batch_size=4, gradient_checkpointing=True'
    assert said[start + 1].startswith(expected)
    _, said = fit(bert, table, tmp_path / "probe", method="linear-probe")
    assert not any(line.startswith("memory") for line in said)


def test_of_a_long_training_it_says_what_the_probe_has(bert, table, tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "WORTH_SAYING", 0.0)
    monkeypatch.setattr(pace, "LONG", 0.0)
    run, said = fit(bert, table, tmp_path / "run", learning_rate=GENTLE, epochs=4)
    (told,) = [line for line in said if line.startswith("About ")]
    probe = f"(validation f1_macro {run.manifest['auto']['probe']:.3f})"
    assert told.endswith(f'shorter. method="linear-probe" would stop at the probe {probe}.')


def test_a_probe_of_tokens_beats_a_random_head_and_is_the_minimum_of_the_loss(bert, sentences, tmp_path, monkeypatch):
    monkeypatch.setattr(ridge, "TOKEN_PENALTIES", (1e-2,))
    monkeypatch.setattr(ridge, "TOKEN_ITERATIONS", 200)
    kept: list[Any] = []
    fit_probe = probe.fit_probe

    def noted(model, task, given, *, seed):
        facts = fit_probe(model, task, given, seed=seed)
        logits = last_linear(model)(given.train.vectors).detach()
        kept.append((given.train, logits.double(), len(np.unique(given.rows))))
        return facts

    monkeypatch.setattr(probe, "fit_probe", noted)
    run, _ = fit(bert, sentences, tmp_path / "auto", "ner", learning_rate=1e-5)
    inputs, logits, rows = kept[0]
    assert rows == 60
    vectors, targets = inputs.vectors.double().numpy(), inputs.targets["labels"].numpy()
    assert len(vectors) == len(targets) > 300
    centred = vectors - vectors.mean(0)
    scale = np.sqrt((centred**2).mean())
    expected = LogisticRegression(C=1 / (len(vectors) * 1e-2), tol=1e-8, max_iter=5000).fit(centred / scale, targets)
    seen = expected.classes_  # classes that do not occur are no part of scikit-learn's problem
    found = logits.softmax(-1)[:, seen].numpy()
    assert np.abs(found - expected.predict_proba(centred / scale)).max() < 0.02
    random = fit(bert, sentences, tmp_path / "full", "ner", learning_rate=1e-5, method="full")[0]
    assert run.metrics["validation"]["f1"] > random.metrics["validation"]["f1"]
    assert validation_lines(run)[0]["validation_loss"] < validation_lines(random)[-1]["validation_loss"]


def test_a_start_is_fitted_on_a_sample_of_many_rows(bert, table, tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "START_TEXTS", 30)
    counts: list[int] = []
    fit_probe = probe.fit_probe

    def noted(model, task, given, *, seed):
        counts.extend([len(given.train.vectors), len(given.validation.vectors)])
        return fit_probe(model, task, given, seed=seed)

    monkeypatch.setattr(probe, "fit_probe", noted)
    fit(bert, table, tmp_path / "run", learning_rate=GENTLE)
    assert counts == [30, 30]


def test_where_time_is_limited_a_start_takes_its_share_of_it(bert, table, tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "TIMED", 8)
    monkeypatch.setattr(probe, "SHARE_OF_TIME", 1e-9)
    counts: list[int] = []
    fit_probe = probe.fit_probe

    def noted(model, task, given, *, seed):
        counts.extend([len(given.train.vectors), len(given.validation.vectors)])
        return fit_probe(model, task, given, seed=seed)

    monkeypatch.setattr(probe, "fit_probe", noted)
    fit(bert, table, tmp_path / "short", learning_rate=GENTLE, time_limit=10.0)
    fit(bert, table, tmp_path / "unlimited", learning_rate=GENTLE)
    monkeypatch.setattr(probe, "SHARE_OF_TIME", 0.1)
    fit(bert, table, tmp_path / "long", learning_rate=GENTLE, time_limit=10.0)
    assert counts == [8, 8, 72, 45, 72, 45]


def test_where_a_limit_leaves_no_time_the_probe_is_the_result(bert, table, tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "SAVING", 1e6)
    run, said = fit(bert, table, tmp_path / "run", time_limit=10.0)
    assert run.manifest["steps"] == 0
    assert run.manifest["auto"]["kept"] == "probe"
    assert not run.manifest["auto"]["restarted"]
    assert sum(line.startswith("The time limit leaves no time for training") for line in said) == 1
    probed = fit(bert, table, tmp_path / "probe", method="linear-probe")[0]
    assert run.metrics["validation"]["accuracy"] == probed.metrics["validation"]["accuracy"]
    assert any(
        "training gave no score. The linear probe was kept." in line
        for line in run.path.joinpath("README.md").read_text().splitlines()
    )


def test_a_training_that_a_limit_cut_short_has_no_second_attempt(bert, table, tmp_path, monkeypatch):
    monkeypatch.setattr(pace.Pace, "leaves_none", lambda made: False)
    monkeypatch.setattr(pace, "SAVING", 1e6)
    run, said = fit(bert, table, tmp_path / "run", time_limit=10.0, learning_rate=WILD, baseline=True)
    assert run.manifest["auto"]["kept"] == "probe"
    assert not any("starting again" in line for line in said)
    assert "worse than the baseline" in run.metrics["verdict"][0]
    assert "Try more time, " in run.metrics["verdict"][0]
    assert ", shortened by the time limit" in (run.path / "README.md").read_text(encoding="utf-8")


def test_adapters_start_from_a_probe(bert, table, tmp_path):
    said = fit(bert, table, tmp_path / "lora", method="lora", max_steps=2)[1]
    assert sum(line.startswith("last layer fitted") for line in said) == 1
    said = fit(bert, table, tmp_path / "random", method="lora", max_steps=2, probe_first=False)[1]
    assert not any(line.startswith("last layer fitted") for line in said)


def test_what_training_needs_in_memory(bert, table, tmp_path, monkeypatch):
    seen: list[int] = []
    original = memory.training_memory

    def noted(session):
        for optimizer in ("adamw", "sgd"):
            one = dataclasses.replace(session.settings, optimizer=optimizer, compact_embeddings=False)
            seen.append(original(dataclasses.replace(session, settings=one)))
        seen.append(sum(p.numel() for p in session.model.parameters()))
        return original(session)

    monkeypatch.setattr(memory, "training_memory", noted)
    fit(bert, table, tmp_path / "run", learning_rate=GENTLE)
    adamw, sgd, weights = seen[:3]
    assert adamw - sgd == 8 * weights
    assert sgd > 4 * weights


def test_reading_the_rows_counts_towards_the_limit(bert, table, tmp_path):
    request = RunRequest("classification", str(bert), DataRequest(name=str(table)), SHORT | {"time_limit": 10.0})
    plan = make_plan(resolve_request(request))
    assert 0 < plan.seconds < 60
    left = []
    for seconds in (plan.seconds, 590.0):
        slow = dataclasses.replace(plan, seconds=seconds)
        with execute._opened(slow, RunDirectory(tmp_path / "run"), Silent(), lambda: False) as opened:
            left.append(opened.loaded.session.ends - time.perf_counter())
    assert 500 < left[0] < 600
    assert left[1] < 10


@pytest.mark.parametrize(("rows", "rate"), [(45, GENTLE), (45, 1e-3), (60, GENTLE)])
def test_a_choice_by_few_validation_rows_is_said(bert, table, tmp_path, rows, rate):
    held = str(write_csv(tmp_path / "held.csv", text_rows(rows, seed=9)))
    given = {"train": str(table / "train.csv"), "validation": held, "test": str(table / "test.csv")}
    settings = {**SHORT, "learning_rate": rate, "output": tmp_path / "run"}
    run = taskzoo.finetune("classification", model=str(bert), **given, **settings)
    facts = run.manifest["auto"]
    near = facts["trained"] - facts["probe"] < 2 * np.sqrt(facts["probe"] * (1 - facts["probe"]) / rows)
    said = [line for line in run.metrics["verdict"] if "too few to tell them apart" in line]
    assert len(said) == (facts["kept"] == "trained" and rows < auto.FEW_TO_CHOOSE_BY and near)
    if said:
        assert said[0].startswith(f"Only {rows} validation rows chose training (f1_macro {facts['trained']:.3f})")
        assert 'method="linear-probe"' in said[0]
    if (rows, rate) == (45, GENTLE):
        assert said
