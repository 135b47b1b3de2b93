from __future__ import annotations

from pathlib import Path

import pytest

from taskzoo.data.readers import expand, find_splits, unused_entries
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


@pytest.mark.parametrize(
    "name", ["devel.tsv", "dev.tsv", "val_1.tsv", "en_ewt-ud-dev.tsv", "valid.tsv", "my.devset.tsv"]
)
def test_usual_names_of_validation(tmp_path: Path, name: str) -> None:
    assert found(tmp_path, "train.tsv", name, "test.tsv") == {
        "train": "train.tsv",
        "validation": name,
        "test": "test.tsv",
    }


@pytest.mark.parametrize("name", ["eval.csv", "testing.csv", "tst.csv", "devtest.csv", "testset.csv", "测试集.csv"])
def test_usual_names_of_test(tmp_path: Path, name: str) -> None:
    assert found(tmp_path, "trainset.csv", "dev.csv", name)["test"] == name


def test_eval_is_validation_where_a_file_is_named_test(tmp_path: Path) -> None:
    named = found(tmp_path, "train.csv", "eval.csv", "test.csv")
    assert named == {"train": "train.csv", "validation": "eval.csv", "test": "test.csv"}


def test_the_files_of_conll_2003(tmp_path: Path) -> None:
    named = found(tmp_path, "eng.train", "eng.testa", "eng.testb")
    assert named == {"train": "eng.train", "validation": "eng.testa", "test": "eng.testb"}


def test_parts_of_one_file_are_one_split(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / f"train-0000{number}-of-00002.csv").write_text("text,label\na,b\n")
    pattern = find_splits(tmp_path)["train"]
    assert [path.name for path in expand(pattern)] == ["train-00000-of-00002.csv", "train-00001-of-00002.csv"]
    (tmp_path / "train-00001-of-00002.csv").unlink()
    with pytest.raises(DataError, match="1 of 2 parts are here"):
        find_splits(tmp_path)


def test_what_no_split_is_read_from_is_named(tmp_path: Path) -> None:
    for name in ("train.csv", "notes.csv", ".hidden"):
        (tmp_path / name).write_text("text,label\na,b\n")
    (tmp_path / "old").mkdir()
    assert unused_entries(tmp_path, [tmp_path / "train.csv"]) == ["notes.csv", "old/"]
    assert unused_entries(tmp_path, [tmp_path]) == []


def test_patterns(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "[x].csv"):
        (tmp_path / name).write_text("text,label\na,b\n")
    assert [path.name for path in expand(tmp_path / "[ab].csv")] == ["a.csv", "b.csv"]
    assert expand(tmp_path / "[x].csv") == [tmp_path / "[x].csv"]  # a file of this name
    assert expand(tmp_path / "missing.csv") == [tmp_path / "missing.csv"]
    with pytest.raises(DataError, match="no file matches"):
        expand(tmp_path / "c*.csv")
