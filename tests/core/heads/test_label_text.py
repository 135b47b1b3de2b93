"""Labels as readers give them, brought to text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import torch

from taskzoo import DataError, Row
from taskzoo.heads.label_text import check_types, few, in_order, label_name, one_label


def row(label: Any, line: int = 3) -> Row:
    return Row({"text": "t", "label": label}, "train.csv", line)


@pytest.mark.parametrize(
    ("label", "name"),
    [(" spam ", "spam"), (1, "1"), (1.0, "1"), (0.5, "0.5"), (True, "true"), ("1.0", "1.0"), ("差评", "差评")],
)
def test_a_label_becomes_text_and_keeps_its_spelling(label: Any, name: str) -> None:
    assert one_label(row(label)) == name


@pytest.mark.parametrize("label", [None, "", "  ", float("nan"), np.nan])
def test_a_label_that_is_missing(label: Any) -> None:
    with pytest.raises(DataError, match=r"^train\.csv:3: the label is missing or empty"):
        one_label(row(label))


def test_several_labels_where_one_is_wanted() -> None:
    with pytest.raises(DataError, match=r"^train\.csv:3: the label \['a', 'b'\] is a list .*; use kind=multi\.$"):
        one_label(row(["a", "b"]), "use kind=multi")


def test_what_is_neither_text_nor_number() -> None:
    with pytest.raises(DataError, match=r"^train\.csv:3: the label {'a': 1} is neither"):
        label_name(row(None), {"a": 1})


@pytest.mark.parametrize(
    ("label", "name"),
    [
        (np.int64(3), "3"),
        (np.float32(0.5), "0.5"),
        (np.bool_(True), "true"),
        (np.str_("spam"), "spam"),
        (torch.tensor(4), "4"),
        (torch.tensor(2.0), "2"),
        (Decimal("4.0"), "4"),
    ],
)
def test_scalars_of_numpy_and_torch_are_the_values_they_hold(label: Any, name: str) -> None:
    assert one_label(row(label)) == name


def test_labels_of_two_kinds() -> None:
    check_types([row("1"), row("a"), row(None)])
    check_types([row(1), row(0.5), row(np.int64(2)), row(np.float32(2)), row(torch.tensor(1))])
    with pytest.raises(DataError, match=r"^train\.csv:5: the label '1' is of the kind text, but 1 on line 4 is"):
        check_types([row(1, 4), row("1", 5)])


def test_whole_numbers_are_sorted_by_value() -> None:
    assert in_order({"10", "9", "-2"}) == ["-2", "9", "10"]
    assert in_order(["b", "a", "a", "10"]) == ["10", "a", "b"]


def test_a_few_names() -> None:
    assert few(["a", "b"]) == "'a', 'b'"
    assert few([*"abcdefghij"]).endswith("'h' and 2 more")
