"""Edits of translation edit rate: insertions, deletions, substitutions and shifts of words (Snover et al. 2006)."""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

LONGEST_SHIFT, FARTHEST_SHIFT = 10, 50
MOST_SHIFTS_TRIED = 1000
BAND = 25
"""Limits of the search, those of sacreBLEU; all but the third are Tercom's."""

_FAR = 10**6


def translation_edits(output: Sequence[str], target: Sequence[str]) -> int:
    """The number of edits from ``output`` to ``target``, both lists of words, as sacreBLEU's TER counts them.

    Each round takes the shift after which the edit distance is least: the search of Tercom, in sacreBLEU's form. It is
    many times faster than sacreBLEU's own code for long texts, because all shifts of a round are measured together, and
    none where the outcome is known: when too many would be tried, or no order of the words could save an edit.
    """
    if not target:
        return len(output)
    ids = {word: i for i, word in enumerate(dict.fromkeys([*output, *target]))}
    words, gold = [ids[word] for word in output], [ids[word] for word in target]
    least = max(len(words), len(gold)) - (Counter(words) & Counter(gold)).total()
    shifts = tried = 0
    while True:
        table = np.concatenate(list(_rows([words], gold))).tolist()
        edits = int(table[-1][-1])
        if edits == least:
            break
        candidates = list(islice(_shifts(words, gold, table), MOST_SHIFTS_TRIED - tried))
        tried += len(candidates)
        if not candidates or tried >= MOST_SHIFTS_TRIED:
            break
        shifted = [_shift(words, *candidate) for candidate in candidates]
        (last,) = deque(_rows(shifted, gold), maxlen=1)
        found = last[:, -1].tolist()
        # the best shift; of equals the longest, then the earliest, then the one to the earliest place
        best = min(range(len(found)), key=lambda i: (found[i], -candidates[i][1], candidates[i][0], candidates[i][2]))
        if found[best] >= edits:
            break
        shifts += 1
        words = shifted[best]
    return shifts + edits


def _shifts(words: list[int], gold: list[int], table: list[list[int]]) -> Iterator[tuple[int, int, int]]:
    """``(start, length, to)`` of the shifts to try: runs of words to where the target has them, if both are wrong."""
    align, wrong, gold_wrong = _alignment(words, gold, table)
    places = defaultdict(list)
    for place, word in enumerate(gold):
        places[word].append(place)
    for start, word in enumerate(words):
        for place in places.get(word, ()):
            if abs(place - start) > FARTHEST_SHIFT:
                continue
            longest = min(LONGEST_SHIFT, len(words) - start, len(gold) - place)
            for length in range(1, longest + 1):
                if words[start + length - 1] != gold[place + length - 1]:
                    break
                if not (any(wrong[start : start + length]) and any(gold_wrong[place : place + length])):
                    continue
                if start <= align[place] < start + length:  # it would move within itself
                    continue
                before = (align[p] + 1 if p >= 0 else 0 for p in range(place - 1, place + length))
                yield from ((start, length, to) for to in dict.fromkeys(before))


def _shift(words: list[int], start: int, length: int, to: int) -> list[int]:
    """``words`` with the run at ``start`` before place ``to``; a place inside the run is counted without the run."""
    rest = words[:start] + words[start + length :]
    place = to - length if to > start + length else to
    return rest[:place] + words[start : start + length] + rest[place:]


def _alignment(words: list[int], gold: list[int], table: list[list[int]]) -> tuple[list[int], list[bool], list[bool]]:
    """The word where each target word stands or would follow, and which words and target words are wrong.

    ``table``: the edit distances ``[n + 1, m + 1]``. Of edits that cost the same, a substitution comes before a
    deletion before an insertion.
    """
    align, wrong, gold_wrong = [-1] * len(gold), [False] * len(words), [False] * len(gold)
    i, j = len(words), len(gold)
    while i or j:
        here = table[i][j]
        if i and j and here == table[i - 1][j - 1] + (words[i - 1] != gold[j - 1]):
            i, j = i - 1, j - 1
            align[j] = i
            wrong[i] = gold_wrong[j] = words[i] != gold[j]
        elif i and here == table[i - 1][j] + 1:
            i -= 1
            wrong[i] = True
        else:
            j -= 1
            align[j] = i - 1
            gold_wrong[j] = True
    return align, wrong, gold_wrong


def _rows(lines: Sequence[Sequence[int]], gold: Sequence[int]) -> Iterator[np.ndarray]:
    """Edit distances without shifts of the first 0, 1, ..., n words of ``b`` lines to all beginnings of ``gold``.

    Yields arrays ``[b, m + 1]``, int32; in them, what is far from the diagonal is huge. What is computed is how many
    words the edits spare: ``i + j - distance`` is the largest of the cell above, the cell to the left, and the diagonal
    cell and 1, or 2 if the words are equal.
    """
    ids, target = np.asarray(lines, dtype=np.intp).reshape(len(lines), -1), np.asarray(gold)
    (count, length), width = ids.shape, len(gold) + 1
    slope = len(gold) / max(1, length)
    band = math.ceil(slope / 2 + BAND) if slope / 2 > BAND else BAND
    worth = np.zeros((max(ids.max(initial=0), target.max()) + 1, width), dtype=np.int32)  # of a word at a target place
    worth[:, 1:] = 1 + (np.arange(len(worth))[:, None] == target)
    spared = np.zeros((count, width + 1), dtype=np.int32)  # the first column stands for no cell
    spared[:, 0] = -_FAR
    places = np.arange(width, dtype=np.int32)
    yield places - spared[:, 1:]
    for i in range(1, length + 1):
        middle = math.floor(i * slope)
        low, high = max(0, middle - band), width if i == length else min(width, middle + band)
        diagonal = spared[:, low:high] + worth[ids[:, i - 1], low:high]
        best = np.maximum.accumulate(np.maximum(spared[:, low + 1 : high + 1], diagonal), axis=1)
        spared = np.full_like(spared, -_FAR)
        spared[:, low + 1 : high + 1] = best
        yield i + places - spared[:, 1:]
