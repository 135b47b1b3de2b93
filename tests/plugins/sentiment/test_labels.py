"""Which kind of sentiment labels are, in which order they come, and what is refused."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo import DataError, RequestError, Row
from taskzoo_sentiment.label_kinds import find_kind, in_order, number, require_number, require_star, star


def rows_of(names: Sequence[str]) -> list[Row]:
    return [Row({"text": "t", "label": name}, "train.csv", line) for line, name in enumerate(names, 2)]


def kind_of(names: Sequence[str], asked: str = "auto") -> str:
    return find_kind(rows_of(names), names, asked)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["neg", "pos"], "binary"),
        (["0", "1"], "binary"),
        (["0.0", "1.0"], "binary"),
        (["差评", "好评"], "binary"),
        (["1", "5"], "binary"),
        (["-1", "0", "1"], "three-way"),
        (["0", "0.5", "1"], "three-way"),
        (["1", "3", "5"], "three-way"),
        (["负面", "中性", "正面"], "three-way"),
        (["1", "2", "3", "4", "5"], "stars"),
        (["1", "2", "4", "5"], "stars"),
        (["1.0", "2.0", "3.0", "4.0", "5.0"], "stars"),
        (["1 star", "2 stars", "3 stars", "4 stars"], "stars"),
        (["一星", "二星", "三星", "五星"], "stars"),
        (["1星", "2星", "3星", "5星"], "stars"),
        (["0", "1", "2", "3", "4"], "classes"),
        (["-2", "-1", "0", "1", "2"], "classes"),
        (["1", "2", "3", "4", "5", "6"], "intensity"),
        (["-3", "-2", "-1", "0", "1", "2", "3"], "intensity"),
        (["1.5", "2", "3", "4"], "intensity"),
        (["-0.2", "0.41", "7e-1", ".5"], "intensity"),
        (["\u22120.2", "0.41", "0.7", "0.5"], "intensity"),
        (["very bad", "bad", "fine", "good", "very good"], "classes"),
        (["only"], "classes"),
    ],
)
def test_the_kind_follows_from_the_labels(names: list[str], kind: str) -> None:
    assert kind_of(names * 3) == kind


@given(st.lists(st.integers(-20, 20).map(lambda value: f"{value / 4:g}"), min_size=1), st.randoms())
def test_the_kind_does_not_depend_on_the_order_of_rows(names: list[str], chance: random.Random) -> None:
    shuffled = names.copy()
    chance.shuffle(shuffled)
    assert kind_of(names) == kind_of(shuffled)
    assert in_order(names) == in_order(shuffled)


@pytest.mark.parametrize(
    ("names", "asked"),
    [(["1", "2"], "stars"), (["1", "2"], "intensity"), (["1", "2", "3", "4", "5", "6"], "classes"), (["a"], "classes")],
)
def test_a_kind_that_suits_can_be_asked_for(names: list[str], asked: str) -> None:
    assert kind_of(names, asked) == asked


@pytest.mark.parametrize(
    ("names", "asked", "message"),
    [
        (["a", "b", "c"], "binary", r"kind=binary has 2 labels, but the training rows have 3: 'a', 'b', 'c'"),
        (["a", "b"], "three-way", r"kind=three-way has 3 labels, but the training rows have 2"),
        ([*"abcdefghijkl"], "binary", r"12: .*'h' and 4 more;"),
        (["neg", "pos", "Neg"], "auto", r"train.csv:4: the label 'Neg' is written 'neg' on line 2"),
        (["1", "2", "3", "4", "4.0"], "auto", r"train.csv:6: the label '4.0' is written '4' on line 5"),
        (["4 stars", "2 stars", "3 stars", "1 star", "4"], "stars", r"train.csv:6: the label '4' is written '4 stars'"),
        (
            ["0.5", "0.7", "good", "0.1"],
            "auto",
            r"train.csv:4: the label 'good' is not a number, unlike '0.5' on line 2",
        ),
        (["good", "7", "bad", "fine"], "auto", r"train.csv:3: the label '7' is a number, unlike 'good' on line 2"),
        (["0.5", "0.7", "nan", "0.1"], "auto", r"train.csv:4: the label 'nan' is not a number"),
        (["1", "2", "1e999", "3", "4", "5", "6"], "auto", r"train.csv:4: the label '1e999' is not a number"),
        (["0.5", "0,75", "1"], "auto", r"train.csv:3: the label '0,75' has a comma as decimal mark; write 0.75\."),
        (["0,5", "0,75", "1"], "auto", r"train.csv:2: .* write 0.5\."),
    ],
)
def test_labels_that_contradict_each_other_or_the_kind(names: list[str], asked: str, message: str) -> None:
    with pytest.raises(RequestError, match=message) as error:
        kind_of(names, asked)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["good", "nan", "inf", "-Infinity", "1e999", "1_000", "", "⅓", "0x10", "1 2", "5%%"])
def test_an_intensity_is_a_finite_number(name: str) -> None:
    with pytest.raises(DataError, match=r"^f\.csv:7: the label .* is not a finite number"):
        require_number(Row({}, "f.csv", 7), name)


@pytest.mark.parametrize("name", ["0", "6", "7", "3.5", "-1", "good", "12", "11 stars", "１２"])
def test_a_star_is_a_whole_number_from_1_to_5(name: str) -> None:
    with pytest.raises(DataError, match=r"^f\.csv:7: the label .* is not a whole number of stars from 1 to 5"):
        require_star(Row({}, "f.csv", 7), name)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_read_back(value: float) -> None:
    assert number(repr(value)) == value
    assert number(f"{value:e}") == pytest.approx(value, rel=1e-6)


@given(st.text(max_size=6))
def test_any_text_is_a_finite_number_or_none(name: str) -> None:
    value = number(name)
    assert value is None or math.isfinite(value)
    assert star(name) in (None, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    "ordered",
    [
        ["neg", "pos"],
        ["Bad", "Good"],
        ["消极", "积极"],
        ["负面", "中性", "正面"],
        ["差评", "中评", "好评"],
        ["不满意", "满意"],
        ["Extremely Negative", "Negative", "Neutral", "Positive", "Extremely Positive"],
        ["very_negative", "somewhat_negative", "neutral", "somewhat_positive", "very_positive"],
        ["非常负面", "负面", "有点负面", "中性", "有点正面", "正面", "非常正面"],
        ["negative", "irrelevant", "positive"],
        ["-1", "0", "1"],
        ["-10", "-2", "9", "10"],
        ["0", "0.5", "1.0"],
        ["1 star", "2 stars", "5 stars"],
        ["一星", "二星", "三星", "四星", "五星"],
        ["apple", "pear"],
    ],
)
def test_labels_are_sorted_from_negative_to_positive(ordered: list[str]) -> None:
    assert in_order(reversed(ordered)) == ordered
    assert in_order(ordered) == ordered


@given(st.sets(st.integers(-1000, 1000), min_size=2))
def test_numbers_are_sorted_by_value(values: set[int]) -> None:
    ordered = in_order(str(value) for value in values)
    assert all(int(a) < int(b) for a, b in pairwise(ordered))
