from __future__ import annotations

from pathlib import Path

import pytest

from taskzoo.data.readers import find_splits
from taskzoo.errors import DataError


def found(folder: Path, *names: str) -> dict[str, str]:
    for name in names:
        (folder / name).write_text("x")
    return {split: path.name for split, path in find_splits(folder).items()}


@pytest.mark.parametrize("dev", ["validation", "valid", "val", "dev", "VALIDATION"])
@pytest.mark.parametrize("ending", [".csv", ".conll", ".jsonl", ".json", ".tsv", ".txt", ".csv.gz"])
def test_plain_names(tmp_path: Path, dev: str, ending: str) -> None:
    names = [f"train{ending}", f"{dev}{ending}", f"test{ending}"]
    assert found(tmp_path, *names) == dict(zip(("train", "validation", "test"), names, strict=True))


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"),
        ("en-train.txt", "en_dev.txt", "en.test.txt"),
        ("wnuttrain.conll", "wnutdev.conll", "wnuttest.conll"),
        ("MyTrain.csv", "MyDev.csv", "MyTest.csv"),
        ("train-00000-of-1.jsonl", "validation-00000-of-1.jsonl", "test-00000-of-1.jsonl"),
    ],
)
def test_words_inside_names(tmp_path: Path, train: str, validation: str, test: str) -> None:
    others = ["LICENSE", "labels.txt", ".train.csv", "train.py", "test.sh", "README.md", "train_test.csv"]
    assert found(tmp_path, train, validation, test, *others) == {"train": train, "validation": validation, "test": test}


def test_other_words_that_end_alike_are_no_split(tmp_path: Path) -> None:
    assert found(tmp_path, "train.csv", "latest.csv", "contest.csv", "retrieval.csv") == {"train": "train.csv"}


def test_missing_splits_are_left_out_in_order(tmp_path: Path) -> None:
    assert list(found(tmp_path, "test.csv", "train.csv")) == ["train", "test"]


def test_the_plain_name_wins(tmp_path: Path) -> None:
    names = ["train.csv", "train_small.csv", "my.test", "my.test.csv"]
    assert found(tmp_path, *names) == {"train": "train.csv", "test": "my.test.csv"}


@pytest.mark.parametrize("pair", [("train.csv", "train.tsv"), ("a.train.csv", "b.train.csv"), ("x.test", "x.test.old")])
def test_ambiguous(tmp_path: Path, pair: tuple[str, str]) -> None:
    with pytest.raises(DataError) as caught:
        found(tmp_path, *pair)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}: {pair[0]}, {pair[1]} could each be")
    assert "say which with --t" in message
    assert "\n" not in message


def test_two_names_for_validation_are_ambiguous(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"dev\.csv, validation\.csv could each be the validation file"):
        found(tmp_path, "train.csv", "dev.csv", "validation.csv")


def test_nothing_found(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file here is named train.*--train"):
        found(tmp_path, "data.csv")
    with pytest.raises(DataError, match="no such folder"):
        find_splits(tmp_path / "nowhere")
    with pytest.raises(DataError, match="this is not a folder"):
        find_splits(tmp_path / "data.csv")
