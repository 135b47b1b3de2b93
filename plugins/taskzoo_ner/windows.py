"""Cut a row that is too long for the model into overlapping windows, at word boundaries only."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple


class Window(NamedTuple):
    """The model sees words ``first_word`` to ``last_word_excl``; predictions count for the owned words only."""

    first_word: int
    last_word_excl: int
    own_first: int
    own_last_excl: int


def make_windows(lengths: Sequence[int], capacity: int, overlap: int) -> list[Window]:
    """Windows over a row of words, so that each word is owned by exactly one, in order.

    A word is owned by the window in which it has the most context: the smaller of the sub-tokens to its left and
    to its right inside the window, where a side on which the row itself ends counts as unlimited. Windows look at
    lengths only, never at labels.

    Guarantee: if no word is longer than ``m`` with ``2 * m <= capacity - 2 * overlap + 1``, every owned word has
    at least ``overlap - m / 2`` sub-tokens of its window on either side, or all that the row has there. Longer words
    take context away from their neighbours, never words.

    Args:
        lengths: sub-tokens of each word (0 is allowed), shape ``[words]``.
        capacity: the most sub-tokens in a window, special tokens not counted.
        overlap: sub-tokens of context wanted on each side, less than half of ``capacity``. Neighbouring windows
            share about twice as many.

    Returns:
        One window if everything fits (also for a row without words). A word longer than ``capacity`` has a window
        of its own, and the caller cuts its sub-tokens; every other window holds at most ``capacity`` sub-tokens.

    Raises:
        ValueError: a negative length, no capacity, or an overlap outside ``0 <= overlap < capacity / 2``.
    """
    if capacity < 1 or not 0 <= 2 * overlap < capacity:
        raise ValueError(f"An overlap of {overlap} on each side does not fit windows of {capacity} sub-tokens.")
    if any(length < 0 for length in lengths):
        raise ValueError("A word cannot have a negative number of sub-tokens.")
    count = len(lengths)
    before = list(accumulate(lengths, initial=0))  # before[w]: sub-tokens left of word w
    centres = [left + right for left, right in pairwise(before)]  # twice the middle of word w

    windows = []
    first = own_first = 0
    while True:
        last = _fill(before, first, capacity)
        if last == count:
            windows.append(Window(first, last, own_first, last))
            return windows
        # The next window goes back 2 * overlap sub-tokens, but must have room for the word that did not fit.
        with_room = bisect_left(before, before[last + 1] - capacity)
        with_context = bisect_right(before, before[last] - 2 * overlap) - 1
        following = min(max(with_room, with_context), last)
        # Shared words left of the middle of the shared part have more context here, the others there.
        own_last = bisect_right(centres, before[last] + before[following], following, last)
        if own_last > own_first:
            windows.append(Window(first, last, own_first, own_last))
            own_first = own_last
        first = following


def _fill(before: Sequence[int], first: int, capacity: int) -> int:
    """The end (exclusive) of the fullest window that begins at word ``first``; at least one word if there is one."""
    last = bisect_right(before, before[first] + capacity) - 1
    return max(last, min(first + 1, len(before) - 1))
