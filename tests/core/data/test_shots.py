from __future__ import annotations

import json
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskzoo.data.shots import take_shots
from taskzoo.errors import RequestError
from taskzoo.types import Example


def row(text: str, labels: str, line: int = 0) -> Example:
    return Example({"text": text, "labels": list(labels)}, "a.csv", line)


def classes(row: Example) -> list[str]:
    found: list[str] = row["labels"]
    return found


def dedup_key(row: Example) -> tuple[str, str]:
    return row["text"], "".join(row["labels"])


def have(rows: list[Example]) -> Counter[str]:
    return Counter(name for row in rows for name in set(classes(row)))


def texts(rows: list[Example]) -> list[str]:
    return [row["text"] for row in rows]


ROWS = [row(f"text {i}", "ab"[i % 3 == 0], i) for i in range(300)]

_SINGLE = st.lists(st.tuples(st.integers(0, 40).map(str), st.sampled_from("abcd")), min_size=1, max_size=80)
_MULTI = st.lists(st.sets(st.sampled_from("abcdef")).map(lambda s: "".join(sorted(s))), min_size=1, max_size=60)


def test_so_many_of_each_class_in_the_original_order() -> None:
    chosen, info = take_shots(ROWS, classes, 8, seed=3)
    assert have(chosen) == {"a": 8, "b": 8}
    assert [r.line for r in chosen] == sorted(r.line for r in chosen)
    assert info == {"shots": 8, "seed": 3, "rows": 16, "short": {}}
    assert all(r in ROWS for r in chosen)


@given(_SINGLE, st.integers(1, 6), st.integers(0, 3))
def test_fewer_shots_are_a_part_of_more(pairs: list[tuple[str, str]], shots: int, seed: int) -> None:
    rows = [row(text, label, i) for i, (text, label) in enumerate(pairs)]
    few, _ = take_shots(rows, classes, shots, seed, dedup_key=dedup_key)
    more, info = take_shots(rows, classes, 2 * shots, seed, dedup_key=dedup_key)
    assert {r.line for r in few} <= {r.line for r in more}
    assert len(set(texts(more))) == len(more) == info["rows"]
    taken = have(more)
    every = sorted({label for _, label in pairs})
    assert info["short"] == {name: taken[name] for name in every if taken[name] < 2 * shots}
    assert json.loads(json.dumps(info)) == info


def test_the_choice_depends_on_the_seed_and_not_on_the_order() -> None:
    first = take_shots(ROWS, classes, 5, seed=0)
    assert take_shots(ROWS, classes, 5, seed=0) == first
    shuffled = random.Random(1).sample(ROWS, len(ROWS))
    assert set(texts(take_shots(shuffled, classes, 5, seed=0)[0])) == set(texts(first[0]))
    assert set(texts(take_shots(ROWS, classes, 5, seed=1)[0])) != set(texts(first[0]))


def test_the_choice_is_the_same_in_every_version() -> None:
    chosen, _ = take_shots(ROWS, classes, 2, seed=0, dedup_key=dedup_key)
    assert texts(chosen) == ["text 27", "text 192", "text 236", "text 266"]


def test_the_same_input_is_taken_once_whatever_stands_first() -> None:
    rows = [row("same", "a", 1), row("same", "b", 2), row("same", "a", 3), row("x", "a", 4), row("y", "b", 5)]
    for order in (rows, rows[::-1]):
        chosen, info = take_shots(order, classes, 2, seed=0, dedup_key=dedup_key)
        assert sorted(texts(chosen)) == ["same", "x", "y"]
        assert info["short"] in ({"a": 1}, {"b": 1})
    labels = {r["text"]: classes(r) for r in take_shots(rows, classes, 2, seed=0, dedup_key=dedup_key)[0]}
    assert labels == {r["text"]: classes(r) for r in take_shots(rows[::-1], classes, 2, seed=0, dedup_key=dedup_key)[0]}


@pytest.mark.parametrize("seed", range(4))
def test_a_class_is_not_lost_to_others_with_the_same_inputs(seed: int) -> None:
    rows = [row(f"text {i}", "ab"[i % 2], i) for i in range(40)]
    chosen, info = take_shots([*rows, row("text 0", "z", 99)], classes, 3, seed, dedup_key=dedup_key)
    assert have(chosen) == {"a": 3, "b": 3, "z": 1}
    assert info["short"] == {"z": 1}
    both = [row(text, label) for text in ("x", "y") for label in "ab"]
    chosen, info = take_shots(both, classes, 1, seed, dedup_key=dedup_key)
    assert have(chosen) == {"a": 1, "b": 1}
    assert info["short"] == {}


def test_a_class_of_which_no_row_can_be_taken_is_short() -> None:
    rows = [row("same", "a"), row("same", "b"), row("same", "c")]
    chosen, info = take_shots(rows, classes, 1, seed=0, dedup_key=dedup_key)
    assert len(chosen) == 1
    assert info["short"] == dict.fromkeys({"a", "b", "c"} - have(chosen).keys(), 0)


def test_without_a_dedup_key_whole_rows_are_compared() -> None:
    rows = [row("same", "a"), row("same", "a"), row("same", "b"), Example({"text": {1}, "labels": ["b"]})]
    assert take_shots(rows, classes, 9, seed=0)[1] == {"shots": 9, "seed": 0, "rows": 3, "short": {"a": 1, "b": 2}}


def test_small_classes_keep_what_they_have_and_are_reported() -> None:
    chosen, info = take_shots([*ROWS, row("rare", "z", 999)], classes, 4, seed=0)
    assert have(chosen) == {"a": 4, "b": 4, "z": 1}
    assert info["short"] == {"z": 1}


@given(_MULTI, st.integers(1, 5))
def test_several_classes_each_get_their_number(labels: list[str], shots: int) -> None:
    rows = [row(f"text {i}", label, i) for i, label in enumerate(labels)]
    if not any(labels):
        with pytest.raises(RequestError, match="None of the training rows has a class"):
            take_shots(rows, classes, shots, seed=0)
        return
    chosen, info = take_shots(rows, classes, shots, seed=0)
    there, taken = have(rows), have(chosen)
    assert all(taken[name] >= min(shots, there[name]) for name in there)
    assert info["short"] == {name: count for name, count in sorted(there.items()) if count < shots}
    assert all(classes(r) for r in chosen)
    assert len(chosen) <= sum(min(shots, count) for count in there.values())


def test_the_rarest_class_chooses_first() -> None:
    rows = [row(f"both {i}", "ab", i) for i in range(4)] + [row(f"only {i}", "a", 10 + i) for i in range(50)]
    chosen, _ = take_shots(rows, classes, 4, seed=0)
    assert sorted(texts(chosen)) == [f"both {i}" for i in range(4)]


@pytest.mark.parametrize("shots", [0, -3])
def test_less_than_one_shot(shots: int) -> None:
    with pytest.raises(RequestError, match=rf"shots is {shots} and must be at least 1\."):
        take_shots(ROWS, classes, shots, seed=0)
