"""Ways of training and what a run of texts does besides: shots, groups, tuning, baseline, abstaining."""

from __future__ import annotations

import csv
import json
import random
import shutil
import signal
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import load_file

import taskzoo
from taskzoo.config import read_config
from taskzoo.errors import RequestError
from taskzoo.runs.plan import make_plan
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request
from taskzoo.testing import make_tiny_checkpoint
from taskzoo_ner.task import NerTask

from .kit import digest, read, read_lines, text_rows, write_csv, zoo


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    for seed, (split, count) in enumerate({"train": 72, "validation": 45, "test": 48}.items(), 1):
        write_csv(folder / f"{split}.csv", text_rows(count, seed))
    return folder


@pytest.fixture(scope="module")
def several(table, tmp_path_factory) -> Path:
    """The same with two labels for some rows."""
    folder = tmp_path_factory.mktemp("several")
    for split in ("train", "validation", "test"):
        with (table / f"{split}.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        made = [{"text": r["text"], "label": r["label"] + (",big" if "big" in r["text"] else "")} for r in rows]
        write_csv(folder / f"{split}.csv", [*made, {"text": f"big {split}", "label": "big"}])
    return folder


SHORT = ["--method", "full", "--epochs", "2", "--batch-size", "16", "--precision", "fp32", "--learning-rate", "0.003"]
CONSTANT = [*SHORT, "--set", "schedule=constant", "--epochs", "6", "--set", "pooling=mean"]
PROBE = ["--method", "linear-probe", "--set", "pooling=mean", "--precision", "fp32"]
CONTRASTIVE = [*SHORT, "--method", "contrastive", "--set", "pooling=mean", "--set", "contrastive_pairs=2"]


def run(bert: Path, data: Path, output: Path, *more: object) -> Any:
    """``zoo run classification``; it must succeed."""
    result = zoo("run", "classification", "--model", bert, "--data", data, "--output", output, *more)
    assert result.code == 0, result.err
    return result


def refused(result: Any, output: Path, *fragments: str) -> None:
    assert result.code == 2, result.err
    assert result.out == ""
    lines = [line for line in result.err.splitlines() if line.startswith("zoo: ")]
    assert lines == result.err.splitlines()[-1:]
    assert "Traceback" not in result.err
    for fragment in fragments:
        assert fragment in lines[0]
    assert not output.exists()


@pytest.fixture(scope="module")
def run_of(bert, table, tmp_path_factory) -> Callable[..., tuple[Path, Any]]:
    """A function from words to a finished run on ``table`` and what it printed, made once. Nobody may change it."""

    @cache
    def make(*words: str) -> tuple[Path, Any]:
        path = tmp_path_factory.mktemp("finished") / "run"
        return path, run(bert, table, path, *words)

    return make


# methods


@pytest.fixture(scope="module")
def probe(run_of) -> Path:
    """A finished probe. Nobody may change it."""
    return run_of(*PROBE, "--baseline")[0]


def test_a_probe_leaves_the_backbone_bit_for_bit(bert, probe):
    before, after = load_file(bert / "model.safetensors"), load_file(probe / "model" / "model.safetensors")
    backbone = {name.removeprefix("backbone."): t for name, t in after.items() if name.startswith("backbone.")}
    assert len(backbone) > 10
    for name, tensor in backbone.items():
        assert tensor.equal(before[f"bert.{name}"]), name
    manifest = read(probe / "manifest.json")
    assert manifest["model"]["trainable"] == 32 * 3 + 3
    (line,) = read_lines(probe / "history.jsonl")
    assert line["probe"]["chosen_by"] == "validation"
    assert read(probe / "metrics.json")["validation"]["accuracy"] > 0.6


@pytest.mark.parametrize("method", ["linear-probe", "contrastive"])
def test_a_head_that_works_on_tokens_is_refused_before_anything_is_written(request_, tmp_path, method):
    output = tmp_path / "run"
    result = zoo(*request_, "--method", method, "--output", output)
    said = "exactly one class per row" if method == "contrastive" else "this head works on every token"
    refused(result, output, said)


@pytest.mark.parametrize("method", ["linear-probe", "contrastive"])
def test_the_own_head_of_a_decoder_gives_one_vector_per_text(table, tmp_path, method):
    texts = [row["text"] for row in text_rows(20, 9)]
    decoder = make_tiny_checkpoint(tmp_path / "gpt2", "gpt2", texts, vocabulary=300)
    words = ["--method", method, "--set", "pooling=auto", "--set", "contrastive_pairs=2"]
    run(decoder, table, tmp_path / "run", *words)
    assert read(tmp_path / "run" / "metrics.json")["validation"]["f1_macro"] > 0.15


def test_pairs_need_one_class_per_row(bert, several, tmp_path):
    words = ["run", "classification", "--model", bert, "--data", several, *CONTRASTIVE, "--output", tmp_path / "run"]
    refused(zoo(*words), tmp_path / "run", "method=contrastive needs exactly one class per row; use linear-probe")


def test_pairs_that_would_train_nothing(bert, table, tmp_path):
    words = ["run", "classification", "--model", bert, "--data", table, *CONTRASTIVE, "--set", "freeze=backbone"]
    refused(zoo(*words, "--output", tmp_path / "run"), tmp_path / "run", "all of that is frozen")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--method", "linear-probe", "--lora"], "--lora is short for --method lora"),
        (["--method", "linear-prob"], "Did you mean 'linear-probe'"),
        (["--method", "none"], "has nothing to predict with before it is trained; use another method"),
        ([*CONTRASTIVE, "--set", "micro_batch_size=4"], "leave micro_batch_size at 0"),
        (["--shots", "-1"], "shots=-1 must be 1 or more"),
        (["--group-by", "thread:"], "is not of the form COLUMN or COLUMN:SEPARATOR"),
        (["--group-by", "room"], "'room'"),
    ],
)
def test_requests_that_contradict_themselves(bert, table, tmp_path, words, said):
    request = ["run", "classification", "--model", bert, "--data", table, *words, "--output", tmp_path / "run"]
    refused(zoo(*request), tmp_path / "run", said)


def test_lora_by_either_word_is_the_same_run(bert, table, tmp_path):
    run(bert, table, tmp_path / "a", *SHORT[2:], "--lora")
    run(bert, table, tmp_path / "b", *SHORT, "--method", "lora")
    assert digest(tmp_path / "a/model/model.safetensors") == digest(tmp_path / "b/model/model.safetensors")
    config = yaml.safe_load((tmp_path / "a" / "config.yaml").read_text(encoding="utf-8"))
    assert config["training"]["method"] == "lora"
    assert (tmp_path / "a" / "adapter").is_dir()
    for method in ("full", "linear-probe"):
        again = resolve_request(RunRequest(config=tmp_path / "a" / "config.yaml", settings={"method": method}))
        assert again.config.training.method == method


def test_contrastive_learns_and_saves_a_plain_model(bert, run_of):
    path, _ = run_of(*CONTRASTIVE)
    lines = read_lines(path / "history.jsonl")
    assert [("probe" in line) for line in lines] == [False] * (len(lines) - 1) + [True]
    before = load_file(bert / "model.safetensors")["bert.encoder.layer.0.output.dense.weight"]
    after = load_file(path / "model" / "model.safetensors")
    assert not after["backbone.encoder.layer.0.output.dense.weight"].equal(before)
    assert not [name for name in after if name.startswith("model.")]
    assert read(path / "metrics.json")["validation"]["accuracy"] > 0.6


# unlabelled texts

SPREAD = ["--method", "linear-probe", "--set", "pooling=mean", "--precision", "fp32"]


def columns_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def spread(bert, table, tmp_path_factory) -> Path:
    """A finished probe of two rows per class and the texts of all others. Nobody may change it."""
    path = tmp_path_factory.mktemp("spread") / "run"
    run(bert, table, path, *SPREAD, "--shots", "2", "--unlabelled", "rest")
    return path


def test_texts_that_shots_leave_out_help_without_their_labels(bert, table, spread, tmp_path):
    manifest = read(spread / "manifest.json")
    assert manifest["rows"]["train"] == 6
    assert manifest["splits"]["unlabelled"] == {"rows": 66}
    assert "- unlabelled: 66 rows (the training rows left out by shots)" in (spread / "README.md").read_text("utf-8")
    (line,) = read_lines(spread / "history.jsonl")
    assert (line["probe"]["unlabelled"], line["probe"]["labels_spread_to"]) == (66, 66)
    run(bert, table, tmp_path / "alone", *SPREAD, "--shots", "2")
    assert digest(tmp_path / "alone/model/model.safetensors") != digest(spread / "model/model.safetensors")

    # the same rows as two files, the second with nonsense for labels
    taken = {row["text"] for row in splits({"model": str(bert)}, name=str(table), shots=2).examples["train"]}
    rows = columns_of(table / "train.csv")
    few = write_csv(tmp_path / "few.csv", [row for row in rows if row["text"] in taken])
    more = write_csv(tmp_path / "more.csv", [{"text": r["text"], "label": "?"} for r in rows if r["text"] not in taken])
    held = ["--validation", table / "validation.csv", "--test", table / "test.csv"]
    words = ["run", "classification", "--model", bert, "--train", few, *held, "--unlabelled", more, *SPREAD]
    result = zoo(*words, "--output", tmp_path / "files")
    assert result.code == 0, result.err
    assert read(tmp_path / "files" / "metrics.json")["test"] == read(spread / "metrics.json")["test"]


def test_unlabelled_texts_that_a_split_has_are_left_out_and_counted(bert, table, tmp_path):
    rows = [*columns_of(table / "test.csv")[:5], *columns_of(table / "train.csv")[:3], {"text": "a new dog"}] * 2
    file = write_csv(tmp_path / "more.csv", [{"text": row["text"]} for row in rows])
    result = run(bert, table, tmp_path / "run", *SPREAD, "--unlabelled", file)
    found = read(tmp_path / "run" / "manifest.json")["splits"]["unlabelled"]
    assert found == {"rows": 1, "left_out_as_in_train": 3, "left_out_as_in_test": 5}
    assert "(1 unlabelled texts)" in result.err
    # beside the demo set, which has no files
    words = ["run", "classification", "--model", bert, "--shots", "2", *SPREAD, "--unlabelled", file]
    demo = zoo(*words, "--output", tmp_path / "demo")
    assert demo.code == 0, demo.err
    assert read(tmp_path / "demo" / "manifest.json")["splits"]["unlabelled"] == {"rows": 9}
    # columns with names of their own: the file of texts has no labels
    few = write_csv(
        tmp_path / "few.csv", [{"said": r["text"], "about": r["label"]} for r in columns_of(table / "train.csv")]
    )
    more = write_csv(tmp_path / "said.csv", [{"said": f"a {word}"} for word in ("cat", "fog")])
    words = ["--train", few, "--columns", "text=said,label=about", *SPREAD, "--unlabelled", more]
    named = zoo("run", "classification", "--model", bert, *words, "--output", tmp_path / "named")
    assert named.code == 0, named.err
    assert read(tmp_path / "named" / "manifest.json")["splits"]["unlabelled"] == {"rows": 2}
    file = write_csv(tmp_path / "none.csv", [{"text": row["text"]} for row in rows if row["text"] != "a new dog"])
    words = ["run", "classification", "--model", bert, "--data", table, *SPREAD, "--unlabelled", file]
    refused(zoo(*words, "--output", tmp_path / "none"), tmp_path / "none", "None of the 16 unlabelled rows")


def test_unlabelled_texts_from_python_are_kept_with_the_run(bert, table, tmp_path):
    rows = columns_of(table / "train.csv")
    texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
    settings: Any = {"method": "linear-probe", "pooling": "mean", "precision": "fp32"}
    data: Any = {"train": (texts[:40], labels[:40]), "test": (texts[60:], labels[60:]), "validation": []}
    data["unlabelled"] = texts[40:60]
    first = taskzoo.finetune("classification", model=str(bert), **data, output=tmp_path / "first", **settings)
    again = taskzoo.finetune("classification", config=first.path / "config.yaml", output=tmp_path / "again")
    assert digest(again.path / "model/model.safetensors") == digest(first.path / "model/model.safetensors")
    with pytest.raises(RequestError, match="as files, or all of them in memory"):
        taskzoo.finetune(
            "classification", model=str(bert), train=(texts, labels), unlabelled=str(table / "test.csv"), **settings
        )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--unlabelled", "rest", *SPREAD], "give --shots, or a file"),
        (["--unlabelled", "rest", "--shots", "2"], "method=auto has no use for --unlabelled"),
        (["--unlabelled", "nowhere.csv", *SPREAD], "nowhere.csv: there is no such file"),
    ],
)
def test_requests_for_unlabelled_texts_that_cannot_be_met(bert, table, tmp_path, words, said):
    output = tmp_path / "run"
    refused(zoo("run", "classification", "--model", bert, "--data", table, *words, "--output", output), output, said)


def test_several_labels_do_not_spread(bert, several, tmp_path):
    words = ["--data", several, *SPREAD, "--shots", "2", "--unlabelled", "rest", "--output", tmp_path / "run"]
    result = zoo("run", "classification", "--model", bert, *words)
    refused(result, tmp_path / "run", "--unlabelled requires exactly one class per row")


def test_pretrained_share_leads_back_to_the_pretrained_weights(bert, table, tmp_path):
    """All the way, half of it (the recipe), or not at all."""
    name = "encoder.layer.0.output.dense.weight"
    before = load_file(bert / "model.safetensors")[f"bert.{name}"]
    after = {}
    for share in ("0", "0.5", "1"):
        run(bert, table, tmp_path / share, *CONTRASTIVE, "--set", f"pretrained_share={share}")
        after[share] = load_file(tmp_path / share / "model/model.safetensors")[f"backbone.{name}"]
    assert after["1"].equal(before)
    assert after["0.5"].allclose((before + after["0"]) / 2, atol=1e-6)
    assert not after["0"].allclose(before, atol=1e-3)
    recipe = yaml.safe_load((tmp_path / "0" / "config.yaml").read_text(encoding="utf-8"))["training"]
    assert recipe["length_pool"] == 1
    result = zoo("run", "classification", "--model", bert, "--data", table, "--set", "pretrained_share=1.5")
    assert result.code == 2
    assert "pretrained_share=1.5 must be at most 1" in result.err


def test_names_of_classes_count_once_in_contrastive_training(bert, table, tmp_path):
    result = run(bert, table, tmp_path / "run", *CONTRASTIVE, "--set", "label_names=true")
    assert "3 training rows added by the task" in result.err
    lines = read_lines(tmp_path / "run" / "history.jsonl")
    rows = read(tmp_path / "run" / "manifest.json")["rows"]["train"]
    names = read(tmp_path / "run" / "manifest.json")["splits"]["added_rows"]
    assert lines[-2]["step"] == 2 * -(-(2 * (rows - names)) // 16)  # pairs are made of texts, two of each, twice


def outcome(path: Path) -> tuple[str, Any, Any, list[Any]]:
    """What must not depend on an interruption."""
    lines = read_lines(path / "history.jsonl")
    for line in lines:
        line.pop("tokens_per_second", None)
    return digest(path / "model/model.safetensors"), read(path / "metrics.json"), read(path / "model/task.json"), lines


def interrupted(at: tuple[str, int], *words: object) -> Any:
    """The command, stopped by Ctrl-C when the bar of this title has come so far."""
    from taskzoo.engine import progress

    class Watching:
        def __init__(self, title):
            self.title = title

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def update(self, completed, note=""):
            if self.title == at[0] and completed >= at[1]:
                signal.raise_signal(signal.SIGINT)

    class Impatient(progress.Silent):
        def say(self, message):
            print(message, file=sys.stderr)

        def bar(self, title, total):
            return Watching(title)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores Ctrl-C
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(progress, "Terminal", Impatient)
            return zoo(*words)
    finally:
        signal.signal(signal.SIGINT, before)


PROBE_FIRST = [*SHORT, "--set", "probe_first=true", "--set", "pooling=mean"]


@pytest.mark.parametrize(
    ("method", "at"),
    [
        (CONTRASTIVE, ("training", 7)),
        (CONTRASTIVE, ("encoding train", 1)),
        (CONTRASTIVE, ("test", 1)),
        (PROBE, ("validation", 1)),
        ([*PROBE_FIRST, "--method", "lora"], ("training", 1)),
        (PROBE_FIRST, ("training", 7)),
    ],
)
def test_stopped_and_resumed_it_is_as_if_it_had_not_been(bert, table, run_of, tmp_path, method, at):
    whole, _ = run_of(*method)
    words = ["run", "classification", "--model", bert, "--data", table, *method]
    stopped = interrupted(at, *words, "--output", tmp_path / "run")
    assert stopped.code == 130, stopped.err
    assert f"zoo resume {tmp_path / 'run'}" in stopped.err
    result = zoo("resume", tmp_path / "run")
    assert result.code == 0, result.err
    assert outcome(tmp_path / "run") == outcome(whole)


# shots and groups


def splits(words: dict[str, Any], **data: Any) -> Any:
    return make_plan(resolve_request(RunRequest("classification", data=DataRequest(**data), **words))).splits


def test_shots_are_so_many_rows_per_class_and_no_validation_rows(bert, table, tmp_path):
    data = ["--train", table / "train.csv", "--test", table / "test.csv", "--shots", "5"]
    words = ["run", "classification", "--model", bert, *data, *PROBE]
    result = zoo(*words, "--output", tmp_path / "run")
    assert result.code == 0, result.err
    manifest = read(tmp_path / "run" / "manifest.json")
    assert manifest["rows"] == {"train": 15, "validation": 0, "test": 48}
    assert manifest["splits"]["shots"] == {"shots": 5, "seed": 42, "rows": 15, "short": {}}
    assert "5 training rows per class, no validation rows split off" in result.err
    assert list(read(tmp_path / "run" / "metrics.json")) == ["test", "baseline", "verdict"]
    (line,) = read_lines(tmp_path / "run" / "history.jsonl")
    assert line["probe"]["chosen_by"] == "cross-validation"
    again = zoo("run", "--config", tmp_path / "run" / "config.yaml", "--output", tmp_path / "again")
    assert again.code == 0, again.err
    assert outcome(tmp_path / "again") == outcome(tmp_path / "run")


def test_the_seed_decides_the_shots_and_given_validation_rows_stay(bert, table):
    def texts(seed: int, shots: int = 4) -> list[str]:
        found = splits({"model": str(bert), "settings": {"seed": seed}}, name=str(table), shots=shots)
        assert len(found.examples["validation"]) == 45
        return [row["text"] for row in found.examples["train"]]

    assert texts(1) == texts(1)
    assert texts(1) != texts(2)
    assert set(texts(1)) < set(texts(1, shots=6))


def test_too_few_rows_of_a_class_are_recorded(bert, table, tmp_path):
    rows = text_rows(40, 3)
    few = [row for row in rows if row["label"] != "food"] + [row for row in rows if row["label"] == "food"][:2]
    file = write_csv(tmp_path / "t.csv", few)
    made = splits({"model": str(bert)}, train=str(file), test="none", shots=6).made
    assert made["shots"]["short"] == {"food": 2}
    assert made["shots"]["rows"] == 14


@pytest.mark.parametrize("group", ["thread:_", "thread"])
def test_groups_stay_together(bert, tmp_path, group):
    file = write_csv(tmp_path / "t.csv", text_rows(120, 5))
    thread = {row["text"]: row["thread"].split("_")[0] for row in text_rows(120, 5)}
    found = splits({"model": str(bert)}, train=str(file), group_by=group)
    groups = {name: {thread[row["text"]] for row in rows} for name, rows in found.examples.items()}
    assert found.made["grouped"]
    assert all(len(rows) >= 3 for rows in found.examples.values())
    shared = groups["train"] & groups["test"] or groups["train"] & groups["validation"]
    assert bool(shared) is (group == "thread")  # the whole value tells every row apart


@pytest.mark.parametrize("memory", [False, True])
def test_a_run_with_shots_and_groups_is_resumed(bert, tmp_path, memory):
    rows = text_rows(90, 6)
    settings = {"method": "linear-probe", "pooling": "mean", "precision": "fp32"}
    data: dict[str, Any] = {"train": rows if memory else str(write_csv(tmp_path / "t.csv", rows))}
    request = {"model": str(bert), **data, "group_by": "thread:_", "shots": 4, **settings}
    whole = taskzoo.finetune("classification", **request, output=tmp_path / "whole")
    path = tmp_path / "run"
    shutil.copytree(whole.path, path)
    for name in ("model", "metrics.json", "predictions.jsonl", "README.md"):
        shutil.rmtree(path / name) if name == "model" else (path / name).unlink()
    manifest = read(path / "manifest.json")
    (path / "manifest.json").write_text(json.dumps({**manifest, "status": "stopped"}), encoding="utf-8")
    result = zoo("resume", path)
    assert result.code == 0, result.err
    assert outcome(path) == outcome(whole.path)
    assert read(path / "manifest.json")["splits"] == manifest["splits"]
    assert manifest["splits"]["grouped"]
    assert manifest["rows"]["train"] == 12


# tuning


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_test_labels_change_nothing_that_was_learnt_or_tuned(bert, table, several, tmp_path, kind):
    """Temperature, thresholds, ridge and weights come from training and validation rows alone."""
    source = table if kind == "single" else several
    shutil.copytree(source, tmp_path / "data")
    with (source / "test.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    labels = [row["label"] for row in rows]
    random.Random(0).shuffle(labels)
    write_csv(tmp_path / "data" / "test.csv", [{**row, "label": new} for row, new in zip(rows, labels, strict=True)])
    run(bert, source, tmp_path / "one", *CONSTANT)
    run(bert, tmp_path / "data", tmp_path / "other", *CONSTANT)
    one, other = outcome(tmp_path / "one"), outcome(tmp_path / "other")
    assert (one[0], one[2], one[3]) == (other[0], other[2], other[3])
    assert one[1]["validation"] == other[1]["validation"]
    assert one[1]["test"]["loss"] != other[1]["test"]["loss"]
    state = one[2]["state"]["head"]["state"]
    assert read(tmp_path / "one" / "manifest.json")["tuned"]["temperature"] == state["temperature"] != 1.0
    if kind == "multi":
        assert state["thresholds"] != [0.5] * 4


def test_what_was_tuned_holds_for_test_rows_and_after_loading(bert, several, tmp_path):
    run(bert, several, tmp_path / "run", *SHORT)
    lines = read_lines(tmp_path / "run" / "predictions.jsonl")
    thresholds = read(tmp_path / "run" / "manifest.json")["tuned"]["thresholds"]
    assert len(thresholds) == 4
    for line in lines:
        given = {label for label, score in line["scores"].items() if score >= thresholds[label]}
        unclear = {label for label, score in line["scores"].items() if abs(score - thresholds[label]) < 1e-4}
        assert set(line["labels"]) ^ given <= unclear
    loaded = taskzoo.load(tmp_path / "run").predict([line["text"] for line in lines])
    assert [p["labels"] for p in loaded] == [line["labels"] for line in lines]
    evaluated = taskzoo.load(tmp_path / "run").evaluate(several / "test.csv").scores
    written = read(tmp_path / "run" / "metrics.json")["test"]
    assert evaluated == pytest.approx({name: written[name] for name in evaluated}, rel=1e-4)


def test_without_validation_rows_nothing_is_tuned(bert, table, tmp_path):
    data = ["--train", table / "train.csv", "--validation", "none", "--test", table / "test.csv"]
    result = zoo("run", "classification", "--model", bert, *data, *SHORT, "--output", tmp_path / "run")
    assert result.code == 0, result.err
    assert read(tmp_path / "run" / "manifest.json")["tuned"] == {}
    assert read(tmp_path / "run" / "model" / "task.json")["state"]["head"]["state"]["temperature"] == 1.0


# baseline


def test_the_baseline_is_in_metrics_card_and_table(run_of):
    path, result = run_of(*PROBE, "--baseline")
    metrics = read(path / "metrics.json")
    baseline = metrics["baseline"]
    assert baseline.keys() == {"name", "rows", "validation", "test", "difference"}
    assert (baseline["name"], baseline["rows"]) == ("TF-IDF", read(path / "manifest.json")["rows"]["train"])
    assert baseline["test"].keys() == metrics["test"].keys() - {"loss"}
    assert baseline["test"]["rows"] == 48
    difference = baseline["difference"]["test"]
    assert difference["metric"] == "f1_macro"
    assert difference["value"] == pytest.approx(metrics["test"]["f1_macro"] - baseline["test"]["f1_macro"])
    low, high = difference["ci95"]
    assert low <= difference["value"] <= high
    card = (path / "README.md").read_text(encoding="utf-8")
    for shown in (result.out, card):
        assert "baseline test" in shown.lower()
        assert f"{baseline['test']['accuracy']:.3f}" in shown
        assert "than the baseline (TF-IDF): " in shown or "from the baseline (TF-IDF): " in shown
        assert f"f1_macro {difference['value']:+.3f} [{low:+.3f}, {high:+.3f}] on test" in shown


def test_a_run_that_was_not_asked_is_compared_all_the_same_and_says_so_before_training(run_of):
    path, result = run_of(*SHORT)
    baseline = read(path / "metrics.json")["baseline"]
    manifest = read(path / "manifest.json")
    assert manifest["baseline"] == {"name": "TF-IDF", "rows": 72, "seconds": manifest["baseline"]["seconds"]}
    before = (
        f"baseline  TF-IDF, fitted on 72 training rows: validation f1_macro {baseline['validation']['f1_macro']:.4f}"
    )
    assert before in result.err.splitlines()
    assert result.err.index(before) < result.err.index("(kept so far)")
    assert "(TF-IDF): f1_macro " in result.out
    assert read_config(path / "config.yaml")["training"]["baseline"] is None


def test_a_collapsed_model_is_called_so_first(bert, table, tmp_path):
    words = ["--epochs", "1", "--precision", "fp32", "--learning-rate", "0", "--set", "freeze=backbone"]
    result = run(bert, table, tmp_path / "run", *words, "--method", "full")
    metrics = read(tmp_path / "run" / "metrics.json")
    first, second = metrics["verdict"]
    assert first.startswith("Every test row was given '")
    assert (
        "the model has learnt nothing. Try a lower --learning-rate, --method linear-probe or another --model." in first
    )
    assert second.startswith("The model is worse than the baseline (TF-IDF): f1_macro -")
    assert result.out.strip().splitlines()[:4] == [first, "", second, ""]
    card = (tmp_path / "run" / "README.md").read_text(encoding="utf-8").splitlines()
    assert card[2].startswith("> Every test row was given '")
    assert card[4].startswith("> The model is worse than the baseline (TF-IDF): f1_macro -")
    result = zoo("eval", tmp_path / "run", "--data", table / "test.csv")
    assert result.out.startswith("Every row was given '")
    assert "test f1_macro" in repr(taskzoo.load(tmp_path / "run"))


def test_many_rows_are_sampled_by_class_unless_it_was_asked_for(bert, table, tmp_path, monkeypatch):
    monkeypatch.setattr("taskzoo.heads.text_task.TextTask.quick_baseline_rows", lambda self, examples: 30)
    result = run(bert, table, tmp_path / "quick", *PROBE)
    assert "baseline  TF-IDF, fitted on 30 of 72 training rows (--baseline: on all): validation" in result.err
    assert read(tmp_path / "quick" / "metrics.json")["baseline"]["rows"] == 30
    result = run(bert, table, tmp_path / "full", *PROBE, "--baseline")
    assert "baseline  TF-IDF, fitted on 72 training rows: validation" in result.err
    assert read(tmp_path / "full" / "metrics.json")["baseline"]["rows"] == 72


def test_a_baseline_that_fails_ends_the_run_only_if_it_was_asked_for(bert, table, tmp_path, monkeypatch):
    def fail(self, examples, seed):
        raise RequestError("The baseline found nothing to count.")

    monkeypatch.setattr("taskzoo.heads.text_task.TextTask.baseline", fail)
    result = run(bert, table, tmp_path / "run", *PROBE)
    assert "warning   there is no baseline to compare with: The baseline found nothing to count." in result.err
    assert read(tmp_path / "run" / "manifest.json")["baseline"] == {"left_out": "The baseline found nothing to count."}
    assert "baseline" not in read(tmp_path / "run" / "metrics.json")
    words = ["run", "classification", "--model", bert, "--data", table, *PROBE, "--baseline"]
    result = zoo(*words, "--output", tmp_path / "asked")
    assert (result.code, result.err.splitlines()[-1]) == (2, "zoo: The baseline found nothing to count.")


def test_the_baseline_changes_nothing_of_the_training(run_of):
    runs = (run_of(*SHORT, *words)[0] for words in ((), ("--no-baseline",)))
    with_it, without = (load_file(path / "model" / "model.safetensors") for path in runs)
    assert all(with_it[name].equal(without[name]) for name in with_it)


def test_a_run_without_baseline_says_nothing_of_one(bert, table, tmp_path):
    result = run(bert, table, tmp_path / "run", *PROBE, "--no-baseline")
    assert "baseline" not in read(tmp_path / "run" / "metrics.json")
    shown = result.out + result.err + (tmp_path / "run" / "README.md").read_text(encoding="utf-8")
    assert "TF-IDF" not in shown
    assert "baseline test" not in shown.lower()


def test_a_task_without_baseline_refuses_it(request_, tmp_path, monkeypatch):
    monkeypatch.delattr(NerTask, "baseline")
    result = zoo(*request_, "--baseline", "--output", tmp_path / "run")
    refused(result, tmp_path / "run", "The task 'ner' has no baseline; leave --baseline out")


# using a run


def test_predictions_hold_nothing_that_is_for_metrics_only(probe):
    lines = read_lines(probe / "predictions.jsonl")
    assert len(lines) == 48
    for line in lines:
        assert line.keys() == {"text", "label", "score", "scores", "reference"}
    loaded = taskzoo.load(probe)
    assert loaded.predict("my old dog").keys() == {"text", "label", "score", "scores"}


def test_a_doubtful_text_gets_no_label(probe):
    loaded = taskzoo.load(probe)
    texts = [line["text"] for line in read_lines(probe / "predictions.jsonl")]
    plain = loaded.predict(texts)
    least = sorted(p["score"] for p in plain)[24]
    careful = loaded.predict(texts, min_confidence=least)
    for before, after in zip(plain, careful, strict=True):
        doubtful = before["score"] < least
        assert after == {**before, "label": None if doubtful else before["label"], "abstained": doubtful}
    assert sum(p["abstained"] for p in careful) == 24
    result = zoo("predict", probe, *texts[:3], "--min-confidence", least)
    assert [json.loads(line) for line in result.out.splitlines()] == careful[:3]
    with pytest.raises(RequestError, match=r"min_confidence=1\.5 must be a number between 0 and 1"):
        loaded.predict("x", min_confidence=1.5)


def test_abstaining_needs_one_label(bert, several, tmp_path):
    run(bert, several, tmp_path / "run", *PROBE)
    result = zoo("predict", tmp_path / "run", "a big dog", "--min-confidence", "0.5")
    assert result.code == 2
    assert result.out == ""
    assert (
        result.err == "zoo: min_confidence needs predictions of one label with its probability; this run's have none.\n"
    )
