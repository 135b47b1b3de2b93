"""What is said of single rows: counts against scikit-learn, entities where they are, and differences of words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import confusion_matrix

from taskzoo.report.answers import Answer
from taskzoo.report.entities import outcomes
from taskzoo.report.marked import Span, marked, window
from taskzoo.report.markup import text
from taskzoo.report.word_diff import nearest, split_words, word_diff

from .conftest import ENTITIES, LABELS
from .kit import Page

Pages = Callable[[str], Page]


def predictions(run: Path) -> list[Any]:
    return [json.loads(line) for line in (run / "predictions.jsonl").read_text().splitlines()]


def test_the_confusion_matrix_is_that_of_scikit_learn(planted: Callable[[str], Path], page: Pages) -> None:
    rows = predictions(planted("one label"))
    gold, given = [row["reference"]["label"] for row in rows], [row["label"] for row in rows]
    table = page("one label").rows("Confusion matrix")
    order = table["gold ↓ predicted →"][:-1]
    assert sorted(order) == sorted(LABELS)
    counts = confusion_matrix(gold, given, labels=order)
    assert [[int(cell.split()[0]) for cell in table[label][:-1]] for label in order] == counts.tolist()
    assert [int(table[label][-1]) for label in order] == counts.sum(axis=1).tolist()
    assert [int(cell) for cell in table["all"]] == [*counts.sum(axis=0).tolist(), len(rows)]


def test_a_cell_leads_to_its_most_confident_errors(planted: Callable[[str], Path], page: Pages) -> None:
    rows = predictions(planted("one label"))
    pair = [(r["score"], i) for i, r in enumerate(rows, 1) if (r["reference"]["label"], r["label"]) == ("mild", "cold")]
    html = page("one label").html
    count, anchor = next(
        (n, a)
        for a, n in re.findall(r'<a href="#(pair-\d+)">(\d+)</a>', html)
        if f'<bdi>mild → cold</bdi>: {n}</summary>\n<div id="{a}"' in html
    )[::-1]
    assert len(pair) == int(anchor)
    part = html.split(f'<div id="{count}"')[1].split("</details>")[0]
    best = [row for _, row in sorted(pair, key=lambda one: (-one[0], one[1]))[:5]]
    assert [int(row) for row in re.findall(r"<h4>row (\d+)", part)] == best


def test_the_worst_errors_are_the_most_confident(planted: Callable[[str], Path], page: Pages) -> None:
    rows = predictions(planted("one label"))
    wrong = [(-r["score"], i) for i, r in enumerate(rows, 1) if r["reference"]["label"] != r["label"]]
    part = page("one label").html.split("Most confident errors</h3>")[1].split("By kind of error")[0]
    assert [int(row) for row in re.findall(r"<h4>row (\d+)", part)] == [i for _, i in sorted(wrong)][:50]
    assert f"{len(wrong)} of 120 rows differ" in page("one label").html


def test_labels_missed_and_given_wrongly(page: Pages) -> None:
    table = page("several labels").rows("Labels missed and given wrongly")
    assert table == {"label": ["missed", "given wrongly"], "a": ["0", "20"], "b": ["20", "0"]}


def test_numbers_are_listed_by_their_deviation(page: Pages) -> None:
    html = page("stars").html
    assert "<bdi>gold 5 (5), predicted 3 (3) (-2)</bdi>" in html
    first = re.search(r"Largest deviations</h3>\s*<article>\s*<h4>row (\d+)", html)
    assert first is not None
    assert first[1] == "5"
    assert page("stars").rows("Confusion matrix")["5"][2].split()[0] == "10"


def marks(html: str, kind: str = "") -> list[tuple[str, str]]:
    """Marked text and what stands behind it."""
    found = re.findall(rf'<mark class="{kind or "[a-z]+"}">(.*?)<small>(.*?)</small></mark>', html)
    return [(unescape(part), unescape(label)) for part, label in found]


def test_entities_are_marked_where_they_are(page: Pages) -> None:
    html = page("entities").html
    article = next(part for part in html.split("<article>") if "Lovelace" in part)
    gold, predicted = re.findall(r"<dd[^>]*>(.*?)</dd>", article, re.DOTALL)[:2]
    assert marks(gold) == [
        ("Ada Lovelace", "PER · wrong boundaries"),
        ("Paris", "LOC"),
        ("Kim", "PER · missed"),
        ("Acme Corp", "ORG · wrong type"),
    ]
    assert marks(predicted) == [
        ("Ada", "PER · wrong boundaries 0.90"),
        ("Paris", "LOC"),
        ("Acme Corp", "PER · wrong type 0.60"),
        ("<i>", "ORG · spurious 0.50"),
    ]
    for side in (gold, predicted):
        assert unescape(re.sub(r"<small>.*?</small>|<[^>]+>", "", side)) == ENTITIES
    assert set(marks(html, "right")) == {("Paris", "LOC")}


def test_what_became_of_the_entities(page: Pages) -> None:
    table = page("entities").rows("Entity errors")
    assert table["type"] == ["gold", "right", "wrong boundaries", "wrong type", "missed", "spurious"]
    assert table["PER"] == ["3", "0", "1", "0", "2", "0"]
    assert table["LOC"] == ["1", "1", "0", "0", "0", "0"]
    assert table["ORG"] == ["1", "0", "0", "1", "0", "1"]


def test_of_a_long_text_the_part_with_the_first_error_is_shown(page: Pages) -> None:
    html = page("entities").html
    assert ("Kim", "PER · missed") in marks(next(part for part in html.split("<article>") if "slept" in part))


def test_an_entity_is_in_one_outcome_only() -> None:
    def side(*spans: tuple[int, int, str]) -> dict[str, Any]:
        return {"entities": [{"start": a, "end": b, "label": label} for a, b, label in spans]}

    prediction = {"text": "x" * 30, **side((0, 5, "A"), (5, 9, "B"), (12, 20, "A"), (40, 50, "A"))}
    found = list(outcomes(Answer(1, prediction, side((0, 9, "A"), (12, 20, "B"), (25, 27, "B")))))
    told = {(one.what, one.gold and one.gold.start, one.predicted and one.predicted.start) for one in found}
    assert told == {("wrong boundaries", 0, 0), ("wrong type", 12, 12), ("missed", 25, None), ("spurious", None, 5)}
    assert len(found) == 4


@pytest.mark.parametrize("start", [0, 700, 1990])
def test_a_window_holds_the_error(start: int) -> None:
    value = "".join(chr(97 + i % 26) for i in range(2000))
    span = Span(start, start + 5, "A")
    shown = window(value, [span])
    found = marked(value, [span], {span: "missed"}, shown)
    assert f'<mark class="wrong">{value[start : start + 5]}<small>' in found
    assert value[shown[0] : start] in found


def test_words_that_differ_from_the_nearest_reference(page: Pages) -> None:
    html = page("translation").html
    assert "ein Hund <del>bellt</del><ins>&lt;b&gt;miaut&lt;/b&gt;</ins> laut" in html
    assert "2 of 3 rows differ" in html
    assert re.findall(r"<h4>row (\d)", html) == ["3", "2"]
    assert "1 of 3 outputs are empty." in html


def test_a_difference_keeps_all_characters() -> None:
    assert "".join(split_words("日本語 is\n fine, 42!")) == "日本語 is\n fine, 42!"
    assert split_words("日本 ab") == ["日", "本", " ", "ab"]
    diff = word_diff("the black cat", "the cat slept")
    assert diff == "the <ins>black </ins>cat<del> slept</del>"
    assert word_diff("one two, end", "six ten, end") == "<del>six ten</del><ins>one two</ins>, end"
    assert word_diff("same text ", "same text ") == "same text "
    assert nearest("a small dog", ["the cat", "a big dog", "no"]) == "a big dog"


def test_nothing_in_a_value_is_mark_up() -> None:
    assert text("<a href='x'>\x00\udcff") == "&lt;a href=&#39;x&#39;&gt;\\x00\\udcff"
