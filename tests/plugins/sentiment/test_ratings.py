"""Numbers as reviews give them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskzoo import DataError, RequestError, Row, registry
from taskzoo_sentiment.ratings import STARS, rating
from taskzoo_sentiment.task import SentimentTask


def rows(*labels: Any, source: str = "train.csv") -> list[Row]:
    return [Row({"text": f"text {n}", "label": label}, source, n) for n, label in enumerate(labels, 1)]


def task_of(**options: Any) -> SentimentTask:
    return SentimentTask(registry.task("sentiment").resolve_options(options))


@pytest.mark.parametrize(
    ("name", "value", "unit"),
    [
        *[(name, 4.0, "") for name in ("4", "4.0", "+4", "4e0", "Rating: 4", "４", "4分", "4 points")],
        *[(name, 4.0, STARS) for name in ("4 stars", "4-star", "4 star(s)", "4.0 out of 5 stars", "4 out of 5")],
        *[(name, 4.0, STARS) for name in ("4/5", "4.0/5.0", "4 / 5", "4 of 5 stars", "Rated 4 out of 5 stars")],
        *[
            (name, 4.0, STARS)
            for name in ("★★★★☆", "★★★★", "⭐⭐⭐⭐", "⭐️⭐️⭐️⭐️", "4★", "4 ⭐", "four stars", "Four-Star")
        ],
        *[(name, 4.0, STARS) for name in ("4.0 von 5 Sternen", "4.0 su 5 stelle", "4.0 de 5 estrelas")],
        *[
            (name, 4.0, STARS)
            for name in ("4星", "四星", "4 星级", "四颗星", "4 Sterne", "4 étoiles", "4 estrellas", "4 stelle")
        ],
        *[
            (name, 4.0, STARS)
            for name in (
                *("4.0 sur 5 étoiles", "4.0 de 5 estrellas", "4.0 van 5 sterren", "4.0 av 5 stjärnor"),
                *("4.0 z 5 gwiazdek", "4 из 5 звёзд", "5 yıldız üzerinden 4.0", "4.0 颗星，最多 5 颗星"),
                *("5つ星のうち4.0", "5つ星のうち 4", "별 5개 중 4.0개", "5점 만점에 4점"),
            )
        ],
        *[(name, 3.5, "") for name in ("3½", "3 1/2", "3.5")],
        *[(name, 3.5, STARS) for name in ("3½ stars", "★★★½", "★★★½☆", "3½/5", "3 1/2 stars")],
        ("½", 0.5, ""),
        ("10点満点中8", 8.0, "of 10"),
        ("☆☆☆☆☆", 0.0, STARS),
        ("4.5 out of 5 stars", 4.5, STARS),
        ("8/10", 8.0, "of 10"),
        ("★★★★★★☆☆☆☆", 6.0, "of 10"),
        *[(name, 35.0, "%") for name in ("35%", "35 %", "35.0%", "35％", "35 percent")],
        ("-0.5", -0.5, ""),
        ("\u22120.5", -0.5, ""),
    ],
)
def test_common_spellings(name: str, value: float, unit: str) -> None:
    found = rating(name)
    assert found is not None
    assert (found.value, found.unit) == (value, unit)


@pytest.mark.parametrize(
    "name", ["", "good", "four", "4 apples", "1e999", "nan", "4/", "/5", "⅓", "1/2/3", "stars", "%", "1,000"]
)
def test_what_is_no_rating(name: str) -> None:
    assert rating(name) is None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100), st.sampled_from(["{}%", "{} %", "{}.0%", "{}％"]))
def test_percentages_are_numbers(value: int, form: str) -> None:
    found = rating(form.format(value))
    assert found is not None
    assert found.value == value


def test_percentages_are_an_intensity_and_stay_one() -> None:
    task = task_of()
    train = task.prepare(rows(*[f"{n}%" for n in range(0, 100, 7)]), "train")
    task.fit(train)
    assert task.kind == "intensity"
    assert [example["label"] for example in train][:3] == [0.0, 7.0, 14.0]
    assert task.describe().startswith("intensity, a number (%) from 0 to 98")
    twin = task_of()
    twin.restore(task.state())
    assert twin.prepare(rows("5 %"), "test")[0]["label"] == 5.0
    with pytest.raises(DataError, match=r"test.csv:1: the label '0.05' is a plain number.* have percentages"):
        twin.prepare(rows("0.05", source="test.csv"), "test")


def test_a_few_percentages_are_numbers_too() -> None:
    task = task_of()
    task.prepare(rows("80 percent", "20%", "30%", "10%"), "train")
    assert task.kind == "intensity"


@pytest.mark.parametrize("labels", [["4/5", "8/10", "3/5", "1/5"], ["35%", "0.4", "0.5", "0.7"]])
def test_units_are_not_mixed(labels: list[str]) -> None:
    with pytest.raises(RequestError, match=r"train.csv:2: the label .* is a .*, and .* on line 1 is a .*write all"):
        task_of().prepare(rows(*labels), "train")


def test_stars_of_other_files_are_spelled_as_those_of_the_training_rows() -> None:
    task = task_of()
    task.fit(task.prepare(rows(*[f"{n}.0 out of 5 stars" for n in range(1, 6)]), "train"))
    assert task.kind == "stars"
    others = task.prepare(rows("★★★★☆", "4/5", "5 stars", "2"), "test")
    assert [example["label"][0] for example in others] == ["4", "4", "5", "2"]
    assert others[0]["label"] == "4.0 out of 5 stars"


def test_a_list_of_one_label_is_that_label() -> None:
    for labels in ([["pos"], ["neg"]], ["['pos']", "neg"]):
        assert [example["label"] for example in task_of().prepare(rows(*labels), "train")] == ["pos", "neg"]
    with pytest.raises(DataError, match=r"train.csv:1: the label \['pos', 'neg'\] is a list and one label"):
        task_of().prepare(rows(["pos", "neg"]), "train")


@pytest.mark.parametrize(
    "form",
    ["{},0 von 5 Sternen", "5つ星のうち{}.0", "{},0 sur 5 étoiles", "{},0 de 5 estrellas", "{}.0 颗星，最多 5 颗星"],
)
def test_stars_of_a_shop_in_other_languages(form: str) -> None:
    task = task_of(stars_as="numbers")
    train = task.prepare(rows(*[form.format(n) for n in (4, 5, 1, 2, 3)]), "train")
    assert task.kind == "stars"
    assert [example["label"] for example in train] == [4.0, 5.0, 1.0, 2.0, 3.0]


def test_half_stars_are_numbers() -> None:
    task = task_of()
    assert [example["label"] for example in task.prepare(rows("3½", "4½", "1½", "2½", "5"), "train")] == [
        *(3.5, 4.5, 1.5, 2.5, 5.0)
    ]
    assert task.kind == "intensity"


def test_stars_times_ten_are_classes_and_this_is_said() -> None:
    task = task_of()
    task.fit(task.prepare(rows("50", "40", "30", "20", "10"), "train"))
    assert task.describe().startswith("5 classes, 10 (1 row), 20 (1 row)")
    assert task.describe().endswith("; if they are stars times ten, write 1 to 5")
