"""Data as people have them, through the real command line: it works, or one line says what to do."""

from __future__ import annotations

import contextlib
import io
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from taskzoo.cli import main

WORDS = ["mayor", "visited", "Paris", "Austin", "demand", "strong", "he", "came", "why", "leave"]
SHORT = "--set max_steps=1 --precision fp32 --set max_length=24 --quiet"


def texts(count: int, seed: int = 0) -> list[str]:
    generator = random.Random(seed)
    return [f"{' '.join(generator.choices(WORDS, k=5))} {seed}{number}" for number in range(count)]


def table(labels: list[str], header: str = "text,label\n", seed: int = 0) -> str:
    return header + "".join(f"{text},{label}\n" for text, label in zip(texts(len(labels), seed), labels, strict=True))


def lines(values: list[Any], seed: int = 0) -> str:
    rows = zip(texts(len(values), seed), values, strict=True)
    return "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows)


AB = ["a", "b"] * 15
GOOD = table(AB)
FILES = {
    "good.csv": GOOD,
    "test.csv": table(AB[:10], seed=1),
    "imbalance.csv": table(["common"] * 297 + ["rare"] * 3),
    "one-class.csv": table(["a"] * 30),
    "unseen.csv": table(["a", "b", "a", "strange", "b"], seed=2),
    "many.csv": table([f"label-{i % 120}" for i in range(240)]),
    "mixed.jsonl": lines([1, 2, 1, "1", 2, 1]),
    "numbers.jsonl": lines([1, 2] * 15),
    "truths.jsonl": lines([True, False] * 15),
    "texts-and-lists.jsonl": lines(["a", "b", ["a"], "b"]),
    "list-late.jsonl": lines([*AB, ["a", "b"]]),
    "lists.jsonl": lines([["a"], ["a", "b"], [], ["b"]] * 8),
    "json-cells.csv": table(['"[""a""]"', '"[""a"", ""b""]"', "[]", "b"] * 8),
    "joined.csv": table(["a", '"a,b"', "b"] * 10),
    "joined-semicolon.tsv": table(["a", "a;b", "b"] * 10).replace(",", "\t"),
    "empty-part.csv": table(["a", '"a,b"', "b", '"a,"'] * 8),
    "no-header.csv": table(AB, header=""),
    "reversed.tsv": "".join(f"{label}\t{text}\n" for text, label in zip(texts(30), AB, strict=True)),
    "empty-text.csv": GOOD + ",a\n",
    "blank-text.jsonl": lines(AB) + '{"text": " \\n", "label": "a"}\n',
    "number-text.jsonl": lines(AB) + '{"text": 5, "label": "a"}\n',
    "null-text.jsonl": lines(AB) + '{"text": null, "label": "a"}\n',
    "empty-label.csv": GOOD + "Paris,\n",
    "no-label-column.csv": GOOD.replace("text,label", "text,remark"),
    "no-text-column.csv": GOOD.replace("text,label", "title,label"),
    "two-labels.csv": GOOD.replace("text,label", "sentiment,topic"),
    "nested.jsonl": lines([*AB, {"name": "a"}]),
    "no-consensus.csv": table(["entailment", "neutral", "-"] * 10).replace("text,label", "sentence1,gold_label"),
    "two-rows.csv": table(["a", "b"]),
    "blanks.csv": table(["a", " a", "b", "b  "] * 8),
    "windows.csv": "\ufeff" + GOOD.replace("\n", "\r\n"),
    "pairs.csv": "text,text_pair,label\n" + "".join(f"{t},and why,{x}\n" for t, x in zip(texts(30), AB, strict=True)),
    "half-pairs.csv": "text,text_pair,label\n"
    + "".join(f"{t},{'why' if i % 3 else ''},{x}\n" for i, (t, x) in enumerate(zip(texts(30), AB, strict=True))),
    "megabyte.csv": GOOD + f'"{"Paris and Austin, " * 60_000}",a\n',
    "specials.csv": GOOD + "".join(f"{t},a\n" for t in ("</s>", "[SEP]", "<|endoftext|>", "\u200b", "\U0001f993")),
    "repeats.csv": table(AB) + table(AB)[len("text,label\n") :],
    "conflicts.csv": table(AB) + table(AB[1:] + AB[:1])[len("text,label\n") :],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile")
    for name, content in FILES.items():
        (path / name).write_bytes(content.encode("utf-8"))
    (path / "latin.csv").write_bytes("text,label\nZoë ging,a\nweg,b\n".encode("latin-1"))
    return path


@pytest.fixture
def bert(tiny_checkpoint: Callable[..., Path], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return tiny_checkpoint("bert")


def zoo(*words: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["zoo", *map(str, words)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
            code: Any = 0
        except SystemExit as stopped:
            code = stopped.code
    return int(code or 0), out.getvalue(), err.getvalue()


def refused(code: int, out: str, err: str, fragments: list[str]) -> None:
    assert code == 2, err
    assert out == ""
    assert "Traceback" not in err
    said = err.splitlines()
    assert [line for line in said if line.startswith("zoo: ")] == said[-1:]
    for fragment in fragments:
        assert fragment in said[-1]


REFUSED = [
    ("one-class.csv", "--validation none --test none", ["All 30 training rows have the label 'a'; there is nothing"]),
    ("one-class.csv", "", ["training rows have the label 'a'; there is nothing to learn"]),
    (
        "good.csv",
        "--validation unseen.csv",
        ["unseen.csv:5", "'strange' does not occur", "'a', 'b'"],
    ),
    ("good.csv", "--test unseen.csv", ["unseen.csv:5", "'strange'"]),
    ("mixed.jsonl", "", ["mixed.jsonl:4", "the label '1' is of the kind text, but 1 on line 1"]),
    ("texts-and-lists.jsonl", "", ["texts-and-lists.jsonl:3", "is of the kind list, but 'a' on line 1"]),
    ("list-late.jsonl", "--set kind=single", ["list-late.jsonl:31", "of the kind list"]),
    (
        "lists.jsonl",
        "--set kind=single",
        ["lists.jsonl:2", "is a list of 2, and one label per text was asked for", "use kind=multi"],
    ),
    ("nested.jsonl", "", ["nested.jsonl:31", "of the kind object"]),
    ("empty-part.csv", "--set label_separator=,", ["empty-part.csv:5", "is empty"]),
    ("empty-text.csv", "", ["empty-text.csv:32", "the text is empty; fill it in or remove the row"]),
    ("blank-text.jsonl", "", ["blank-text.jsonl:31", "the text is empty"]),
    ("null-text.jsonl", "", ["null-text.jsonl:31", "the text is empty"]),
    ("number-text.jsonl", "", ["number-text.jsonl:31", "the text is 5, not text"]),
    ("empty-label.csv", "", ["empty-label.csv:32", "the label is empty"]),
    ("no-label-column.csv", "", ["no-label-column.csv", "label"]),
    ("no-text-column.csv", "", ["no-text-column.csv", "text"]),
    ("two-labels.csv", "", ["two-labels.csv", "'sentiment' or 'topic'", "--columns label=NAME"]),
    ("no-header.csv", "", ["no-header.csv:1", "--columns text=0,label=1"]),
    ("no-header.csv", "--columns text=0,label=2", ["label=2 is outside the file's 2 columns"]),
    ("good.csv", "--columns text=0,label=0", ["would both read column"]),
    ("two-rows.csv", "", ["too few to split into 3 parts"]),
    ("latin.csv", "", ["latin.csv", "UTF-8"]),
    ("good.csv", "--set kind=value", ["'value' is not one of auto, single, multi"]),
    ("good.csv", "--set pooling=max", ["'max' is not one of auto, mean"]),
    ("good.csv", "--set max_length=2", ["max_length=2 leaves no room"]),
    ("good.csv", "--set max_length=4000", ["max_length=4000 exceeds the limit of the model (512)"]),
    ("good.csv", "--set max_length=-1", ["max_length=-1 must be at least 0"]),
    ("pairs.csv", "--set long_texts=windows", ["long_texts=windows is for single texts"]),
    ("lists.jsonl", "--method contrastive", ["exactly one class per row"]),
]


@pytest.mark.parametrize(("file", "more", "fragments"), REFUSED, ids=[f"{file} {more}" for file, more, _ in REFUSED])
def test_one_line_says_why_and_nothing_is_written(
    bert: Path, folder: Path, file: str, more: str, fragments: list[str]
) -> None:
    before = sorted(folder.rglob("*"))
    words = ["run", "classification", "--model", bert, "--train", file, *SHORT.split(), *more.split()]
    refused(*zoo(*words, "--output", "out"), fragments)
    assert sorted(folder.rglob("*")) == before


def test_a_label_that_means_no_label_is_pointed_out(bert: Path, tmp_path: Path) -> None:
    """SNLI marks pairs of texts that its annotators do not agree on with a dash."""
    given = ["classification", "--model", bert, "--train", "no-consensus.csv", "--validation", "none", "--test", "none"]
    said = "the label '-' (10 rows) looks like a missing value"
    code, out, _ = zoo("inspect", *given)
    assert code == 0
    assert said in out
    code, _, err = zoo("run", *given, *SHORT.removesuffix(" --quiet").split(), "--output", tmp_path / "run")
    assert code == 0
    assert f"warning   {said}\n" in err


def run(bert: Path, output: Path, file: str, *more: str) -> Path:
    """A run of one step, which must succeed."""
    words = ["run", "classification", "--model", bert, "--train", file, *SHORT.split(), *more]
    code, _, err = zoo(*words, "--output", output)
    assert code == 0, err
    return output


KINDS = {"SingleLabelHead": "single", "MultiLabelHead": "multi"}


def head(path: Path) -> Any:
    """What the run learnt of labels, and of which kind they are."""
    saved = json.loads((path / "model" / "task.json").read_text(encoding="utf-8"))["state"]["head"]
    return {**saved["state"], "kind": KINDS[saved["class"]]}


def written(path: Path, name: str) -> Any:
    return json.loads((path / name).read_text(encoding="utf-8"))


def test_a_rare_label_is_learnt_and_scored(bert: Path, tmp_path: Path) -> None:
    path = run(bert, tmp_path / "run", "imbalance.csv", "--set", "class_weights=balanced")
    assert head(path)["labels"] == ["common", "rare"]
    weights = dict(zip(["common", "rare"], head(path)["class_weights"], strict=True))
    assert weights["rare"] > 50 * weights["common"]
    assert written(path, "metrics.json")["test"]["per_label"].keys() >= {"common"}


def test_labels_that_chance_put_outside_training_are_counted_and_always_wrong(bert: Path, tmp_path: Path) -> None:
    path = run(bert, tmp_path / "run", "many.csv")
    manifest, metrics = written(path, "manifest.json"), written(path, "metrics.json")
    name = "rows_with_a_label_unseen_in_training"
    assert manifest["counts"]["train"][name] == 0
    unseen = sum(manifest["counts"][split][name] for split in ("validation", "test"))
    assert unseen > 0
    assert len(head(path)["labels"]) < 120
    known = set(head(path)["labels"])
    strange = {label for label in metrics["test"]["per_label"] if label not in known}
    assert len(strange) == manifest["counts"]["test"][name]
    assert all(metrics["test"]["per_label"][label]["f1"] == 0 for label in strange)


@pytest.mark.parametrize(
    ("file", "more", "kind", "labels"),
    [
        ("numbers.jsonl", [], "single", ["1", "2"]),
        ("truths.jsonl", [], "single", ["false", "true"]),
        ("blanks.csv", [], "single", ["a", "b"]),
        ("windows.csv", [], "single", ["a", "b"]),
        ("no-header.csv", ["--columns", "text=0,label=1"], "single", ["a", "b"]),
        ("reversed.tsv", ["--columns", "text=1,label=0"], "single", ["a", "b"]),
        ("lists.jsonl", [], "multi", ["a", "b"]),
        ("json-cells.csv", [], "multi", ["a", "b"]),
        ("joined.csv", [], "multi", ["a", "b"]),
        ("joined-semicolon.tsv", [], "multi", ["a", "b"]),
        ("joined.csv", ["--set", "kind=single"], "single", ["a", "a,b", "b"]),
        ("two-labels.csv", ["--columns", "text=sentiment,label=topic"], "single", ["a", "b"]),
        ("specials.csv", [], "single", ["a", "b"]),
        ("pairs.csv", [], "single", ["a", "b"]),
        ("half-pairs.csv", [], "single", ["a", "b"]),
    ],
)
def test_data_of_many_forms_are_read(
    bert: Path, tmp_path: Path, file: str, more: list[str], kind: str, labels: list[str]
) -> None:
    quick = ["--validation", "none", "--test", "none", "--method", "full", "--no-baseline"]
    path = run(bert, tmp_path / "run", file, *more, *quick)
    assert (head(path)["kind"], head(path)["labels"]) == (kind, labels)


def test_a_text_of_a_megabyte_is_cut_and_counted(bert: Path, tmp_path: Path) -> None:
    path = run(bert, tmp_path / "run", "megabyte.csv", "--validation", "none", "--test", "none")
    counts = written(path, "manifest.json")["counts"]["train"]
    assert counts["truncated_rows"] == 1
    assert counts["cut_tokens"] > 100_000


def test_repeats_and_conflicts_are_said(bert: Path) -> None:
    code, out, err = zoo("inspect", "classification", "--model", bert, "--train", "repeats.csv")
    assert code == 0, err
    assert "training rows repeat an earlier input" in out
    code, out, _ = zoo("inspect", "classification", "--model", bert, "--train", "conflicts.csv")
    assert "30 inputs occur with different targets" in out
    assert "test rows have an input that is in train" not in out  # equal texts stay together
    words = ["inspect", "classification", "--model", bert, "--train", "good.csv", "--test", "good.csv"]
    code, out, _ = zoo(*words, "--validation", "none")
    assert "30 test rows have an input that is also in train; the test score is too good by that" in out


def test_a_file_to_predict_needs_no_labels(bert: Path, folder: Path, tmp_path: Path) -> None:
    path = run(bert, tmp_path / "run", "pairs.csv", "--validation", "none", "--test", "none")
    (tmp_path / "new.csv").write_text("text,text_pair\nAustin,why\nParis,where\n", encoding="utf-8")
    code, out, err = zoo("predict", path, "--input", tmp_path / "new.csv")
    assert code == 0, err
    first, second = map(json.loads, out.splitlines())
    assert (first["text"], first["text_pair"]) == ("Austin", "why")
    assert (second["text"], second["text_pair"]) == ("Paris", "where")
    (tmp_path / "half.csv").write_text("text,text_pair\nAustin,why\nParis,\n", encoding="utf-8")
    refused(*zoo("predict", path, "--input", tmp_path / "half.csv"), ["half.csv:3", "trained on pairs", "text_pair"])
    (tmp_path / "bad.csv").write_text("title,text_pair\nAustin,why\n", encoding="utf-8")
    refused(*zoo("predict", path, "--input", tmp_path / "bad.csv"), ["bad.csv", "text"])
    refused(*zoo("predict", path, "Paris"), ["input:1", "trained on pairs"])
    (tmp_path / "new.csv").write_text("text,text_pair,label\nAustin,why,strange\n", encoding="utf-8")
    refused(*zoo("eval", path, "--data", tmp_path / "new.csv"), ["new.csv:2", "'strange'"])


@pytest.mark.slow
def test_a_hundred_thousand_rows(bert: Path, tmp_path: Path) -> None:
    labels = [f"label-{i % 7}" for i in range(100_000)]
    (tmp_path / "big.csv").write_text(table(labels), encoding="utf-8")
    began = time.process_time()
    code, out, err = zoo("inspect", "classification", "--model", bert, "--train", tmp_path / "big.csv", "--json")
    assert code == 0, err
    assert sum(split["rows"] for split in json.loads(out)["splits"].values()) == 100_000
    assert time.process_time() - began < 60
    began = time.process_time()
    path = run(bert, tmp_path / "run", str(tmp_path / "big.csv"))
    assert written(path, "manifest.json")["rows"] == {"train": 80_000, "validation": 10_000, "test": 10_000}
    assert time.process_time() - began < 180
