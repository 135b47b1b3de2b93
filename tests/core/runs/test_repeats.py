"""``zoo run --seeds`` and ``--folds``: the same rows for all seeds, every row once over folds, resumed, summed up."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score
from tests.core.comparison.kit import head

from taskzoo import registry
from taskzoo.config import read_config
from taskzoo.errors import Interrupted
from taskzoo.runs.repeats import Repeats, run_repeats
from taskzoo.runs.repeats_summary import seed_facts
from taskzoo.runs.request import DataRequest, RunRequest, resolve_request
from taskzoo.runs.summary import Part, read_summary
from taskzoo.runs.wording_of_repeats import folds_verdict

from .kit import digest, read, read_lines, text_rows, write_csv, zoo

SETTINGS = "--method full --batch-size 8 --precision fp32 --learning-rate 0.01 --set max_steps=12 baseline=false"


@pytest.fixture(scope="module")
def words(bert: Path, tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """A request of a second."""
    folder = tmp_path_factory.mktemp("rows")
    train, test = write_csv(folder / "train.csv", text_rows(60, 1)), write_csv(folder / "test.csv", text_rows(30, 2))
    columns = ["--columns", "text=text,label=label"]
    return ["run", "classification", "--model", bert, "--train", train, "--test", test, *columns, *SETTINGS.split()]


@pytest.fixture(scope="module")
def seeds(words: list[object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seeds") / "out"
    result = zoo(*words, "--seeds", 2, "--output", path)
    assert result.code == 0, result.err
    assert "f1_macro is " in result.out
    assert "(Student's t)" in result.out
    assert "of the variance." in result.out
    return path


@pytest.fixture(scope="module")
def folds(words: list[object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("folds") / "out"
    result = zoo(*words, "--folds", 3, "--group-by", "thread:_", "--output", path)
    assert result.code == 0, result.err
    assert "tested on fold 1 of 3 of the training rows; the 30 test rows that were given are not used" in result.err
    assert "on all 60 rows, each predicted by one of 3 runs that had not seen it." in result.out
    return path


def test_seeds_have_the_same_rows_and_other_weights(seeds: Path) -> None:
    runs = [seeds / f"seed-{i}" for i in (1, 2)]
    manifests = [read(run / "manifest.json") for run in runs]
    assert [manifest["seed"] for manifest in manifests] == [42, 43]
    assert manifests[0]["splits"] == manifests[1]["splits"]
    texts = [[row["text"] for row in read_lines(run / "predictions.jsonl")] for run in runs]
    assert texts[0] == texts[1]
    assert len({digest(run / "model" / "model.safetensors") for run in runs}) == 2


def test_the_summary_of_seeds(seeds: Path) -> None:
    summary = read(seeds / "summary.json")
    values = [read(seeds / f"seed-{i}" / "metrics.json")["test"]["f1_macro"] for i in (1, 2)]
    found = summary["scores"][summary["metric"]]
    assert (summary["metric"], summary["split"], summary["rows"]) == ("f1_macro", "test", 30)
    assert [run["metrics"]["f1_macro"] for run in summary["runs"]] == values
    assert found["mean"] == pytest.approx(np.mean(values))
    assert found["sd"] == pytest.approx(np.std(values, ddof=1))
    assert {"seed_sd", "rows_sd", "both_sd", "ci95", "t_ci95"} <= found.keys()
    assert found["ci95"][0] <= found["t_ci95"][0] <= found["mean"]
    assert "seed_sd" not in summary["scores"]["loss"]
    said = {f"seed-{i}": read(seeds / f"seed-{i}" / "metrics.json")["verdict"] for i in (1, 2)}
    assert summary["verdicts"] == {name: sentences for name, sentences in said.items() if sentences}


def test_what_is_wrong_with_a_run_stands_above_the_scores(bert: Path, tmp_path: Path) -> None:
    train = write_csv(tmp_path / "train.csv", text_rows(60, 1))
    words = ["run", "classification", "--model", bert, "--train", train, "--columns", "text=text,label=label"]
    words += ["--method", "full", "--set", "max_steps=1", "--set", "learning_rate=1e-9", "--no-baseline", "--quiet"]
    result = zoo(*words, "--seeds", "2", "--output", tmp_path / "runs")
    assert result.code == 0, result.err
    said = read(tmp_path / "runs" / "summary.json")["verdicts"]
    assert said.keys() & {"seed-1", "seed-2"}
    for name, sentences in said.items():
        assert result.out.index(f"{name}: {sentences[0]}") < result.out.index("f1_macro  ")


@pytest.mark.parametrize("kind", ["seed", pytest.param("fold", marks=pytest.mark.slow)])
def test_one_of_several_runs_is_repeated_from_its_config(kind: str, seeds: Path, folds: Path, tmp_path: Path) -> None:
    run = (seeds if kind == "seed" else folds) / f"{kind}-2"
    assert zoo("run", "--config", run / "config.yaml", "--output", tmp_path / "again", "-q").code == 0
    assert digest(tmp_path / "again" / "predictions.jsonl") == digest(run / "predictions.jsonl")


def test_started_again_with_all_done_trains_nothing(words: list[object], seeds: Path) -> None:
    before = {file: file.stat().st_mtime_ns for file in seeds.rglob("*") if file.name != "summary.json"}
    summary = read(seeds / "summary.json")
    result = zoo(*words, "--seeds", 2, "--output", seeds, "--json")
    assert result.code == 0, result.err
    assert {file: file.stat().st_mtime_ns for file in seeds.rglob("*") if file.name != "summary.json"} == before
    assert result.json == {"directory": str(seeds), **summary}


def test_stopped_in_the_second_and_started_again(words: list[object], seeds: Path, bert: Path, tmp_path: Path) -> None:
    """The result is that of runs that nobody stopped."""
    path = tmp_path / "out"
    settings = {"method": "full", "max_steps": 12, "batch_size": 8, "precision": "fp32", "learning_rate": 0.01}
    rows = DataRequest(train=str(words[5]), test=str(words[7]), columns={"text": "text", "label": "label"})
    resolved = resolve_request(RunRequest("classification", str(bert), rows, {**settings, "baseline": False}))
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += (path / "seed-2" / "manifest.json").is_file()
        return asked > 5

    with pytest.raises(Interrupted, match=r"Stopped in run 2 of 2\. To continue, give the same command with"):
        run_repeats(resolved, Repeats("seeds", 2), path, stop=stop)
    kept = read(path / "summary.json")["runs"]
    assert kept[0]["metrics"] is not None
    assert kept[1]["metrics"] is None
    assert zoo("runs", path.parent).out.splitlines()[1].endswith("unfinished: 1 of 2 seeds")
    assert zoo("compare", path, seeds).code == 2
    result = zoo(*words, "--seeds", 2, "--output", path)
    assert result.code == 0, result.err
    for i in (1, 2):
        assert digest(path / f"seed-{i}" / "predictions.jsonl") == digest(seeds / f"seed-{i}" / "predictions.jsonl")
    assert read(path / "summary.json")["scores"] == read(seeds / "summary.json")["scores"]


def test_rows_that_an_earlier_run_has_learnt_are_not_called_new_in_folds(seeds: Path, tmp_path: Path) -> None:
    """Of 60 rows the earlier run held out 6 for validation, which the scores of the folds say."""
    earlier, train = seeds / "seed-1", read(seeds / "seed-1" / "manifest.json")["rows"]["train"]
    words = ["run", "--from", earlier, "--train", read_config(earlier / "config.yaml")["data"]["train"], "--folds", 2]
    result = zoo(*words, "--method", "linear-probe", "--no-baseline", "--output", tmp_path / "out", "--quiet")
    assert result.code == 0, result.err
    said = f"each predicted by one of 2 runs; the run that they continue was trained on {train} of these rows."
    assert said in result.out
    summary = read_summary(tmp_path / "out")
    unknown = replace(summary, facts={**summary.facts, "learnt_before": None})
    assert "was trained on an unknown number of these rows." in folds_verdict(unknown)[0]


def test_every_row_is_predicted_once_by_a_model_that_did_not_see_it(words: list[object], folds: Path) -> None:
    rows = text_rows(60, 1)
    threads = {row["text"]: row["thread"].split("_")[0] for row in rows}
    predicted = read_lines(folds / "predictions.jsonl")
    assert Counter(row["text"] for row in predicted) == Counter(row["text"] for row in rows)
    folds_of = defaultdict(set)
    for row in predicted:
        folds_of[threads[row["text"]]].add(row["fold"])
    assert all(len(found) == 1 for found in folds_of.values())
    for fold in (1, 2, 3):
        manifest = read(folds / f"fold-{fold}" / "manifest.json")
        tested = [row for row in predicted if row["fold"] == fold]
        assert (
            manifest["rows"]["test"] == len(tested) == 60 - manifest["rows"]["train"] - manifest["rows"]["validation"]
        )
        assert manifest["overlap"]["train_test"]["count"] == 0
        info = {"folds": 3, "stratified": True, "grouped": True, "seed": 42, "unused_test_rows": 30}
        assert manifest["splits"]["fold"] == {"fold": fold, **info}


def test_the_score_of_all_folds(folds: Path) -> None:
    predicted, summary = read_lines(folds / "predictions.jsonl"), read(folds / "summary.json")
    gold, given = zip(*((row["reference"]["label"], row["label"]) for row in predicted), strict=True)
    found = summary["scores"]["f1_macro"]
    assert found["value"] == pytest.approx(f1_score(gold, given, average="macro"))
    assert found["ci95"][0] < found["value"] < found["ci95"][1]
    each = [read(folds / f"fold-{i}" / "metrics.json")["test"]["f1_macro"] for i in (1, 2, 3)]
    assert (found["low"], found["high"]) == (min(each), max(each))
    assert summary["rows"] == 60
    assert read(folds / "metrics.json")["test"]["f1_macro"] == found["value"]


def test_folds_can_be_compared(folds: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folds, other)
    result = zoo("compare", folds, other, "--json")
    assert result.code == 0, result.err
    assert result.json["rows"] == 60
    assert result.json["pairs"][0]["outcome"] == "equal"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--seeds", "3"], "holds 2 seeds, and 3 seeds were asked for"),
        (["--folds", "2"], "holds 2 seeds, and 2 folds were asked for"),
        (["--seeds", "2", "--epochs", "9"], "other settings (training.epochs)"),
        (["--seeds", "2", "--folds", "2"], "exclude each other"),
        (["--seeds", "1"], "--seeds"),
        (["--seeds", "2", "--processes", "2"], "--processes is for one"),
        (["--folds", "99", "--output", "new"], "60 distinct inputs, too few for 99 folds"),
    ],
)
def test_bad_requests(
    words: list[object], seeds: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], said: str
) -> None:
    monkeypatch.chdir(seeds.parent)
    before = {file: file.stat().st_mtime_ns for file in seeds.parent.rglob("*")}
    result = zoo(*words, *(["--output", seeds] if "--output" not in more else []), *more)
    assert (result.code, result.out) == (2, ""), result.err
    assert said in result.err
    assert {file: file.stat().st_mtime_ns for file in seeds.parent.rglob("*")} == before


def test_eval_keeps_what_compare_reads(words: list[object], seeds: Path, tmp_path: Path) -> None:
    """Both ways to the same rows give the same answers."""
    result = zoo("eval", seeds / "seed-1", "--data", words[7], "--output", tmp_path / "eval-1")
    assert result.code == 0, result.err
    same = zoo("compare", seeds / "seed-1", tmp_path / "eval-1", "--json").json
    assert same["pairs"][0]["outcome"] == "equal"
    other = zoo("compare", tmp_path / "eval-1", seeds / "seed-2", "--json").json
    direct = zoo("compare", seeds / "seed-1", seeds / "seed-2", "--json").json
    assert other["pairs"][0]["differences"] == direct["pairs"][0]["differences"]
    taken = zoo("eval", seeds / "seed-1", "--data", words[7], "--output", tmp_path / "eval-1")
    assert (taken.code, "exists already" in taken.err) == (2, True)


def test_seeds_without_test_rows_are_summed_up_by_their_validation_scores(tmp_path: Path) -> None:
    task = registry.task_entry("classification").load()({})
    task.restore(head(("bad", "good")))
    parts = [Part(f"seed-{i}", i, {"f1_macro": 0.5 + i / 10, "roc_auc": None, "rows": 20}) for i in (1, 2)]
    found = seed_facts(tmp_path, parts, task)
    assert (found["metric"], found["split"], found["rows"]) == ("f1_macro", "validation", 20)
    assert found["scores"].keys() == {"f1_macro"}
    assert found["scores"]["f1_macro"]["mean"] == pytest.approx(0.65)
    assert found["scores"]["f1_macro"]["t_ci95"] == [
        pytest.approx(0.0147, abs=1e-4),
        1.0,
    ]  # cut at the end of the range
    assert "ci95" not in found["scores"]["f1_macro"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "family", "metric"),
    [
        ("ner", "bert", "f1"),
        ("sentiment", "bert", "f1_macro"),
        ("translation", "t5", "bleu"),
        ("summarization", "t5", "rougeL"),
    ],
)
@pytest.mark.parametrize("kind", ["seeds", "folds"])
def test_every_task(task: str, family: str, metric: str, kind: str, tiny_checkpoint: Callable, tmp_path: Path) -> None:
    settings = ["--set", "max_steps=2", "--batch-size", 4, "--precision", "fp32", "--method", "full"]
    settings += ["--set", "max_new_tokens=4"] if family == "t5" else []
    output = ["--output", tmp_path / "out", "-q"]
    result = zoo("run", task, "--model", tiny_checkpoint(family), *settings, f"--{kind}", 2, *output)
    assert result.code == 0, result.err
    summary = read(tmp_path / "out" / "summary.json")
    assert summary["metric"] == metric
    assert metric in summary["scores"]
