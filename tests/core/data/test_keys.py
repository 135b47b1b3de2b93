"""Splits and overlap by 16 bytes a row are those of whole examples."""

from __future__ import annotations

import random

import numpy as np
import pytest

from taskzoo.data.keys import Keys, overlap_of, split_keys
from taskzoo.data.splits import overlap_report, split_examples
from taskzoo.errors import RequestError
from taskzoo.types import Example


def key(example: Example) -> tuple[str, str]:
    return example["text"], example["label"]


def make(count: int, inputs: int, labels: int, seed: int, source: str = "train.csv") -> list[Example]:
    draw = random.Random(seed)
    return [
        Example({"text": f"t{draw.randrange(inputs)}", "label": f"l{draw.randrange(labels)}"}, source, line)
        for line in range(1, count + 1)
    ]


@pytest.mark.parametrize("seed", range(40))
def test_splits_and_overlap_are_those_of_whole_examples(seed):
    draw = random.Random(seed)
    count = draw.choice([5, 20, 60, 300])
    examples = make(count, draw.choice([4, count, 5 * count]), draw.choice([1, 2, 3, 8, 120]), seed)
    if seed == 39:
        count, examples = 6, make(6, 2, 2, seed)
    fractions = (
        (0.1, 0.1) if seed == 39 else draw.choice([(0.1, 0.1), (0.1, 0.0), (0.0, 0.2), (0.3, 0.3), (0.001, 0.5)])
    )
    stratify = draw.random() < 0.7
    keys = Keys.of(map(key, examples), seed)
    wanted = {"seed": seed, "fractions": fractions, "stratify": stratify}
    if len({key(example)[0] for example in examples}) > sum(map(bool, fractions)):
        *parts, info = split_examples(examples, dedup_key=key, **wanted)
        indices, found = split_keys(keys, **wanted)
        assert found == info
        assert [[examples[i] for i in part] for part in indices] == parts
    else:
        with pytest.raises(RequestError, match="too few to split") as expected:
            split_examples(examples, dedup_key=key, **wanted)
        with pytest.raises(RequestError) as caught:
            split_keys(keys, **wanted)
        assert str(caught.value) == str(expected.value)

    splits = {"train": examples, "validation": make(count // 2, 2 * count, 3, seed + 1, "v.csv")}
    splits |= {"test": make(count // 3 + 1, count, 4, seed + 2, "t.csv")} if draw.random() < 0.7 else {}
    of_split = {split: Keys.of(map(key, rows), seed) for split, rows in splits.items()}

    def place(split: str, number: int) -> str:
        row = splits[split][number]
        return f"{split} {row.source}:{row.line}"

    for several in (True, False):
        expected = overlap_report(splits, key, multi_reference=several)
        assert overlap_of(of_split, place, multi_reference=several) == expected


def test_keys_of_parts_are_those_of_the_whole():
    examples = make(50, 20, 3, 1)
    whole, part = Keys.of(map(key, examples), 7), Keys.of(map(key, examples[10:20]), 7)
    assert np.array_equal(whole.given[10:20], part.given)
    assert np.array_equal(whole.take(np.arange(10, 20)).target, part.target)
    assert part.names.items() <= whole.names.items()
