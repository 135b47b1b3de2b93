"""Names of labels that are hardly meant."""

from __future__ import annotations

import pytest

from taskzoo.data.odd_names import odd_names


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"nan": 3, "a": 5}, "the label 'nan' (3 rows) looks like a missing value"),
        ({"None": 1, "a": 5}, "the label 'None' (1 row) looks like a missing value"),
        ({"-": 7, "entailment": 9, "neutral": 9}, "the label '-' (7 rows) looks like a missing value"),
        ({"?": 1, "a": 5}, "the label '?' (1 row) looks like a missing value"),
        ({"label": 1, "a": 5}, "the label 'label' (1 row) looks like a header that was read as a row"),
        ({"Spam": 2, "spam": 9}, "the labels 'Spam' (2 rows) and 'spam' (9 rows) differ in upper and lower case only"),
        ({"a\u200b": 2, "b": 9}, "the label 'a\\u200b' (2 rows) holds a character that cannot be seen"),
        ({"a\xa0b": 2, "c": 9}, "the label 'a\\xa0b' (2 rows) holds a character that cannot be seen"),
        (
            {"a b": 2, "a_b": 9},
            "the labels 'a b' (2 rows) and 'a_b' (9 rows) differ in case, spaces, width or invisible characters only",
        ),
        (
            {"ＡＢ": 2, "ab": 9},
            "the labels 'ab' (9 rows) and 'ＡＢ' (2 rows) differ in case, spaces, width or invisible characters only",
        ),
        ({"postive": 1, "positive": 200}, "the label 'postive' (1 row) may be 'positive' (200 rows) misspelt"),
    ],
)
def test_they_are_named(counts: dict[str, int], said: str) -> None:
    assert odd_names(counts) == [said]


@pytest.mark.parametrize(
    "counts",
    [
        {"positive": 9, "negative": 9, "neutral": 9},
        {"label 1": 1, "label 2": 200},
        {"+": 3, "-": 3},
        {"-1": 3, "0": 3, "1": 3},
        {"-1.0": 3, "1.0": 3},
        {"A": 3, "A-": 3, "A+": 3},
        {"积极": 3, "消极": 4},
        {"label": 5, "other": 3},
        {"card_arrival": 80, "card_about_to_expire": 80},
    ],
)
def test_plain_names_are_not(counts: dict[str, int]) -> None:
    assert odd_names(counts) == []
