"""Draws for learning curves: nested, in proportion, the same whatever the order of the rows."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.data.nested import default_sizes, nested_order, parse_sizes
from taskzoo.errors import RequestError
from taskzoo.types import Example

LABELS = st.lists(st.lists(st.sampled_from("abcde"), max_size=3), min_size=1, max_size=60)


def classes(row: Example) -> list[str]:
    return list(row["label"])


def dedup_key(row: Example) -> tuple[str, str]:
    return row["text"], "".join(row["label"])


def make(labels: list[list[str]]) -> list[Example]:
    return [Example({"text": f"text {i}", "label": label}) for i, label in enumerate(labels)]


@given(LABELS, st.integers(0, 5))
def test_every_row_once_and_a_row_of_every_class_first(labels: list[list[str]], seed: int) -> None:
    rows = make(labels)
    order = nested_order(rows, classes, dedup_key, seed)
    assert sorted(order) == list(range(len(rows)))
    names = {name for given in labels for name in given}
    first = [name for i in order[: len(names)] for name in labels[i]]
    assert set(first) == names


@given(LABELS, st.randoms(use_true_random=False))
def test_the_draw_is_the_same_whatever_the_order_of_the_rows(labels: list[list[str]], chance: random.Random) -> None:
    rows = make(labels)
    shuffled = chance.sample(rows, len(rows))
    texts = [[given[i]["text"] for i in nested_order(given, classes, dedup_key, 1)] for given in (rows, shuffled)]
    assert texts[0] == texts[1]


def test_classes_keep_their_proportions_at_every_size() -> None:
    labels = [["rare"]] * 30 + [["some"]] * 90 + [["many"]] * 180
    rows = make(labels)
    order = nested_order(rows, classes, dedup_key, 3)
    for size in range(3, 301):
        found = Counter(labels[i][0] for i in order[:size])
        for name, count in {"rare": 30, "some": 90, "many": 180}.items():
            assert abs(found[name] - size * count / 300) <= 2


def test_another_seed_draws_other_rows_and_tasks_without_classes_are_drawn_by_chance() -> None:
    rows = make([["a"], ["b"]] * 50)
    assert nested_order(rows, classes, dedup_key, 1)[:10] != nested_order(rows, classes, dedup_key, 2)[:10]
    order = nested_order(rows, lambda row: [], dedup_key, 1)
    assert sorted(order) == list(range(100))
    assert order != sorted(order)


@given(st.integers(0, 3000), st.integers(0, 40))
def test_default_sizes_end_with_all_rows_and_hold_every_class(rows: int, classes: int) -> None:
    if rows < max(4, classes + 2):
        with pytest.raises(RequestError, match="too few"):
            default_sizes(rows, classes)
        return
    sizes = default_sizes(rows, classes)
    assert sizes == sorted(set(sizes))
    assert 3 <= len(sizes) <= 8
    assert sizes[-1] == rows
    assert sizes[0] >= max(2, classes)


def test_default_sizes_start_with_about_eight_rows_per_class() -> None:
    assert default_sizes(1000, 4) == [32, 64, 127, 252, 502, 1000]
    assert default_sizes(1000, 0)[0] == 16


@pytest.mark.parametrize(
    ("text", "sizes"),
    [("8,16,32", [8, 16, 32]), ("all, 25% ,10", [10, 50, 200]), ("100%,200,3,4", [3, 4, 200])],
)
def test_sizes_are_rows_shares_or_all(text: str, sizes: list[int]) -> None:
    assert parse_sizes(text, 200, 3) == sizes


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("8,16", "names 2 sizes"),
        ("50%,100,100", "names 1 sizes"),
        ("", "names 0 sizes"),
        ("8,16,201", "there are 200 training rows"),
        ("8,16,150%", "there are 200 training rows"),
        ("8,16,many", "'many' is neither"),
        ("8,16,inf%", "'inf%' is neither"),
        ("8,16,1.5", "'1.5' is neither"),
        ("4,16,32", "each of the 5 classes"),
        ("-8,16,32", "each of the 5 classes"),
    ],
)
def test_sizes_that_cannot_be_drawn_are_refused(text: str, reason: str) -> None:
    with pytest.raises(RequestError, match=reason):
        parse_sizes(text, 200, 5)
