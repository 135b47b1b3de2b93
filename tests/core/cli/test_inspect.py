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
