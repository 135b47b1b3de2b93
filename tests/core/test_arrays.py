"""Rows of different lengths as arrays."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from taskzoo.arrays import padded, widths_in_steps_of


@given(st.lists(st.lists(st.integers(-5, 5), max_size=20), min_size=1, max_size=5), st.integers(1, 16))
def test_rows_are_filled_up_to_the_next_multiple(rows: list[list[int]], step: int) -> None:
    plain = padded(rows, -7)
    with widths_in_steps_of(step, 100):
        wide = padded(rows, -7)
    assert plain.shape[1] == max([1, *map(len, rows)])
    assert wide.shape[1] % step == 0
    assert 0 <= wide.shape[1] - plain.shape[1] < step
    assert (wide[:, : plain.shape[1]] == plain).all()
    assert (wide[:, plain.shape[1] :] == -7).all()
    assert all(row.tolist()[: len(own)] == own for row, own in zip(plain, rows, strict=True))


def test_steps_end_with_the_context_and_concern_one_thread() -> None:
    widths: list[int] = []

    def note() -> None:
        widths.append(padded([[1, 2, 3]], 0).shape[1])

    with widths_in_steps_of(8, 100):
        with widths_in_steps_of(4, 100):
            note()
        note()
        other = threading.Thread(target=note)
        other.start()
        other.join()
    note()
    assert widths == [4, 8, 3, 3]


def test_no_array_is_made_wider_than_the_longest_input() -> None:
    with widths_in_steps_of(8, 10):
        assert [padded([[1] * length], 0).shape[1] for length in (1, 8, 9, 10, 13)] == [8, 8, 10, 10, 13]


def test_truth_values_stay_truth_values() -> None:
    assert padded([[True], []], False).dtype == bool
