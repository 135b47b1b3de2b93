"""Which columns are likely texts and labels."""

from __future__ import annotations

import pytest

from taskzoo.data.likely_columns import likely_columns

ROWS = range(12)
SENTIMENT140 = [[str(n % 2 * 4), str(10**9 + n), "Mon Apr 06", "NO_QUERY", f"u{n % 5}", f"so sad {n}"] for n in ROWS]
LCQMC = [[f"我手机丢了{n}怎么办", f"想换个手机{n}", str(n % 2)] for n in ROWS]
TOPICS = [["sports" if n % 3 else "politics", f"the {n} of them"] for n in ROWS]


@pytest.mark.parametrize(
    ("records", "pairs", "expected"),
    [
        (SENTIMENT140, False, {"text": 5, "label": 0}),
        (LCQMC, True, {"text": 0, "text_pair": 1, "label": 2}),
        (LCQMC, False, {"text": 0, "label": 2}),
        (TOPICS, True, {"text": 1, "label": 0}),
        ([row[::-1] for row in TOPICS], True, {"text": 0, "label": 1}),
        ([["a text", "x"]], True, {}),  # nothing varies
        ([["a text", "1"], ["another", "2"]], True, {}),  # no label repeats
        ([["1", "2"], ["1", "3"]], True, {}),  # no text
        ([], True, {}),
    ],
)
def test_they_are_found_by_what_they_hold(records: list[list[str]], pairs: bool, expected: dict[str, int]) -> None:
    assert likely_columns(records, pairs=pairs) == expected
