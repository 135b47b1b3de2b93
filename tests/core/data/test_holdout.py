from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.data.holdout import held_out, parse_holdout
from taskzoo.data.splits import split_examples
from taskzoo.errors import RequestError
from taskzoo.types import Example


def shares(text: str, rows: int = 1000, validation: bool = True, test: bool = True, **more: bool) -> list[float]:
    return [round(share * rows, 6) for share in held_out(text, rows, validation=validation, test=test, **more)]


def test_a_tenth_each_by_default() -> None:
    assert shares("") == [100, 100]
    assert shares("", validation=False) == [0, 100]
    assert shares("", shots=True) == [0, 100]
    assert shares("", validation=False, test=False) == [0, 0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50", [50, 50]),
        ("0.05", [50, 50]),
        ("20,300", [20, 300]),
        ("0, 300", [0, 300]),
        ("0.2,5", [200, 5]),
        ("0", [0, 0]),
    ],
)
def test_rows_and_shares(text: str, expected: list[float]) -> None:
    assert shares(text) == expected


def test_with_shots_validation_rows_are_split_off_if_asked_for_by_themselves() -> None:
    assert shares("50", shots=True) == [0, 50]
    assert shares("50,60", shots=True) == [50, 60]


@pytest.mark.parametrize("text", ["x", "1,2,3", "-5", "1.5", ",", "nan", "inf", "10%"])
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(RequestError, match="500,1000"):
        parse_holdout(text)


def test_sizes_that_cannot_be() -> None:
    with pytest.raises(RequestError, match="none of the 1000 rows"):
        shares("500")
    with pytest.raises(RequestError, match="nothing to split off"):
        shares("50", validation=False, test=False)


@given(st.integers(1, 200), st.integers(0, 200), st.integers(0, 3))
def test_exactly_so_many_rows_are_split_off(validation: int, test: int, seed: int) -> None:
    rows = [Example({"text": str(i)}, "a", i) for i in range(401)]
    fractions = held_out(f"{validation},{test}", len(rows), validation=True, test=True)
    parts = split_examples(rows, dedup_key=lambda row: (row["text"], ""), seed=seed, fractions=fractions)
    assert [len(part) for part in parts[:3]] == [401 - validation - test, validation, test]
