"""Rows of texts, and labels that training did not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskzoo import Row
from taskzoo.answers.any_labels import AnyLabels
from taskzoo.answers.number import Number
from taskzoo.answers.one_label import OneLabel
from taskzoo.answers.texts import encode_rows, plain_rows, shown, text_row, whole_text
from taskzoo.errors import DataError

Load = Callable[..., Any]


def row(text: Any, label: Any = None, pair: Any = None, source: str = "train.csv", line: int = 7) -> Row:
    return text_row(Row({"text": text, "text_pair": pair}, source, line), label)


@pytest.mark.parametrize(
    ("text", "pair", "said"),
    [
        (None, None, "the text is missing or empty"),
        ("", None, "the text is missing or empty"),
        (" \n\u3000", None, "the text is missing or empty"),
        (12, None, "the text is 12, no text"),
        (["a"], None, "the text is ['a'], no text"),
        ("a", " ", "the text_pair is missing or empty"),
        ("a", 3, "the text_pair is 3, no text"),
    ],
)
def test_texts_that_cannot_be_used(text: Any, pair: Any, said: str) -> None:
    with pytest.raises(DataError) as raised:
        row(text, pair=pair)
    assert str(raised.value).startswith("train.csv:7")
    assert said in str(raised.value)


def test_what_a_row_says() -> None:
    single, pair = row(" a\tb "), row("a", pair="b")
    assert whole_text(single) == " a\tb "
    assert whole_text(pair) == "a\nb"
    assert shown(single) == {"text": " a\tb "}
    assert shown(pair) == {"text": "a", "text_pair": "b"}


def test_plain_texts_have_no_label() -> None:
    assert [(r["text"], r["text_pair"], r["label"], r.line) for r in plain_rows(["a", "\u200b"])] == [
        ("a", None, None, 1), ("\u200b", None, None, 2),
    ]  # fmt: skip
    with pytest.raises(DataError, match="input:2"):
        plain_rows(["a", " "])


def encode(rows: list[Row], answer: Any, tokenizer: Any) -> Any:
    return encode_rows(
        rows, tokenizer, answer, max_length=0, long_texts="truncate", known_sources=frozenset(["train.csv"])
    )


@pytest.mark.parametrize(("answer", "label"), [(OneLabel(["a", "b"]), "strange"), (AnyLabels(["a"]), ["a", "strange"])])
def test_an_unseen_label_of_another_file_is_refused_with_file_and_line(
    tiny_tokenizer: Load, answer: Any, label: Any
) -> None:
    with pytest.raises(DataError) as raised:
        encode(
            [row("x", "a" if answer.kind == "single" else []), row("y", label, None, "test.csv", 3)],
            answer,
            tiny_tokenizer(),
        )
    assert str(raised.value).startswith("test.csv:3")
    assert "the label 'strange' occurs in no training row; their labels are 'a'" in str(raised.value)


def test_an_unseen_label_that_chance_put_into_a_split_is_counted(tiny_tokenizer: Load) -> None:
    encoded = encode([row("x", "a"), row("y", "strange"), row("z")], OneLabel(["a", "b"]), tiny_tokenizer())
    assert [f["target"] for f in encoded.features] == [0, None, None]
    assert encoded.counts["rows_with_a_label_unseen_in_training"] == 1
    several = encode([row("x", ["strange", "a"]), row("y", ["a"])], AnyLabels(["a", "b"]), tiny_tokenizer())
    assert [f["target"] for f in several.features] == [[0], [0]]
    assert several.counts["rows_with_a_label_unseen_in_training"] == 1


def test_all_windows_of_a_row_have_its_target(tiny_tokenizer: Load) -> None:
    encoded = encode_rows(
        [row("a b c d e f g h i j k l m n", "b"), row("x", "a")], tiny_tokenizer(), OneLabel(["a", "b"]),
        max_length=8, long_texts="windows", known_sources=frozenset(),
    )  # fmt: skip
    assert {f["target"] for f in encoded.features if f["row"] == 0} == {1}
    assert len(encoded.features) > 3
    assert encoded.features[-1]["target"] == 0


def test_numbers_are_standardised(tiny_tokenizer: Load) -> None:
    encoded = encode([row("x", 5.0), row("y")], Number(3.0, 2.0, 1.0, 9.0), tiny_tokenizer())
    assert [f["target"] for f in encoded.features] == [1.0, None]
    assert encoded.counts["rows_with_a_label_unseen_in_training"] == 0
