"""The page of a comparison: whole, self-contained, and with the numbers and rows that the comparison found."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.core.comparison.kit import TRANSLATION, answers, gold_labels, label_run, write_run
from tests.core.runs.kit import zoo

from taskzoo.comparison.compare import compare
from taskzoo.comparison.result import Comparison
from taskzoo.comparison.wording import difference_text
from taskzoo.report.compared import comparison_page
from taskzoo.score_text import score_text

from .kit import Page

Runs = Callable[..., list[Path]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    gold, folder = gold_labels(150), tmp_path_factory.mktemp("runs")
    made = {share: label_run(folder / f"<i>{share}", gold, answers(gold, share, 1)) for share in (0.9, 0.7, 0.6)}
    return lambda *shares: [made[share] for share in shares]


def page_of(*runs: Path) -> tuple[Comparison, Page]:
    found = compare(*runs, samples=100)
    return found, Page(comparison_page(found))


def check_whole(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    assert not re.findall(r"https?://|@import|url\(|<script|<img|\son\w+=", page.html)
    labelled = [attrs["aria-labelledby"] for tag, attrs in page.tags if tag == "svg"]
    assert labelled
    assert set(labelled) <= set(page.ids)


def test_two_runs(runs: Runs) -> None:
    found, page = page_of(*runs(0.9, 0.6))
    check_whole(page)
    (pair,) = found.pairs
    assert "&lt;i&gt;0.9 is better than &lt;i&gt;0.6" in page.html
    assert "<i>" not in page.html
    row = page.rows("A and B")["f1_macro"]
    one = pair.primary
    assert row[:3] == [score_text(one.first), score_text(one.second), difference_text(one)]
    assert pair.sides is not None
    assert f"{pair.sides.only_first} only in A, {pair.sides.only_second} only in B" in page.html
    assert f"Better from A: {pair.count('first')} rows, the first 30" in page.html
    assert page.html.count("<article>") == sum(min(30, pair.count(c)) for c in ("first", "second", "neither"))


def test_several_runs_have_an_overview(runs: Runs) -> None:
    found, page = page_of(*runs(0.9, 0.7, 0.6))
    check_whole(page)
    assert page.rows("Scores")["f1_macro"] == [
        score_text(value) for value in (found.pairs[0].primary.first, *(p.primary.second for p in found.pairs[:2]))
    ]
    assert page.html.count("<circle") >= 3
    assert [name for name in ("A and B", "A and C", "B and C") if name in page.tables] == list(page.tables)[1:]


def test_generated_texts_are_shown_with_what_differs(tmp_path: Path) -> None:
    def rows(output: str) -> list[dict[str, Any]]:
        return [
            {"source": f"dog {i}", "text": output, "score": -1.0, "reference": {"targets": ["der alte Hund"]}}
            for i in range(20)
        ]

    a = write_run(tmp_path / "a", "translation", rows("der alte Hund"), TRANSLATION)
    b = write_run(tmp_path / "b", "translation", rows("der junge Hund"), TRANSLATION)
    _, page = page_of(a, b)
    assert "der <del>alte</del><ins>junge</ins> Hund" in page.html


def test_the_command_writes_the_page(runs: Runs, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    result = zoo("compare", *runs(0.7, 0.6), "--output", file)
    assert result.code == 0
    assert f"Page written to {file}." in result.err
    assert "cannot tell" in file.read_text(encoding="utf-8") or "is better than" in file.read_text(encoding="utf-8")
    refused = zoo("compare", *runs(0.7, 0.6), "--output", tmp_path)
    assert (refused.code, "is a folder; name a file" in refused.err) == (2, True)


@pytest.mark.browser
def test_it_fits_a_phone(runs: Runs, tmp_path: Path, browser: Any) -> None:
    file = tmp_path / "page.html"
    file.write_text(page_of(*runs(0.9, 0.7, 0.6))[1].html, encoding="utf-8")
    opened = browser.new_page(viewport={"width": 360, "height": 740})
    opened.goto(file.as_uri())
    assert opened.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    opened.close()
