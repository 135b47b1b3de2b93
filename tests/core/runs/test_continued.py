"""``zoo run --from RUN``: training goes on from a finished run, and what is forgotten is measured."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import taskzoo

from .kit import Result, read, read_lines, sentences, text_rows, write_conll, write_csv, zoo

QUICK = ("--set", "precision=fp32", "--method", "full", "--epochs", 2, "--no-baseline", "--quiet")
OLD = ("food", "animals")


@dataclass
class Old:
    """A finished run over two labels, and the files around it."""

    path: Path
    folder: Path
    rain: Path

    def go_on(self, output: Path, *more: object, train: Path | None = None) -> Result:
        """``zoo run --from`` it, with rows of a third label."""
        rows = ("--train", train or self.rain, "--validation", "none", "--test", self.folder / "rain-test.csv")
        return zoo("run", "classification", "--from", self.path, *rows, "--output", output, *QUICK, *more)


@pytest.fixture(scope="session")
def old(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Callable[..., Path]) -> Old:
    folder = tmp_path_factory.mktemp("continued")
    rows = {seed: text_rows(120, seed) for seed in (1, 2, 3, 4)}

    def file(name: str, seed: int, labels: tuple[str, ...]) -> Path:
        return write_csv(folder / name, [row for row in rows[seed] if row["label"] in labels])

    train, test = file("old.csv", 1, OLD), file("old-test.csv", 2, OLD)
    file("rain-test.csv", 4, ("rain",))
    done = zoo(
        *("run", "classification", "--model", tiny_checkpoint(), "--train", train, "--test", test),
        *(
            "--output",
            folder / "old",
            "--set",
            "precision=fp32",
            "--method",
            "linear-probe",
            "--no-baseline",
            "--quiet",
        ),
    )
    assert not done.code, done.err
    return Old(folder / "old", folder, file("rain.csv", 3, ("rain",)))


@pytest.fixture(scope="session")
def new(old: Old) -> Path:
    """A continued run that learnt nothing: its weights are those that it began with."""
    done = old.go_on(old.folder / "new", "--learning-rate", 0)
    assert not done.code, done.err
    return old.folder / "new"


def head(run: Path) -> tuple[np.ndarray, np.ndarray]:
    """Weight and bias of the output layer without the temperature in it."""
    weights, factor = (
        load_file(run / "model" / "model.safetensors"),
        read(run / "model" / "task.json")["logit_scaling"][0],
    )
    return weights["classifier.weight"] / factor, weights["classifier.bias"] / factor


def test_old_outputs_keep_weights_and_places_and_new_ones_are_zero(old: Old, new: Path) -> None:
    labels = read(old.path / "model" / "task.json")["state"]["head"]["state"]["labels"]
    assert read(new / "model" / "task.json")["state"]["head"]["state"]["labels"] == [*labels, "rain"]
    for before, after in zip(head(old.path), head(new), strict=True):
        np.testing.assert_allclose(after[:2], before, rtol=1e-5, atol=1e-6)
        assert not after[2:].any()
    ours, theirs = (load_file(run / "model" / "model.safetensors") for run in (new, old.path))
    assert all((ours[name] == theirs[name]).all() for name in theirs if not name.startswith("classifier"))


def test_what_is_forgotten_is_what_compare_measures(old: Old, tmp_path: Path) -> None:
    done = old.go_on(tmp_path / "run", "--learning-rate", 1e-2, "--batch-size", 4, "--json")
    assert not done.code, done.err
    found = read(tmp_path / "run" / "metrics.json")["forgotten"]
    texts = [row["text"] for row in read_lines(old.path / "predictions.jsonl")]
    gold = [row["reference"]["label"] for row in read_lines(old.path / "predictions.jsonl")]
    before = [row["label"] for row in read_lines(old.path / "predictions.jsonl")]
    after = [row["label"] for row in taskzoo.load(tmp_path / "run").predict(texts)]
    shares = [sum(a == b for a, b in zip(side, gold, strict=True)) / len(gold) for side in (before, after)]
    accuracy = found["scores"]["accuracy"]
    assert found["rows"] == len(gold)
    assert [accuracy["before"], accuracy["after"]] == pytest.approx(shares)
    assert accuracy["difference"] == pytest.approx(shares[1] - shares[0])
    assert accuracy["ci95"][0] <= accuracy["difference"] <= accuracy["ci95"][1] <= 0
    assert "rain" in after
    card = (tmp_path / "run" / "README.md").read_text(encoding="utf-8")
    assert f"Forgotten on the {len(gold)} old test rows: " in card.replace("\\", "")


def test_labels_that_will_be_forgotten_are_said_before_training(old: Old, tmp_path: Path) -> None:
    words = ("--validation", "none", "--test", "none", "--set", "max_steps=1", "precision=fp32", "--method", "full")
    run = ("run", "classification", "--from", old.path, "--train", old.rain, "--no-baseline", *words)
    said = "warning   2 labels of the earlier run have no training row here (animals, food) and will be forgotten; "
    assert (
        said + "--mix-old mixes in old rows (0.25: a quarter of them)" in zoo(*run, "--output", tmp_path / "alone").err
    )
    assert "forgotten;" not in zoo(*run, "--mix-old", 0.5, "--output", tmp_path / "mixed").err


def test_nothing_is_forgotten_by_a_model_that_did_not_change(new: Path) -> None:
    scores = read(new / "metrics.json")["forgotten"]["scores"]
    assert scores["f1_macro"]["difference"] == 0
    assert scores["f1_macro"]["ci95"] == [0, 0]


@pytest.mark.slow
def test_the_manifest_has_the_chain(old: Old, new: Path, tmp_path: Path) -> None:
    files = {name: file["sha256"] for name, file in read(old.path / "manifest.json")["model_files"].items()}
    source = read(new / "manifest.json")["from"]
    assert (source["path"], source["model_files"]) == ("old", files)
    done = zoo("run", "--from", new, "--train", old.rain, "--output", tmp_path / "third", *QUICK)
    assert not done.code, done.err
    manifest = read(tmp_path / "third" / "manifest.json")
    assert (manifest["from"]["path"], manifest["from"]["from"]["path"]) == ("new", "old")


def test_old_rows_are_mixed_in_and_old_test_rows_left_out(old: Old, tmp_path: Path) -> None:
    rain = [dict(row) for row in text_rows(120, 3) if row["label"] == "rain"]
    tested = [row for row in text_rows(120, 2) if row["label"] in OLD][:5]
    train = write_csv(tmp_path / "train.csv", [*rain, *tested])
    done = old.go_on(tmp_path / "run", "--mix-old", 0.5, train=train)
    assert not done.code, done.err
    manifest, before = read(tmp_path / "run" / "manifest.json"), read(old.path / "manifest.json")["rows"]["train"]
    mixed = manifest["splits"]["mixed"]
    assert (mixed["train"], mixed["of"]) == (round(before / 2), before)
    assert manifest["splits"]["left_out_as_old_test"] == 5
    assert manifest["rows"]["train"] == len(rain) + round(before / 2)


@pytest.mark.slow
def test_test_rows_that_the_earlier_run_was_trained_on_are_said(old: Old, tmp_path: Path) -> None:
    rows = [row for row in text_rows(120, 1) if row["label"] in OLD]
    test = write_csv(tmp_path / "test.csv", rows)
    done = zoo(
        *("run", "--from", old.path, "--train", old.rain, "--validation", "none", "--test", test),
        *("--output", tmp_path / "run", *QUICK),
    )
    assert not done.code, done.err
    count = read(tmp_path / "run" / "manifest.json")["overlap"]["old_train_test"]["count"]
    assert count == read(old.path / "manifest.json")["rows"]["train"]


@pytest.mark.slow
def test_old_rows_that_changed_are_not_mixed_in(old: Old, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(old.path, moved)
    other = write_csv(tmp_path / "other.csv", text_rows(60, 9))
    config = (moved / "config.yaml").read_text(encoding="utf-8").replace(str(old.folder / "old.csv"), str(other))
    (moved / "config.yaml").write_text(config, encoding="utf-8")
    rows = ("--train", old.rain, "--output", tmp_path / "run", *QUICK)
    refused = zoo("run", "--from", moved, *rows, "--mix-old", 10)
    assert refused.code == 2
    assert "changed since it was made" in refused.err
    assert not (tmp_path / "run").exists()
    assert not zoo("run", "--from", moved, *rows).code
    assert "changed" in read(tmp_path / "run" / "manifest.json")["splits"]["old_rows_not_read"]


@pytest.mark.slow
def test_an_interrupted_run_is_resumed(old: Old, tmp_path: Path) -> None:
    from taskzoo.errors import Interrupted
    from taskzoo.runs.execute import start
    from taskzoo.runs.plan import make_plan
    from taskzoo.runs.request import DataRequest, RunRequest, resolve_request

    data = DataRequest(train=str(old.rain), validation="none", test=str(old.folder / "rain-test.csv"))
    settings = {"precision": "fp32", "method": "full", "epochs": 2, "mix_old": 20, "learning_rate": 1e-3}
    plan = make_plan(resolve_request(RunRequest(data=data, settings=settings, from_run=old.path)))
    asked = iter([False, False, True])
    with pytest.raises(Interrupted):
        start(plan, tmp_path / "run", stop=lambda: next(asked, True))
    done = zoo("resume", tmp_path / "run", "--quiet")
    assert not done.code, done.err
    assert read(tmp_path / "run" / "metrics.json")["forgotten"]["rows"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--model", "minilm"), "leave one of them out"),
        (("--mix-old", 1.5), "nor a whole number"),
        (("--set", "pooling=mean"), "an option that determines it was changed"),
        (("--set", "kind=multi"), "the earlier run was trained on one label per text; leave it out"),
    ],
)
def test_what_does_not_go_together_is_refused(old: Old, tmp_path: Path, more: tuple[Any, ...], said: str) -> None:
    refused = old.go_on(tmp_path / "run", *more)
    assert (refused.code, said in refused.err) == (2, True), refused.err
    assert not (tmp_path / "run").exists()


def test_what_is_no_finished_run_of_the_task_is_refused(old: Old, tmp_path: Path) -> None:
    rows = ("--train", old.rain, "--output", tmp_path / "run", "--quiet")
    export, unfinished, seeds = tmp_path / "export", tmp_path / "unfinished", tmp_path / "seeds"
    for folder in (export, unfinished, seeds):
        folder.mkdir()
    (export / "export.json").write_text("{}", encoding="utf-8")
    (unfinished / "manifest.json").write_text(json.dumps({"status": "stopped"}), encoding="utf-8")
    (seeds / "summary.json").write_text("{}", encoding="utf-8")
    expected = {
        tmp_path / "missing": "There is no run at",
        export: "is an export, which cannot be trained",
        unfinished: "is not finished (stopped); `zoo resume",
        seeds: "holds several runs",
        old.folder: "is not a finished run",
    }
    for path, said in expected.items():
        refused = zoo("run", "--from", path, *rows)
        assert (refused.code, said in refused.err) == (2, True), refused.err
    other = zoo("run", "sentiment", "--from", old.path, *rows)
    assert (other.code, "continue a run of the same task" in other.err) == (2, True), other.err
    alone = zoo("run", "classification", "--train", old.rain, "--mix-old", 5)
    assert (alone.code, "name that run with --from RUN" in alone.err) == (2, True), alone.err


@pytest.mark.parametrize("kind", ["linear", pytest.param("crf", marks=pytest.mark.slow)])
def test_entities_of_a_new_type(tiny_checkpoint: Callable[..., Path], tmp_path: Path, kind: str) -> None:
    def known(pairs: list[tuple[list[str], list[str]]], types: tuple[str, ...]) -> list[Any]:
        return [(tokens, [tag if tag[2:] in types else "O" for tag in tags]) for tokens, tags in pairs]

    quick = (
        "--set",
        "precision=fp32",
        "--set",
        f"head={kind}",
        "--method",
        "full",
        "--epochs",
        1,
        "--no-baseline",
        "--quiet",
    )
    before = write_conll(tmp_path / "old.conll", known(sentences(40, 1), ("PER", "LOC")))
    done = zoo("run", "ner", "--model", tiny_checkpoint(), "--train", before, "--output", tmp_path / "old", *quick)
    assert not done.code, done.err
    after = write_conll(tmp_path / "new.conll", sentences(40, 2))
    done = zoo(
        *("run", "--from", tmp_path / "old", "--train", after, "--output", tmp_path / "new", "--learning-rate", 0),
        *quick,
    )
    assert not done.code, done.err
    assert read(tmp_path / "new" / "model" / "task.json")["state"]["labels"][5:] == ["B-ORG", "I-ORG"]
    ours, theirs = (load_file(tmp_path / run / "model" / "model.safetensors") for run in ("new", "old"))
    wider = [name for name in theirs if ours[name].shape != theirs[name].shape]
    assert len(wider) == (5 if kind == "crf" else 2)
    for name in wider:
        places = tuple(slice(size) for size in theirs[name].shape)
        assert (ours[name][places] == theirs[name]).all()
        ours[name][places] = 0
        assert not ours[name].any()
    assert read(tmp_path / "new" / "metrics.json")["forgotten"]["scores"]["f1"]["difference"] == 0
