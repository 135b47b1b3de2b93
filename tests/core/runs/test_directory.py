"""The run directory: every stable file, what is in it, and that it repeats the run."""

from __future__ import annotations

import errno
import re
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

import taskzoo
from taskzoo.config import TRAINING_FIELDS
from taskzoo.runs.directory import RunDirectory, read_json, write_jsonl

from .kit import COUNTS, digest, read, read_lines, sentences, write_conll, zoo

SCORES = ("precision", "recall", "f1", "accuracy")
TEXTS = ["Ada went to Oslo .", "nothing happened ."]


def test_every_stable_file_is_there_and_nothing_else(finished):
    assert {path.name for path in finished.iterdir()} == {
        "config.yaml",
        "manifest.json",
        "metrics.json",
        "history.jsonl",
        "predictions.jsonl",
        "model",
        "README.md",
    }
    assert {"config.json", "model.safetensors", "tokenizer.json", "task.json"} <= {
        path.name for path in (finished / "model").iterdir()
    }
    assert not [path for path in finished.rglob("*") if path.suffix in {".bin", ".pt", ".pkl", ".new"}]


def test_metrics(finished):
    metrics = read(finished / "metrics.json")
    assert list(metrics) == ["validation", "test", "baseline", "verdict"]
    assert metrics.pop("verdict") == []
    assert 0 <= metrics.pop("baseline")["test"]["f1"] <= 1
    for split, scores in metrics.items():
        assert scores["rows"] == COUNTS[split]
        assert scores["loss"] > 0
        for name in SCORES:
            low, high = scores[f"{name}_ci95"]
            assert 0 <= low <= scores[name] <= high <= 1


def test_the_run_learnt_something(finished):
    assert read(finished / "metrics.json")["test"]["f1"] > 0.5


def test_history(finished):
    lines = read_lines(finished / "history.jsonl")
    steps = [line for line in lines if "loss" in line]
    assert [line["step"] for line in steps] == [5, 10, 15, 20, 25, 30, 32]
    assert all(
        line.keys() == {"step", "epoch", "loss", "learning_rate", "grad_norm", "tokens_per_second"} for line in steps
    )
    assert steps[-1]["epoch"] == 4
    assert [line["step"] for line in lines if "validation_f1" in line] == [8, 16, 24, 32]


def test_predictions_are_the_test_rows_in_order(finished):
    lines = read_lines(finished / "predictions.jsonl")
    rows = sentences(COUNTS["test"], seed=3)
    assert [line["tokens"] for line in lines] == [tokens for tokens, _ in rows]
    assert [line["reference"]["tags"] for line in lines] == [tags for _, tags in rows]
    right = sum(p == r for line in lines for p, r in zip(line["tags"], line["reference"]["tags"], strict=True))
    total = sum(len(line["tags"]) for line in lines)
    assert read(finished / "metrics.json")["test"]["accuracy"] == pytest.approx(right / total)


def test_manifest(finished, model, data):
    manifest = read(finished / "manifest.json")
    assert manifest["status"] == "finished"
    assert manifest["task"] == {
        "name": "taskzoo/ner",
        "plugin": "ner",
        "distribution": "taskzoo",
        "version": taskzoo.__version__,
        "contract": 2,
        "state_version": 1,
    }
    assert read(finished / "model" / "task.json")["task"] == manifest["task"]
    assert manifest["model"]["sha256"] == {file.name: digest(file) for file in model.iterdir()}
    assert manifest["model"]["parameters"] == manifest["model"]["trainable"] > 0
    assert (manifest["seed"], manifest["precision"], manifest["processes"]) == (42, "fp32", 1)
    assert manifest["rows"] == COUNTS
    for split in COUNTS:
        file = data / f"{split}.conll"
        assert manifest["data"][split] == {"source": file.name, "sha256": digest(file), "rows": COUNTS[split]}
    assert manifest["environment"]["packages"]["torch"] == torch.__version__
    assert {"python", "platform", "processor", "cores", "device", "git_revision"} <= manifest["environment"].keys()
    assert manifest["counts"].keys() == COUNTS.keys()
    assert manifest["seconds"].keys() >= {"load", "train", "evaluate"}
    assert (manifest["steps"], manifest["tokens_per_second"] > 0) == (32, True)
    assert manifest["best_step"] in {8, 16, 24, 32}
    assert manifest["started"] <= manifest["finished"]


def test_best_is_the_best_of_validation_and_is_what_was_saved(finished):
    evaluations = [line for line in read_lines(finished / "history.jsonl") if "validation_f1" in line]
    best = max(evaluations, key=lambda line: (line["validation_f1"], -line["step"]))
    assert read(finished / "manifest.json")["best_step"] == best["step"]
    scores = read(finished / "metrics.json")["validation"]
    assert scores["f1"] == best["validation_f1"]
    assert scores["loss"] == pytest.approx(best["validation_loss"])


def test_config_is_fully_resolved(finished):
    config = yaml.safe_load((finished / "config.yaml").read_text(encoding="utf-8"))
    assert config.keys() == {"task", "model", "data", "options", "training", "track", "from_run"}
    assert config["task"] == "taskzoo/ner"
    assert config["training"].keys() == TRAINING_FIELDS.keys()
    assert (config["training"]["epochs"], config["training"]["log_every"]) == (4.0, 5)
    assert config["options"]["head"] == "linear"


def test_config_repeats_the_run(finished, tmp_path):
    result = zoo("run", "--config", finished / "config.yaml", "--output", tmp_path / "again")
    assert result.code == 0, result.err
    assert read(tmp_path / "again" / "metrics.json") == read(finished / "metrics.json")
    assert digest(tmp_path / "again" / "model" / "model.safetensors") == digest(finished / "model/model.safetensors")
    assert (tmp_path / "again" / "config.yaml").read_text() == (finished / "config.yaml").read_text()


def test_a_run_named_by_relative_paths_is_repeated_from_elsewhere(data, model, finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(data, "data")
    shutil.copytree(model, "bert")
    short = ["--set", "max_steps=1", "--precision", "fp32"]
    assert zoo("run", "ner", "--model", "bert", "--data", "data", "--output", "run", *short).code == 0
    monkeypatch.chdir(finished)
    result = zoo("run", "--config", tmp_path / "run" / "config.yaml", "--output", tmp_path / "again")
    assert result.code == 0, result.err
    assert read(tmp_path / "again" / "metrics.json") == read(tmp_path / "run" / "metrics.json")


def test_arguments_go_before_the_configuration(finished, tmp_path):
    short = ("--set", "max_steps=2", "--seed", "7")
    result = zoo("run", "--config", finished / "config.yaml", "--output", tmp_path / "again", *short)
    assert result.code == 0, result.err
    manifest = read(tmp_path / "again" / "manifest.json")
    assert (manifest["steps"], manifest["seed"]) == (2, 7)
    assert digest(tmp_path / "again" / "model" / "model.safetensors") != digest(finished / "model/model.safetensors")


def test_another_seed_gives_another_model(request_, tmp_path):
    for seed in (1, 2):
        result = zoo(*request_, "--seed", seed, "--output", tmp_path / str(seed), "--set", "max_steps=2")
        assert result.code == 0, result.err
    files = [tmp_path / str(seed) / "model" / "model.safetensors" for seed in (1, 2)]
    assert digest(files[0]) != digest(files[1])


def test_test_rows_choose_nothing(request_, data, finished, tmp_path):
    spoilt = [(tokens, ["O"] * (len(tags) - 1) + ["B-PER"]) for tokens, tags in sentences(13, seed=3)]
    test = write_conll(tmp_path / "test.conll", spoilt)
    result = zoo(*request_, "--test", test, "--output", tmp_path / "run")
    assert result.code == 0, result.err
    assert digest(tmp_path / "run" / "model" / "model.safetensors") == digest(finished / "model/model.safetensors")
    assert read(tmp_path / "run" / "metrics.json")["test"] != read(finished / "metrics.json")["test"]
    assert read(tmp_path / "run" / "metrics.json")["validation"] == read(finished / "metrics.json")["validation"]


def test_labels_of_the_test_rows_are_not_learnt(request_, tmp_path):
    test = write_conll(tmp_path / "test.conll", [(["Mars", "is", "far"], ["B-PLANET", "O", "O"])] * 2)
    result = zoo(*request_, "--test", test, "--output", tmp_path / "run", "--set", "max_steps=1")
    assert result.code == 0, result.err
    labels = read(tmp_path / "run" / "model" / "config.json")["id2label"].values()
    assert not any("PLANET" in label for label in labels)


def test_label_order_is_stored(finished):
    labels = read(finished / "model" / "task.json")["state"]["labels"]
    assert read(finished / "model" / "config.json")["id2label"] == {str(i): label for i, label in enumerate(labels)}
    assert labels == ["O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PER", "I-PER"]
    assert taskzoo.load(finished).task.labels == labels


def test_splits_are_made_from_the_training_file_and_recorded(request_, data, model, tmp_path):
    arguments = ["run", "ner", "--model", model, "--train", data / "train.conll", *request_[6:]]
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        result = zoo(*arguments, "--seed", seed, "--set", "max_steps=1", "--output", tmp_path / name)
        assert result.code == 0, result.err
    splits = {name: read(tmp_path / name / "manifest.json")["splits"] for name in "abc"}
    assert splits["a"]["sizes"] == {"train": 49, "validation": 6, "test": 6}
    assert splits["a"]["seed"] == 5
    assert splits["a"] == splits["b"]
    assert splits["a"]["indices_sha256"] != splits["c"]["indices_sha256"]
    assert read(tmp_path / "a" / "manifest.json")["rows"] == splits["a"]["sizes"]


def test_given_test_rows_are_not_taken_for_validation(request_, data, model, tmp_path):
    arguments = ["run", "ner", "--model", model, "--train", data / "train.conll", "--test", data / "test.conll"]
    result = zoo(*arguments, *request_[6:], "--set", "max_steps=1", "--output", tmp_path / "run")
    assert result.code == 0, result.err
    assert read(tmp_path / "run" / "manifest.json")["rows"] == {"train": 55, "validation": 6, "test": 13}


def test_model_card(finished):
    card = (finished / "README.md").read_text(encoding="utf-8")
    scores = read(finished / "metrics.json")["test"]
    low, high = scores["f1_ci95"]
    assert re.search(rf"\| f1 \|.*\| {scores['f1']:.3f} \[{low:.3f}, {high:.3f}\] \|", card)
    assert f"zoo predict {finished.name} " in card
    assert "- test: 13 rows" in card
    assert "seed 42, fp32" in card


def test_the_model_loads_with_plain_transformers(finished):
    plain = AutoModelForTokenClassification.from_pretrained(finished / "model")
    tokenizer = AutoTokenizer.from_pretrained(finished / "model")
    found = pipeline("token-classification", model=plain, tokenizer=tokenizer)("Ada went to Oslo .")
    assert {entity["entity"] for entity in found} <= set(plain.config.label2id)


def test_a_moved_run_predicts_the_same(finished, tmp_path):
    expected = taskzoo.load(finished).predict(TEXTS)
    moved = tmp_path / "elsewhere"
    shutil.copytree(finished, moved)
    run = taskzoo.load(moved)
    assert run.predict(TEXTS) == expected
    assert run.predict(TEXTS[0]) == expected[0]
    assert run.metrics == read(finished / "metrics.json")
    shutil.move(moved / "model", tmp_path / "only-the-model")
    assert taskzoo.load(tmp_path / "only-the-model").predict(TEXTS) == expected


def test_checkpoints_are_kept_when_asked_for(request_, tmp_path):
    result = zoo(*request_, "--output", tmp_path / "run", "--set", "keep_checkpoints=true", "--set", "max_steps=12")
    assert result.code == 0, result.err
    assert (tmp_path / "run" / "checkpoints" / "last" / "state.json").is_file()


def test_without_output_the_name_tells_task_and_model(request_, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert zoo(*request_, "--set", "max_steps=1").code == 0
    names = [path.name for path in (tmp_path / "runs").iterdir()]
    assert len(names) == 2
    assert all(re.fullmatch(r"ner-bert-\d{8}-\d{6}(-2)?", name) for name in names)


def test_an_empty_output_directory_is_fine(request_, tmp_path):
    (tmp_path / "run").mkdir()
    assert zoo(*request_, "--set", "max_steps=1", "--output", tmp_path / "run").code == 0


def test_lora_keeps_the_adapter_and_serves_the_merged_model(request_, model, data, tmp_path):
    from peft import PeftModel

    result = zoo(*request_, "--method", "lora", "--output", tmp_path / "run")
    assert result.code == 0, result.err
    manifest = read(tmp_path / "run" / "manifest.json")
    assert manifest["model"]["trainable"] < manifest["model"]["parameters"]
    torch.manual_seed(3)  # of a head that the adapter must replace
    base = AutoModelForTokenClassification.from_pretrained(model, num_labels=7)
    adapted = PeftModel.from_pretrained(base, tmp_path / "run" / "adapter").eval()
    assert read(tmp_path / "run" / "adapter" / "adapter_config.json")["base_model_name_or_path"] == "bert"
    published = [file for file in (tmp_path / "run").rglob("*") if file.is_file() and file.name != "config.yaml"]
    assert not [file.name for file in published if str(model.parent).encode() in file.read_bytes()]
    run = taskzoo.load(tmp_path / "run")
    inputs = run.processor(TEXTS, return_tensors="pt", padding=True)
    with torch.no_grad():
        torch.testing.assert_close(run.model(**inputs).logits, adapted(**inputs).logits, atol=1e-5, rtol=1e-5)
    again = run.evaluate(data / "test.conll").to_dict()
    assert again["f1"] == pytest.approx(run.metrics["test"]["f1"])
    assert again["loss"] == pytest.approx(run.metrics["test"]["loss"], rel=1e-5)


def test_the_adapter_of_a_run_stands_for_its_merged_model(request_, tmp_path):
    assert zoo(*request_, "--method", "lora", "--output", tmp_path / "run").code == 0
    words = ["--set", "max_steps=1", "--output", tmp_path / "again", "--model", tmp_path / "run" / "adapter"]
    result = zoo(*request_, *words)
    assert result.code == 0, result.err
    saved, taken = (read(tmp_path / name / "manifest.json") for name in ("run", "again"))
    file = "model.safetensors"
    assert taken["model"]["sha256"][file] == saved["model_files"][file]["sha256"]


@pytest.mark.parametrize(
    "words",
    [
        ["freeze=1"],
        ["freeze=backbone"],
        ["gradient_checkpointing=true"],
        ["label_smoothing=0.1"],
        ["method=lora", "gradient_checkpointing=true", "lora_dora=true"],
        ["method=lora", "head=crf"],
        ["head=crf"],
        ["precision=bf16"],
    ],
    ids=" ".join,
)
def test_settings_go_together(request_, tmp_path, words):
    settings = [part for word in words for part in ("--set", word)]
    arguments = [a for a in request_ if a not in ("--precision", "fp32")]
    result = zoo(*arguments, *settings, "--set", "max_steps=3", "--output", tmp_path / "run")
    assert result.code == 0, result.err
    assert zoo("predict", tmp_path / "run", *TEXTS).code == 0


def test_a_line_separator_inside_a_text_ends_no_line_of_a_file(tmp_path):
    rows = [{"text": "a\u2028b\x85c"}, {"text": "d"}]
    write_jsonl(tmp_path / "predictions.jsonl", rows)
    assert read_json(tmp_path / "predictions.jsonl") == rows


def test_what_cannot_be_removed_is_left(tmp_path, monkeypatch):
    """On a disk that has failed, so that the error that is told is that of the disk."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    (tmp_path / "manifest.json.new").write_text("{", encoding="utf-8")
    (tmp_path / "model.new").mkdir()
    with monkeypatch.context() as broken:
        broken.setattr(Path, "unlink", fail)
        broken.setattr(shutil, "rmtree", fail)
        RunDirectory(tmp_path).remove_unfinished()
    assert len(list(tmp_path.iterdir())) == 2
    RunDirectory(tmp_path).remove_unfinished()
    assert not list(tmp_path.iterdir())
