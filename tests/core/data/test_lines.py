"""Plain text, one input per line, for tasks whose own text files hold words and tags."""

from __future__ import annotations

import pytest

from .conftest import Write
from .kit import TOKENS, refused, sentences

ROLES = {"tokens": TOKENS["tokens"], "tags": TOKENS["tags"], "text": "plain text"}
READ = {"roles": ROLES, "formats": ("conll", "jsonl", "lines"), "required": ()}
PLAIN = "Ada left Oslo.\n\nBo came home , didn't he?\nNo\n"


def test_lines_are_texts_and_empty_ones_keep_their_place(write: Write) -> None:
    rows = sentences(write("a.txt", PLAIN), **READ, labelled=False)
    assert [row.get("text") for row in rows] == ["Ada left Oslo.", None, "Bo came home , didn't he?", "No"]
    assert [row.line for row in rows] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "content",
    [
        "Ada\tB-PER\nleft\tO\n\nOslo\tB-LOC\n",
        "Ada B-PER\nleft O\n\nOslo B-LOC\n",
        "Ada B\nleft O\n",
        "Ada B-PER\n  O\nleft O\n\nBo B-PER\n  O\n",
        "Ada\nleft\nOslo\n.\n\nBo\nstayed\nhome\n.\n",
        "-DOCSTART- -X- O O\n\nAda NNP B-NP B-PER\nleft VB O O\n. . O O\n\nBo NNP B-NP B-PER\nleft VB O O\n. . O O\n",
    ],
    ids=range(6),
)
def test_words_stay_conll(write: Write, content: str) -> None:
    rows = sentences(write("a.txt", content), **READ, labelled=False)
    assert all(row.get("text") is None and row["tokens"] for row in rows)


@pytest.mark.parametrize(
    "content", ["王小明去了上海。\n\n李雷在北京。\n", "Hello world\nGood morning\n", "one\ntwo\nthree\n"]
)
def test_texts_that_look_even_are_texts(write: Write, content: str) -> None:
    rows = sentences(write("a.txt", content), **READ, labelled=False)
    assert [row["text"] for row in rows if row.get("text")] == [line for line in content.split("\n") if line]


def test_the_suffix_and_the_format_decide(write: Write) -> None:
    one_word = write("a.conll", "Ada\nleft\n")
    assert sentences(one_word, **READ, labelled=False)[0]["tokens"] == ["Ada", "left"]
    assert [row["text"] for row in sentences(one_word, **READ, labelled=False, format="lines")] == ["Ada", "left"]
    words = write("b.txt", "Ada\nleft\n")
    assert sentences(words, **READ, labelled=False, format="conll")[0]["tokens"] == ["Ada", "left"]


def test_training_needs_labels(write: Write) -> None:
    refused(write("a.txt", PLAIN), "without labels", read=sentences, **READ)
    refused(
        write("a.txt", PLAIN), "no columns", "--columns", read=sentences, **READ, labelled=False, columns={"text": "0"}
    )
