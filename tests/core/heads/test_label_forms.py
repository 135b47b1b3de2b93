"""Lists that programs wrote into cells, and spellings of one label."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskzoo.heads.spelling import Spelling, plain_names
from taskzoo.heads.written_lists import written_list

NAMES = st.lists(st.text("abc é漢字/.&", min_size=1).map(str.strip).filter(bool), max_size=4)


@settings(max_examples=25, deadline=None)
@given(NAMES)
def test_names_are_read_back_however_they_were_written(names: list[str]) -> None:
    assert written_list(json.dumps(names)) == names
    assert written_list(repr(names)) == names
    assert written_list(repr(tuple(names))) == names
    assert written_list(str(set(names))) == sorted(set(names))
    assert written_list(str(frozenset(names))) == sorted(set(names))
    if names:
        assert written_list(str(np.array(names))) == names
        assert written_list(repr(np.array(names))) == names
        assert written_list(repr(np.array(names, dtype=object))) == names


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([0, 1]), min_size=1, max_size=30), st.sampled_from([int, float, bool]))
def test_vectors_are_read_back(places: list[int], kind: Any) -> None:
    values = [kind(place) for place in places]
    assert written_list(str(np.array(values))) == values
    assert written_list(repr(np.array(values))) == values
    assert written_list(repr(values)) == values


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("[billing, urgent]", ["billing", "urgent"]),
        ("[]", []),
        ("set()", []),
        (" ['a'] ", ["a"]),
        ('{"toxic": 1, "mild": 0}', {"toxic": 1, "mild": 0}),
        ("{'toxic': 1.0}", {"toxic": 1.0}),
        ("tensor([1, 0, 1])", [1, 0, 1]),
        ("tensor([1., 0.], device='cuda:0', dtype=torch.float64)", [1, 0]),
        ("torch.tensor([1, 0])", [1, 0]),
        ("tf.Tensor([1 0 1], shape=(3,), dtype=int64)", [1, 0, 1]),
        ("tensor([])", []),
        ("array([], dtype=object)", []),
        ("[np.str_('a'), np.str_('b c')]", ["a", "b c"]),
        ("[np.int64(1), np.int64(0)]", [1, 0]),
        ("[np.True_, np.False_]", [True, False]),
    ],
)
def test_other_forms(cell: str, expected: Any) -> None:
    assert written_list(cell) == expected


@pytest.mark.parametrize(
    "cell",
    ["", "a", "[link]", "[a", "(spam)", "a, b", "{a}", "(1)", "[" * 5000, "['a', b'c'", "5", "tensor(3)", "np.array"],
)
def test_anything_else_is_no_list(cell: str) -> None:
    assert written_list(cell) is None


@pytest.mark.parametrize(
    ("training", "others", "expected"),
    [
        (["0.0", "1.0", "2.0"], ["1", "2.00", "7"], ["1", "2", "7"]),
        (["0", "1"], ["1.0"], ["1"]),
        (["True", "False"], ["true", "FALSE"], ["true", "false"]),
        (["1.0", "1.1", "2.0"], ["1", "1.1"], ["1.0", "1.1"]),  # versions stay what they are
        (["01", "02"], ["1", "01"], ["1", "01"]),
        (["a", "B"], ["A", "b"], ["A", "b"]),  # refused later: nobody says that they are the same
        (["yes", "1.0"], ["1"], ["1.0"]),
    ],
)
def test_other_rows_are_spelled_as_the_training_rows(
    training: list[str], others: list[str], expected: list[str]
) -> None:
    assert Spelling(plain_names(training))(others) == expected


@pytest.mark.parametrize(
    ("known", "further", "expected"),
    [
        (["1", "2"], ["5", "5.0", "1.0"], ["5", "5", "1"]),
        (["1.0", "2.0"], ["5.0", "2"], ["5", "2.0"]),  # a run of an earlier version
        (["true"], ["False", "TRUE"], ["false", "true"]),
        (["a", "1"], ["2.0", "1.0"], ["2.0", "1"]),
        (["1", "2"], ["3.0", "new"], ["3.0", "new"]),
    ],
)
def test_further_training_rows_spell_new_labels_as_one_and_old_ones_as_before(
    known: list[str], further: list[str], expected: list[str]
) -> None:
    spelling = Spelling(known)
    spelling.learn(further)
    assert spelling(further) == expected
    assert spelling(known) == known
