"""``zoo inspect`` reads data as a run would, and writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from taskzoo.cli import main


def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["zoo", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    captured = capsys.readouterr()
    return int(stopped.value.code or 0), captured.out, captured.err


def conll(sentences: list[tuple[str, str]]) -> str:
    return "\n\n".join(f"{name}\tB-{label}\nslept\tO" for name, label in sentences) + "\n"


def test_reports_rows_overlap_conflicts_and_windows(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tiny_checkpoint: Callable[..., Path],
) -> None:
    monkeypatch.chdir(tmp_path)
    train = [(f"Name{i}", "PER") for i in range(20)] + [("Paris", "PER"), ("Paris", "LOC")]
    long = "\n".join(f"Name{i}\tO" for i in range(400))
    Path("train.conll").write_text(conll(train) + "\n" + long + "\n", encoding="utf-8")
    Path("dev.conll").write_text(conll([("Ann", "PER"), ("Bob", "PER")]), encoding="utf-8")
    Path("test.conll").write_text(conll([("Name3", "PER"), ("Zoe", "PER")]), encoding="utf-8")
    files = ["--train", "train.conll", "--validation", "dev.conll", "--test", "test.conll"]
    before = sorted(tmp_path.iterdir())
    code, out, _ = call(
        monkeypatch,
        capsys,
        "inspect",
        "ner",
        *files,
        "--model",
        str(tiny_checkpoint()),
        "--set",
        "max_length=64",
        "--json",
    )
    report = json.loads(out)
    assert code == 0
    assert {name: split["rows"] for name, split in report["splits"].items()} == {
        "train": 23,
        "validation": 2,
        "test": 2,
    }
    assert report["counts"]["train"]["windowed_rows"] == 1
    assert report["splits"]["train"]["features"] > 23
    assert report["splits"]["train"]["longest"] <= 64
    assert report["overlap"]["train_test"]["count"] == 1
    assert report["overlap"]["conflicting_targets"]["count"] == 1
    assert any("test rows have an input that is also in train" in note for note in report["notes"])
    assert sorted(tmp_path.iterdir()) == before


def test_bad_data_are_refused_as_in_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "train.conll"
    file.write_text("Ann\tPERSON\n", encoding="utf-8")
    code, out, err = call(monkeypatch, capsys, "inspect", "ner", "--train", str(file), "--model", "scratch:bert-tiny")
    assert code == 2
    assert "train.conll:1" in err
    assert "PERSON" in err
    assert out == ""


@pytest.mark.parametrize("settings", [[], ["--set", "scratch_separate=true", "--set", "scratch_tokenizer=bpe"]])
def test_models_from_scratch_are_examined_with_the_vocabulary_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f'{{"text": "the cat number {i} sat on the mat", "label": "{"ab"[i % 2]}"}}' for i in range(40)]
    Path("train.jsonl").write_text("\n".join(rows), encoding="utf-8")
    arguments = ["inspect", "classification", "--train", "train.jsonl", "--model", "scratch:marian-tiny", "--json"]
    code, out, _ = call(monkeypatch, capsys, *arguments, "--set", "scratch_vocabulary=400", *settings)
    assert code == 0
    assert json.loads(out)["splits"]["train"]["longest"] > 3
    assert [path.name for path in tmp_path.iterdir()] == ["train.jsonl"]


def inspected(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], task: str, *arguments: str) -> str:
    code, out, err = call(monkeypatch, capsys, "inspect", task, "--model", "scratch:bert-tiny", *arguments)
    assert code == 0, err
    return out


def table(path: str, labels: list[str]) -> None:
    rows = [f"text number {path} {i},{label}" for i, label in enumerate(labels)]
    Path(path).write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")


def test_labels_are_counted_per_split_with_what_is_odd_about_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    table("train.csv", ["spam"] * 60 + ["ham"] * 140 + ["nan"] * 2 + ["Ham"])
    table("test.csv", ["spam"] * 80 + ["ham"] * 20)
    files = ["--train", "train.csv", "--validation", "none", "--test", "test.csv"]
    report = json.loads(inspected(monkeypatch, capsys, "classification", *files, "--json"))
    assert report["labels"] == {
        "ham": {"train": 140, "test": 20},
        "spam": {"train": 60, "test": 80},
        "nan": {"train": 2, "test": 0},
        "Ham": {"train": 1, "test": 0},
    }
    assert len(report["examples"]) == 10
    first = report["examples"][0]
    assert first == {"place": str(tmp_path / "train.csv:2"), "text": "text number train.csv 0", "label": "spam"}
    assert 0 <= report["splits"]["test"]["unknown_tokens"] <= 1
    for said in (
        "the label 'nan' (2 rows) looks like a missing value",
        "the labels 'Ham' (1 row) and 'ham' (160 rows) differ in upper and lower case only",
        "train: the label 'Ham' occurs once only",
        "test: 'nan', 'Ham' occur not at all, of 4 labels",
        "test: labels are shared out differently: 'spam' 80.0% and 29.6% in train; 'ham' 20.0% and 69.0% in train",
    ):
        assert said in report["notes"]
    out = inspected(monkeypatch, capsys, "classification", *files)
    assert "ham    140 (69.0%)  20 (20.0%)" in out
    assert 'train.csv:2  text="text number train.csv 0"  label="spam"' in out


def test_every_one_of_many_labels_has_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    table("train.csv", [f"intent {n}" for n in range(151)] * 4)
    out = inspected(monkeypatch, capsys, "classification", "--train", "train.csv", "--validation", "none")
    assert sum(line.startswith("intent ") for line in out.splitlines()) == 151


def test_targets_that_splits_share_and_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for split, first in (("train", 0), ("test", 10)):
        rows = [f'{{"source": "{split} sentence {i}", "target": "same {i}"}}' for i in range(first, first + 15)]
        Path(f"{split}.jsonl").write_text("\n".join(rows), encoding="utf-8")
    arguments = ["--train", "train.jsonl", "--validation", "none", "--test", "test.jsonl", "--json"]
    code, out, _ = call(monkeypatch, capsys, "inspect", "translation", "--model", "scratch:marian-tiny", *arguments)
    report = json.loads(out)
    assert code == 0
    assert report["shared_targets"] == {"test": 5}
    assert "test: 5 rows have a target that is also in train" in report["notes"]
    assert report["labels"] == {}
    table("numbers.csv", [f"{n}%" for n in range(100)])
    found = json.loads(inspected(monkeypatch, capsys, "sentiment", "--train", "numbers.csv", "--json"))
    assert found["numbers"].keys() == {"train", "validation", "test"}
    assert min(split["least"] for split in found["numbers"].values()) == 0
