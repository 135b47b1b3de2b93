"""Features as batches: padding, masks and targets of each kind."""

from __future__ import annotations

from typing import Any

import numpy as np

from taskzoo.heads.base import Head
from taskzoo.heads.collator import SequenceCollator
from taskzoo.heads.multi_label import MultiLabelHead
from taskzoo.heads.regression import RegressionHead, Scale
from taskzoo.heads.single_label import SingleLabelHead
from taskzoo.types import Batch, Feature


def collated(head: Head, *values: dict[str, Any]) -> Batch:
    return SequenceCollator(7, head)([Feature(i, len(v["input_ids"]), v) for i, v in enumerate(values)])


def test_a_batch_is_padded_on_the_right_and_masked_by_length() -> None:
    batch = collated(
        SingleLabelHead(["a", "b"]),
        {"input_ids": [3, 7], "target": 1},
        {"input_ids": [4, 5, 6], "token_type_ids": [0, 1, 1], "target": None},
    )
    assert batch.inputs["input_ids"].tolist() == [[3, 7, 7], [4, 5, 6]]
    assert batch.inputs["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]
    assert batch.inputs["token_type_ids"].tolist() == [[0, 0, 0], [0, 1, 1]]
    assert batch.targets["labels"].tolist() == [1, -100]


def test_targets_of_several_labels_and_of_numbers() -> None:
    several = ({"input_ids": [1], "target": target} for target in ([0, 2], [], None))
    labels = collated(MultiLabelHead(["a", "b", "c"]), *several).targets["labels"]
    assert labels[:2].tolist() == [[1, 0, 1], [0, 0, 0]]
    assert np.isnan(labels[2]).all()
    numbers = ({"input_ids": [1], "target": target} for target in (0.5, None))
    values = collated(RegressionHead(Scale(0, 1, 0, 1)), *numbers).targets["values"]
    assert values.dtype == np.float32
    assert values[0] == 0.5
    assert np.isnan(values[1])
