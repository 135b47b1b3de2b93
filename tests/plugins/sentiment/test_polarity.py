"""What names of labels say of negative and positive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo_sentiment.polarity import polarity


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("neg", -1),
        ("NEGATIVE", -1),
        ("positive review", 1),
        ("very-negative", -2),
        ("mostly positive", 0.5),
        ("not good", -1),
        ("-", -1),
        ("+", 1),
        ("mixed", 0),
        ("好评", 1),
        ("非常负面", -2),
        ("负面情绪", -1),
        ("积极的", 1),
        ("不满意", -1),
        ("很不满意", -2),
        ("有点正面", 0.5),
        ("好評", 1),
        ("差評", -1),
        ("負面情緒", -1),
        ("有點正面", 0.5),
        ("👍🏽", 1),
        ("👎", -1),
        ("☹️", -1),
        ("😐", 0),
        (":)", 1),
        ("Sehr gut", 2),
        ("nicht gut", -1),
        ("ti\u00eau c\u1ef1c", -1),
        ("tie\u0302u cu\u0323\u031bc", -1),
        ("tich cuc", None),
    ],
)
def test_names(name: str, expected: float | None) -> None:
    assert polarity(name) == expected


@pytest.mark.parametrize(
    "names",
    [
        ("schlecht", "neutral", "gut"),
        ("négatif", "neutre", "positif"),
        ("Negativo", "Neutro", "Positivo"),
        ("negatief", "neutraal", "positief"),
        ("olumsuz", "nötr", "olumlu"),
        ("سلبي", "محايد", "إيجابي"),
        ("부정", "중립", "긍정"),
        ("ネガティブ", "ニュートラル", "ポジティブ"),
        ("否定的", "中立的", "肯定的"),
        ("Негативный", "Нейтральный", "Позитивный"),
        ("ลบ", "กลาง", "บวก"),
        ("नकारात्मक", "तटस्थ", "सकारात्मक"),
        ("tiêu cực", "trung tính", "tích cực"),
        ("negatif", "netral", "positif"),
    ],
)
def test_names_in_other_languages(names: tuple[str, str, str]) -> None:
    assert [polarity(name) for name in names] == [-1, 0, 1]


@pytest.mark.parametrize("name", ["", "sports", "very", "不", "goodness", "notes", "体育"])
def test_other_names_say_nothing(name: str) -> None:
    assert polarity(name) is None


@given(st.text(max_size=12))
def test_any_name_has_a_polarity_or_none(name: str) -> None:
    assert polarity(name) is None or abs(polarity(name) or 0) < 1e9
