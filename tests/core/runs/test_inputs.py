"""What ``predict`` takes from Python and from standard input, and what is said of the rows."""

from __future__ import annotations

import io
import json
import sys
import warnings
from collections import UserDict
from pathlib import Path
from typing import Any
from unittest import mock

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

import taskzoo
from taskzoo.cli.stdin import read_lines
from taskzoo.errors import DataError, RequestError, RunError
from taskzoo.runs.load import check_confidence, check_finite

from .kit import read, zoo

PAIRS = [
    {"text": f"{a} {n}", "text_pair": b, "label": label}
    for n in range(12)
    for a, b, label in (("the cat", "an animal", "yes"), ("the car", "a fish", "no"))
]
SHORT = {"max_steps": 2, "precision": "fp32", "max_length": 16, "test": []}


@pytest.fixture(scope="module")
def pairs(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A classifier that was trained on pairs of texts."""
    path = tmp_path_factory.mktemp("pairs") / "run"
    taskzoo.finetune("classification", model=str(model), train=PAIRS, output=path, **SHORT)
    return taskzoo.load(path)


@pytest.fixture(scope="module")
def single(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A classifier of single texts, trained from a file."""
    folder = tmp_path_factory.mktemp("single")
    rows = ["text,label", *(f"{row['text']},{row['label']}" for row in PAIRS)]
    (folder / "train.csv").write_text("\n".join(rows), encoding="utf-8")
    settings = {**SHORT, "test": "none"}
    taskzoo.finetune("classification", model=str(model), train=folder / "train.csv", output=folder / "run", **settings)
    return taskzoo.load(folder / "run")


def texts_of(found: Any) -> Any:
    return [p["text"] for p in found] if isinstance(found, list) else found["text"]


@pytest.mark.parametrize(
    ("inputs", "texts"),
    [
        ("a", "a"),
        (np.str_("a"), "a"),
        ({"text": "a"}, "a"),
        (UserDict({"text": "a"}), "a"),
        ({"text": np.str_("a"), "label": "yes"}, "a"),
        (["a", {"text": "b"}, {"sentence": "c"}], ["a", "b", "c"]),
        (("a", "b"), ["a", "b"]),
        (iter("ab"), ["a", "b"]),
        ((text for text in ("a", "b")), ["a", "b"]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array(["a", "b"], dtype=object), ["a", "b"]),
        (pd.Series(["a", "b"], index=[5, 6]), ["a", "b"]),
        (pa.array(["a", "b"]), ["a", "b"]),
        (pd.DataFrame({"id": [1, 2], "text": ["a", None]}), ["a", ""]),
        (pa.table({"review": ["a", "b"]}), ["a", "b"]),
        (datasets.Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]}), ["a", "b"]),
        ([], []),
        (["", "a", " \t"], ["", "a", " \t"]),
    ],
)
def test_what_predict_takes(single: Any, inputs: Any, texts: Any) -> None:
    assert texts_of(single.predict(inputs)) == texts


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (None, "The input is of type NoneType; give a text, a mapping with the keys text, text_pair, or several"),
        (5, "The input is of type int"),
        (b"bytes", "The input is of type bytes"),
        (np.array("a"), "The input is of type ndarray"),
        (torch.tensor(1), "The input is of type Tensor"),
        ([None], "input: item 1 is of type NoneType"),
        (["a", 2], "input: item 2 is of type int"),
        ([b"a"], "item 1 is of type bytes"),
        ([["a", "b"]], "item 1 is of type list"),
        ([("a", "b")], "item 1 is of type tuple"),
        (torch.tensor([1, 2]), "item 1 is of type Tensor"),
        ([{"txt": "a"}], "no column for text; found 'txt'"),
        ({}, None),
        ({"text": 5}, "the text is 5, not text"),
        ({"text": ["a", "b"]}, "not text"),
        (datasets.DatasetDict({"train": datasets.Dataset.from_dict({"text": ["a"]})}), "this holds the splits train"),
        ("half \ud800", "half of a character"),
    ],
)
def test_what_predict_refuses(single: Any, inputs: Any, said: str | None) -> None:
    if said is None:
        assert single.predict(inputs)["label"] is None
        return
    with pytest.raises(RequestError, match=".*".join(map(str, [said]))):
        single.predict(inputs)


def test_a_pair_is_one_input_where_the_run_reads_pairs(pairs: Any) -> None:
    one = pairs.predict(("the cat 1", "an animal"))
    assert (one["text"], one["text_pair"]) == ("the cat 1", "an animal")
    assert pairs.predict({"text": "the cat 1", "text_pair": "an animal"}) == one
    assert pairs.predict([("the cat 1", "an animal"), ["the cat 1", "an animal"]]) == [one, one]


def test_a_model_of_pairs_never_loses_the_second_text(pairs: Any, model: Path, tmp_path: Path) -> None:
    file = tmp_path / "single.csv"
    file.write_text("text,other,label\nthe cat,an animal,yes\n", encoding="utf-8")
    said = "trained on pairs of texts, and this row has no text_pair"
    for use in (
        lambda: pairs.predict("the cat"),
        lambda: pairs.predict(["the cat", "an animal"]),
        lambda: pairs.predict_file(file),
        lambda: pairs.evaluate(file),
        lambda: pairs.evaluate([{"text": "the cat", "label": "yes"}]),
        lambda: taskzoo.finetune(
            "classification",
            model=str(model),
            output=tmp_path / "run",
            **{**SHORT, "train": PAIRS, "test": [{"text": "a", "label": "yes"}]},
        ),
    ):
        with pytest.raises(DataError, match=said):
            use()
    assert not (tmp_path / "run").exists()
    scored = pairs.evaluate(file, columns={"text_pair": "other"})
    assert len(scored.references) == 1


@pytest.mark.parametrize("least", ["0.5", True, 1.5, -0.1, float("nan"), [0.5]])
def test_a_least_confidence_is_a_number_from_0_to_1(least: Any) -> None:
    with pytest.raises(RequestError, match="must be a number between 0 and 1"):
        check_confidence(least)
    check_confidence(None)
    check_confidence(np.float64(0.5))


def test_an_empty_answer_has_no_confidence(single: Any) -> None:
    assert single.predict(["", "a"], min_confidence=0)[0] == {"text": "", "label": None, "abstained": True}


def test_scores_that_are_not_numbers_are_no_prediction() -> None:
    assert check_finite({"label": "a", "score": 1.0}) == {"label": "a", "score": 1.0}
    with pytest.raises(RunError, match="scores that are not numbers"):
        check_finite({"label": "a", "scores": {"a": float("nan")}})


# standard input and files of lines


def stdin(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding="ascii", errors="surrogateescape")


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"\n \n", ["", ""]),
        (b"a\n\nb\n", ["a", "", "b"]),
        (b"a\r\n\r\nb", ["a", "", "b"]),
        ("\ufeffé\u2028x\x85y\n".encode(), ["é\u2028x\x85y"]),
        ("é\n".encode("utf-16"), ["é"]),
    ],
)
def test_lines_of_standard_input(data: bytes, lines: list[str]) -> None:
    assert list(read_lines(stdin(data))) == lines


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("好\n今天天气很好\n".encode("gbk"), "standard input:1: .*GB18030: convert with iconv"),
        ("caf\u00e9\n".encode("latin-1"), "standard input:1: .*iconv -f WINDOWS-1252"),
        (b"a\nPK\x00", "NUL byte"),
        (b"PK\x03\x04zip", "zip"),
        (b"x" * 10_000_001, "more than 10,000,000 characters stand here, so this is not one text"),
    ],
)
def test_standard_input_that_is_no_text(data: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        list(read_lines(stdin(data)))


def test_a_blank_line_has_an_empty_answer_everywhere(single: Any, tmp_path: Path) -> None:
    lines = ["the cat", "", "the car"]
    piped = zoo("predict", single.path, stdin="\n".join(lines) + "\n")
    assert (piped.code, piped.err) == (0, "")
    found = [json.loads(line) for line in piped.out.splitlines()]
    assert [p["text"] for p in found] == lines
    assert found[1] == {"text": "", "label": None}
    assert single.predict(lines) == found
    objects = "".join(f"{json.dumps({'text': text})}\n" if text else "\n" for text in lines)
    piped = zoo("predict", single.path, "--json", stdin=objects)
    assert [json.loads(line) for line in piped.out.splitlines()] == found
    files = {
        "lines.txt": "\n".join(lines) + "\n",
        "cells.csv": "id,text\n1,the cat\n2,\n3,the car\n",
        "column.csv": "text\nthe cat\n\nthe car\n",
        "objects.jsonl": objects,
        "null.json": json.dumps([{"text": "the cat"}, {"text": None}, {"text": "the car"}]),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        assert single.predict_file(tmp_path / name) == found, name
    (tmp_path / "train.txt").write_text("the cat\tyes\n\nthe car\tno\n", encoding="utf-8")
    assert len(single.evaluate(tmp_path / "train.txt", columns={"text": "0", "label": "1"}).references) == 2


def test_output_is_json_in_one_line_whatever_the_text_and_the_encoding(single: Any) -> None:
    text = "a\u2028b\x9b31m\x1b[0m 中"
    for encoding in ("utf-8", "ascii"):
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
        with mock.patch.object(sys, "argv", ["zoo", "predict", str(single.path), text]), mock.patch("sys.stdout", out):
            with pytest.raises(SystemExit):
                taskzoo.cli.main()
            out.flush()
        written = out.buffer.getvalue().decode(encoding)
        assert json.loads(written)["text"] == text
        assert len(written.splitlines()) == 1
        assert not set("\x9b\x1b\u2028") & set(written)


# what is said of the rows


def test_what_is_cut_is_said(single: Any, tmp_path: Path) -> None:
    long = "the cat went to the house " * 20
    with pytest.warns(UserWarning, match="1 truncated rows"):
        single.predict(["the cat", long])
    result = zoo("predict", single.path, long)
    assert result.code == 0
    assert result.err.startswith("1 truncated rows")
    file = tmp_path / "long.csv"
    file.write_text(f"text,label\n{long},yes\nthe car,no\n", encoding="utf-8")
    result = zoo("eval", single.path, "--data", file, "--json")
    assert result.err.startswith("1 truncated rows")
    assert result.json["rows"] == 2


def test_scores_on_the_training_file_are_called_so(single: Any, tmp_path: Path) -> None:
    train = single.path.parent / "train.csv"
    (tmp_path / "copy.csv").write_bytes(train.read_bytes())
    result = zoo("eval", single.path, "--data", train, "--json")
    assert result.err.startswith("warning   this is the file that the run was trained on")
    with pytest.warns(UserWarning, match="this is the file that the run was trained on"):
        single.evaluate(tmp_path / "copy.csv")
    other = tmp_path / "other.csv"
    other.write_text("text,label\nthe car,no\n", encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        single.evaluate(other)


def test_no_place_of_this_machine_is_published(single: Any) -> None:
    """Neither the card nor the manifest says where files lie; the configuration does, so that the run repeats."""
    place = str(single.path.parent)
    for name in ("README.md", "manifest.json", "model/task.json", "model/config.json"):
        text = (single.path / name).read_text(encoding="utf-8")
        assert place not in text, name
        assert str(Path.home()) + "/" not in text, name
    manifest = read(single.path / "manifest.json")
    assert manifest["data"]["train"]["source"] == "train.csv"
    assert manifest["model"]["name"] == manifest["model"]["location"] == "bert"
    assert place in (single.path / "config.yaml").read_text(encoding="utf-8")
