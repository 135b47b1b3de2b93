"""Folds: every row in one, what belongs together stays together, classes in proportion."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import pytest

from taskzoo.data.folds import assign_folds, parse_fold
from taskzoo.errors import RequestError
from taskzoo.types import Example


def key(example: Example) -> tuple[str, str]:
    return example["text"], example["label"]


def examples(count: int, labels: str = "aaabbc") -> list[Example]:
    return [Example({"text": f"text {i}", "label": labels[i % len(labels)]}) for i in range(count)]


def test_every_row_is_in_one_fold_and_classes_are_dealt_out() -> None:
    rows = examples(120)
    found, stratified = assign_folds(rows, 5, dedup_key=key, seed=1)
    assert stratified
    assert Counter(found) == dict.fromkeys(range(1, 6), 24)
    per_class = Counter((row["label"], fold) for row, fold in zip(rows, found, strict=True))
    assert all(
        per_class[label, fold] == share for label, share in zip("abc", (12, 8, 4), strict=True) for fold in range(1, 6)
    )


def test_the_order_does_not_matter_and_the_seed_does() -> None:
    rows = examples(60)
    found = dict(zip((row["text"] for row in rows), assign_folds(rows, 3, dedup_key=key, seed=1)[0], strict=True))
    mixed = random.Random(0).sample(rows, len(rows))
    again = dict(zip((row["text"] for row in mixed), assign_folds(mixed, 3, dedup_key=key, seed=1)[0], strict=True))
    assert again == found
    assert assign_folds(rows, 3, dedup_key=key, seed=2)[0] != list(found.values())


def test_groups_and_repeated_inputs_stay_together() -> None:
    rows = [*examples(90), *examples(10)]
    groups = [f"g{i // 4}" for i in range(100)]
    found, _ = assign_folds(rows, 4, dedup_key=key, seed=3, groups=groups)
    folds_of = defaultdict(set)
    for row, group, fold in zip(rows, groups, found, strict=True):
        folds_of[row["text"]].add(fold)
        folds_of[group].add(fold)
    assert all(len(folds) == 1 for folds in folds_of.values())
    assert max(Counter(found).values()) - min(Counter(found).values()) <= 12


def test_texts_as_targets_are_not_strata() -> None:
    rows = [Example({"text": f"text {i}", "label": f"target {i}"}) for i in range(50)]
    found, stratified = assign_folds(rows, 5, dedup_key=key, seed=1, stratify=False)
    assert not stratified
    assert set(Counter(found).values()) == {10}


def test_too_few_rows_or_groups() -> None:
    with pytest.raises(RequestError, match="4 distinct inputs, too few for 5 folds"):
        assign_folds(examples(4), 5, dedup_key=key, seed=1)
    with pytest.raises(RequestError, match="2 distinct groups, too few for 3 folds"):
        assign_folds(examples(8), 3, dedup_key=key, seed=1, groups=["x", "y"] * 4)


def test_the_form_of_a_fold() -> None:
    assert parse_fold("2/5") == (2, 5)
    for wrong in ("2", "0/5", "6/5", "1/1", "a/b", "2/", "-1/5"):
        with pytest.raises(RequestError, match="2/5"):
            parse_fold(wrong)
