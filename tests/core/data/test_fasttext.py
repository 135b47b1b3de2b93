from __future__ import annotations

from .conftest import Write
from .kit import pairs, refused, texts

FORMATS = ("csv", "tsv", "fasttext")


def test_a_label_on_each_line(write: Write) -> None:
    path = write("a.txt", "__label__pos Well, done\n\n__label__very_bad\tNo: never\n")
    rows = texts(path, formats=FORMATS)
    assert pairs(rows) == [("Well, done", "pos"), ("No: never", "very_bad")]
    assert [row.line for row in rows] == [1, 3]
    assert pairs(texts(write("b.txt", "Well done __label__pos\n"), formats=FORMATS)) == [("Well done", "pos")]


def test_several_labels_make_lists(write: Write) -> None:
    path = write("a.train", "__label__a __label__b one\n__label__a two\n")
    assert pairs(texts(path, formats=FORMATS)) == [("one", ["a", "b"]), ("two", ["a"])]


def test_a_line_without_label(write: Write) -> None:
    path = write("a.ft", "__label__a one\ntwo\n")
    refused(path, "no __label__NAME", line=2, formats=FORMATS, format="fasttext")
    assert [row["text"] for row in texts(path, formats=FORMATS, format="fasttext", labelled=False)] == ["one", "two"]


def test_columns_that_are_named_come_first(write: Write) -> None:
    path = write("a.csv", "__label__pos,well\n__label__neg,no\n")
    assert pairs(texts(path, formats=FORMATS, columns={"label": "0", "text": "1"}))[0] == ("well", "__label__pos")
    refused(path, "no columns", "--columns", formats=FORMATS, format="fasttext", columns={"label": "0"})
