from __future__ import annotations

import json
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.data.splits import overlap_report, split_examples
from taskzoo.errors import RequestError
from taskzoo.types import Example


def dedup_key(row: Example) -> tuple[str, str]:
    return str(row["text"]), str(row["label"])


def rows_of(pairs: list[tuple[str, str]], source: str = "a.csv") -> list[Example]:
    return [Example({"text": a, "label": b}, source, i) for i, (a, b) in enumerate(pairs, start=2)]


def labels(rows: list[Example]) -> Counter[str]:
    return Counter(row["label"] for row in rows)


def inputs(rows: list[Example]) -> set[str]:
    return {row["text"] for row in rows}


_PAIRS = st.lists(st.tuples(st.integers(0, 60).map(str), st.sampled_from("abc")), min_size=1, max_size=120)


@given(_PAIRS, st.integers(-5, 5), st.sampled_from([(0.1, 0.1), (0.4, 0.5), (0.1, 0.0), (0.0, 0.3), (0.0, 0.0)]))
def test_every_row_once_and_no_input_twice(
    pairs: list[tuple[str, str]], seed: int, fractions: tuple[float, float]
) -> None:
    rows = rows_of(pairs)
    parts = 1 + sum(f > 0 for f in fractions)
    if len({text for text, _ in pairs}) < parts:
        with pytest.raises(RequestError, match="too few"):
            split_examples(rows, dedup_key=dedup_key, seed=seed, fractions=fractions)
        return
    train, validation, test, info = split_examples(rows, dedup_key=dedup_key, seed=seed, fractions=fractions)
    assert sorted(row.line for row in (*train, *validation, *test)) == [row.line for row in rows]
    assert not inputs(train) & inputs(validation)
    assert not inputs(train) & inputs(test)
    assert not inputs(validation) & inputs(test)
    assert train
    assert bool(validation) == (fractions[0] > 0)
    assert bool(test) == (fractions[1] > 0)
    for part in (train, validation, test):
        assert [row.line for row in part] == sorted(row.line for row in part)
    assert info["sizes"] == {"train": len(train), "validation": len(validation), "test": len(test)}
    assert json.loads(json.dumps(info)) == info


def test_sizes_follow_the_fractions() -> None:
    rows = rows_of([(str(i), "") for i in range(1000)])
    train, validation, test, info = split_examples(rows, dedup_key=dedup_key, seed=0)
    assert (len(train), len(validation), len(test)) == (800, 100, 100)
    assert info["method"] == "random"


def test_every_label_is_split_in_proportion() -> None:
    rows = rows_of([(str(i), "rare" if i % 20 == 0 else "common") for i in range(1000)])
    train, validation, test, info = split_examples(rows, dedup_key=dedup_key, seed=0)
    assert info["method"] == "stratified"
    assert labels(train) == {"common": 760, "rare": 40}
    assert labels(validation) == labels(test) == {"common": 95, "rare": 5}


@given(st.integers(0, 50))
def test_no_label_is_left_out_of_train(seed: int) -> None:
    rows = rows_of([(f"{label}{i}", label) for label in "abcdefghij" for i in range(1 if label == "j" else 4)])
    train, _, _, info = split_examples(rows, dedup_key=dedup_key, seed=seed, fractions=(0.4, 0.4))
    assert info["method"] == "stratified"
    assert set(labels(train)) == set("abcdefghij")


def test_many_small_labels_still_fill_the_parts() -> None:
    rows = rows_of([(f"{label}-{i}", str(label)) for label in range(77) for i in range(3)])
    _, validation, test, _ = split_examples(rows, dedup_key=dedup_key, seed=0)
    assert abs(len(validation) - 23) <= 1
    assert abs(len(test) - 23) <= 1


def test_the_same_seed_gives_the_same_split_whatever_the_order() -> None:
    rows = rows_of([(str(i), str(i % 2)) for i in range(200)])
    first = split_examples(rows, dedup_key=dedup_key, seed=3)
    again = split_examples(rows, dedup_key=dedup_key, seed=3)
    backwards = split_examples(rows[::-1], dedup_key=dedup_key, seed=3)
    other = split_examples(rows, dedup_key=dedup_key, seed=4)
    assert first == again
    assert inputs(first[2]) == inputs(backwards[2])
    assert inputs(first[2]) != inputs(other[2])
    assert first[3]["indices_sha256"] != other[3]["indices_sha256"]


def test_the_split_is_the_same_in_every_version() -> None:
    rows = rows_of([(str(i), str(i % 2)) for i in range(20)])
    _, validation, test, _ = split_examples(rows, dedup_key=dedup_key, seed=0)
    assert (sorted(inputs(validation)), sorted(inputs(test))) == (["1", "14"], ["13", "8"])


def test_groups_stay_together() -> None:
    rows = rows_of([(str(i), str(i % 2)) for i in range(200)])
    groups = [i // 5 for i in range(200)]
    train, validation, test, info = split_examples(rows, dedup_key=dedup_key, seed=0, groups=groups)
    of = {row.line: group for row, group in zip(rows, groups, strict=True)}
    parts = [{of[row.line] for row in part} for part in (train, validation, test)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    assert info["grouped"] is True
    assert info["units"] == 40
    assert len(test) == 20


@pytest.mark.parametrize("seed", range(5))
def test_groups_of_mixed_labels_keep_the_proportions(seed: int) -> None:
    rows = rows_of([(str(i), "rare" if i % 10 == 0 else "common") for i in range(2000)])
    groups = [i // 7 for i in range(2000)]
    train, validation, test, info = split_examples(rows, dedup_key=dedup_key, seed=seed, groups=groups)
    assert (info["method"], info["grouped"], info["units"]) == ("stratified", True, 286)
    for part, share in ((train, 0.8), (validation, 0.1), (test, 0.1)):
        assert abs(len(part) - 2000 * share) <= 14
        assert 0.06 < labels(part)["rare"] / len(part) < 0.14


@given(st.integers(0, 200), st.integers(1, 3))
def test_a_label_of_few_groups_stays_in_train(seed: int, spread: int) -> None:
    """It is never the most frequent label of its groups, so nothing but its rarity can keep it there."""
    rows = rows_of([(str(i), "rare" if i % 10 == 0 and i < 10 * spread else "ab"[i % 10 < 7]) for i in range(200)])
    train, *_ = split_examples(
        rows, dedup_key=dedup_key, seed=seed, groups=[i // 10 for i in range(200)], fractions=(0.3, 0.3)
    )
    assert labels(train)["rare"]


def test_a_shared_input_joins_groups() -> None:
    rows = rows_of([("a", "x"), ("b", "x"), ("b", "x"), ("c", "x"), ("d", "x"), ("e", "x")])
    for seed in range(20):
        parts = split_examples(rows, dedup_key=dedup_key, seed=seed, groups=[1, 1, 2, 2, 3, 4])[:3]
        assert sum(bool(inputs(part) & {"a", "b", "c"}) for part in parts) == 1


def test_three_rows_are_enough_and_two_are_not() -> None:
    rows = rows_of([("a", "x"), ("b", "y"), ("c", "x")])
    assert [len(part) for part in split_examples(rows, dedup_key=dedup_key, seed=0)[:3]] == [1, 1, 1]
    for few in (rows[:2], [rows[0]] * 9, []):
        with pytest.raises(RequestError, match=r"too few to split into 3 parts.*--validation") as caught:
            split_examples(few, dedup_key=dedup_key, seed=0)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (-0.1, 0.2), (1.0, 0.0)])
def test_fractions_that_make_no_sense(fractions: tuple[float, float]) -> None:
    with pytest.raises(RequestError, match="fractions"):
        split_examples(rows_of([("a", "x")]), dedup_key=dedup_key, seed=0, fractions=fractions)


def test_train_keeps_a_row_when_a_repeated_input_fits_nowhere() -> None:
    rows = rows_of([("a", "x"), ("a", "x"), ("b", "x"), ("c", "x")])
    for seed in range(20):
        parts = split_examples(rows, dedup_key=dedup_key, seed=seed, fractions=(0.4, 0.5))[:3]
        assert min(len(part) for part in parts) >= 1


def test_groups_of_another_length() -> None:
    with pytest.raises(RequestError, match="1 groups for 2 rows"):
        split_examples(rows_of([("a", "x"), ("b", "x")]), dedup_key=dedup_key, seed=0, groups=[1])


def test_lone_surrogates_in_memory_do_not_break_it() -> None:
    rows = rows_of([("\ud83d", "x"), ("b", "x"), ("c", "x")])
    assert len(split_examples(rows, dedup_key=dedup_key, seed=0)[0]) == 1


def test_overlap_report() -> None:
    splits = {
        "train": rows_of([("a", "x"), ("b", "x"), ("a", "x"), ("c", "y")], "train.csv"),
        "validation": rows_of([("b", "z"), ("d", "x")], "dev.csv"),
        "test": rows_of([("a", "x"), ("a", "x"), ("e", "x"), ("d", "x")], "test.csv"),
    }
    assert overlap_report(splits, dedup_key) == {
        "train_test": {
            "count": 2,
            "examples": [["train train.csv:2", "test test.csv:2"], ["train train.csv:2", "test test.csv:3"]],
        },
        "train_validation": {"count": 1, "examples": [["train train.csv:3", "validation dev.csv:2"]]},
        "validation_test": {"count": 1, "examples": [["validation dev.csv:3", "test test.csv:5"]]},
        "inside_train": {"count": 1, "examples": [["train train.csv:2", "train train.csv:4"]]},
        "conflicting_targets": {"count": 1, "examples": [["train train.csv:3", "validation dev.csv:2"]]},
    }


def test_the_report_shows_three_examples_and_counts_all() -> None:
    rows = rows_of([("a", "x")] * 10)
    report = overlap_report({"train": rows}, dedup_key)
    assert report["inside_train"]["count"] == 9
    assert len(report["inside_train"]["examples"]) == 3
    assert list(report) == ["inside_train", "conflicting_targets"]


@given(_PAIRS.filter(lambda pairs: len({text for text, _ in pairs}) >= 3))
def test_own_splits_never_overlap(pairs: list[tuple[str, str]]) -> None:
    train, validation, test, _ = split_examples(rows_of(pairs), dedup_key=dedup_key, seed=1)
    report = overlap_report({"train": train, "validation": validation, "test": test}, dedup_key)
    assert [report[key]["count"] for key in ("train_test", "train_validation", "validation_test")] == [0, 0, 0]


def translations(count: int) -> list[Example]:
    """Sentences with one to four translations each, in the order of a list that is sorted by sentence."""
    pairs = [(f"sentence {i}", f"translation {i}.{j % 3}") for i in range(count) for j in range(1 + i % 4)]
    return rows_of(pairs)


def test_translations_of_one_sentence_stay_together_also_in_a_large_file() -> None:
    rows = translations(12_000)
    assert len(rows) > 29_000
    began = time.perf_counter()
    fractions = (500 / len(rows), 1000 / len(rows))
    train, validation, test, info = split_examples(
        rows, dedup_key=dedup_key, seed=1, fractions=fractions, stratify=False
    )
    report = overlap_report({"train": train, "validation": validation, "test": test}, dedup_key, multi_reference=True)
    assert time.perf_counter() - began < 10  # one second where nothing else runs
    assert (len(validation), len(test)) == (500, 1000)
    assert [report[name]["count"] for name in ("train_test", "train_validation", "validation_test")] == [0, 0, 0]
    assert info["method"] == "random"


def test_several_targets_are_no_conflict_where_a_task_says_so() -> None:
    train = rows_of([("hi", "salut"), ("hi", "bonjour"), ("bye", "adieu"), ("hi", "salut")])
    test = rows_of([("hi", "salut"), ("no", "non")], source="b.csv")
    report = overlap_report({"train": train, "test": test}, dedup_key, multi_reference=True)
    assert report == {
        "train_test": {"count": 1, "examples": [["train a.csv:2", "test b.csv:2"]]},
        "repeated_pairs": {"count": 1, "examples": [["train a.csv:2", "train a.csv:5"]]},
    }
    assert overlap_report({"test": train}, dedup_key, multi_reference=True) == {}
    plain = overlap_report({"train": train, "test": test}, dedup_key)
    assert (plain["conflicting_targets"]["count"], plain["inside_train"]["count"]) == (1, 2)


def test_texts_are_no_strata() -> None:
    rows = rows_of([(f"{i}", "yes" if i % 2 else "no") for i in range(60)])
    assert split_examples(rows, dedup_key=dedup_key, seed=0)[3]["method"] == "stratified"
    assert split_examples(rows, dedup_key=dedup_key, seed=0, stratify=False)[3]["method"] == "random"
