from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo_ner.windows import Window, make_windows


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[int], int, int]:
    capacity = draw(st.integers(1, 30))
    overlap = draw(st.integers(0, (capacity - 1) // 2))
    longest = draw(st.sampled_from([1, 2, 5, 40]))
    return draw(st.lists(st.integers(0, longest), max_size=80)), capacity, overlap


def context(lengths: Sequence[int], window: Window, word: int) -> tuple[float, float]:
    """Sub-tokens to the left and right of ``word`` in ``window``; unlimited where the row ends."""
    left = math.inf if window.first_word == 0 else sum(lengths[window.first_word : word])
    right = math.inf if window.last_word_excl == len(lengths) else sum(lengths[word + 1 : window.last_word_excl])
    return left, right


@given(problems())
def test_every_word_is_owned_once_in_order(problem: tuple[list[int], int, int]) -> None:
    lengths, capacity, overlap = problem
    windows = make_windows(lengths, capacity, overlap)
    owned = [word for window in windows for word in range(window.own_first, window.own_last_excl)]
    assert owned == list(range(len(lengths)))
    for window in windows:
        assert window.first_word <= window.own_first <= window.own_last_excl <= window.last_word_excl
        assert window.own_first < window.own_last_excl or not lengths


@given(problems())
def test_capacity_is_kept(problem: tuple[list[int], int, int]) -> None:
    lengths, capacity, overlap = problem
    for window in make_windows(lengths, capacity, overlap):
        size = sum(lengths[window.first_word : window.last_word_excl])
        assert size <= capacity or window.last_word_excl - window.first_word == 1


@given(problems())
def test_owner_has_the_most_context(problem: tuple[list[int], int, int]) -> None:
    lengths, capacity, overlap = problem
    windows = make_windows(lengths, capacity, overlap)
    for window in windows:
        for word in range(window.own_first, window.own_last_excl):
            mine = min(context(lengths, window, word))
            for other in windows:
                if other.first_word <= word < other.last_word_excl:
                    assert mine >= min(context(lengths, other, word))


@given(problems())
def test_guaranteed_context(problem: tuple[list[int], int, int]) -> None:
    lengths, capacity, overlap = problem
    longest = max(lengths, default=0)
    if 2 * longest > capacity - 2 * overlap + 1:
        return
    for window in make_windows(lengths, capacity, overlap):
        for word in range(window.own_first, window.own_last_excl):
            assert min(context(lengths, window, word)) >= overlap - longest / 2


@given(problems())
def test_one_window_if_everything_fits(problem: tuple[list[int], int, int]) -> None:
    lengths, capacity, overlap = problem
    windows = make_windows(lengths, capacity, overlap)
    fits = sum(lengths) <= capacity or len(lengths) == 1
    assert (len(windows) == 1) == fits
    if fits:
        assert windows == [Window(0, len(lengths), 0, len(lengths))]


def test_example() -> None:
    assert make_windows([1] * 20, capacity=10, overlap=2) == [
        Window(0, 10, 0, 8),
        Window(6, 16, 8, 14),
        Window(12, 20, 14, 20),
    ]


def test_long_word_stands_alone() -> None:
    windows = make_windows([1, 1, 99, 0, 1], capacity=4, overlap=1)
    assert windows == [Window(0, 2, 0, 2), Window(2, 3, 2, 3), Window(3, 5, 3, 5)]


def test_no_words_and_no_tokens() -> None:
    assert make_windows([], 4, 1) == [Window(0, 0, 0, 0)]
    assert make_windows([0, 0, 0], 1, 0) == [Window(0, 3, 0, 3)]


def test_long_rows_are_fast() -> None:
    windows = make_windows([1, 2, 3] * 100_000, capacity=512, overlap=64)
    assert windows[-1].own_last_excl == 300_000


@pytest.mark.parametrize(("lengths", "capacity", "overlap"), [([1], 0, 0), ([1], 4, 2), ([1], 4, -1), ([-1], 4, 1)])
def test_impossible_requests(lengths: list[int], capacity: int, overlap: int) -> None:
    with pytest.raises(ValueError, match=r"overlap|negative"):
        make_windows(lengths, capacity, overlap)
