"""Examples of texts and pairs."""

from __future__ import annotations

from typing import Any

import pytest

from taskzoo import Example, Row
from taskzoo.errors import DataError
from taskzoo.heads.text_examples import shown, text_example, whole_text


def example(text: Any, pair: Any = None) -> Example:
    return text_example(Row({"text": text, "text_pair": pair}, "train.csv", 7), None)


@pytest.mark.parametrize(
    ("text", "pair", "said"),
    [
        (None, None, "the text is missing or empty"),
        ("", None, "the text is missing or empty"),
        (" \n\u3000", None, "the text is missing or empty"),
        (12, None, "the text is 12, not text"),
        (["a"], None, "the text is ['a'], not text"),
        ("a", " ", "the text_pair is missing or empty"),
        ("a", 3, "the text_pair is 3, not text"),
    ],
)
def test_texts_that_cannot_be_used(text: Any, pair: Any, said: str) -> None:
    with pytest.raises(DataError) as raised:
        example(text, pair)
    assert str(raised.value).startswith("train.csv:7")
    assert said in str(raised.value)


def test_what_an_example_holds() -> None:
    single, pair = example(" a\tb "), example("a", "b")
    assert (single.source, single.line, single["label"]) == ("train.csv", 7, None)
    assert whole_text(single) == " a\tb "
    assert whole_text(pair) == "a\nb"
    assert shown(single) == {"text": " a\tb "}
    assert shown(pair) == {"text": "a", "text_pair": "b"}
