"""The page in a browser: nothing is loaded or complained about, links open what they lead to, and it fits a phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import MADE
from .kit import Page

pytestmark = pytest.mark.browser


@pytest.fixture
def visit(browser: Any, planted: Callable[[str], Path], page: Callable[[str], Page]) -> Iterator[Callable[[str], Any]]:
    """Opens the page of a kind, offline and without JavaScript of its own; it may say and load nothing."""
    said: list[str] = []
    context = browser.new_context(viewport={"width": 360, "height": 740}, offline=True)

    def open_page(kind: str) -> Any:
        page(kind)  # written now
        opened = context.new_page()
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
        opened.goto((planted(kind) / "report.html").as_uri())
        return opened

    yield open_page
    context.close()
    assert said == []


@pytest.mark.parametrize("kind", MADE)
def test_it_loads_nothing_and_fits_a_phone(kind: str, visit: Callable[[str], Any]) -> None:
    opened = visit(kind)
    assert opened.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    outside = "(all) => all.filter((text) => text.getBoundingClientRect().left < -1).length"
    assert opened.locator("svg text").evaluate_all(outside) == 0


def test_a_cell_opens_its_errors(visit: Callable[[str], Any]) -> None:
    opened = visit("one label")
    link = opened.locator(".matrix a").first
    target = opened.locator(link.get_attribute("href"))
    assert not target.is_visible()
    link.focus()
    opened.keyboard.press("Enter")
    target.locator("article").first.wait_for(state="visible")
    assert target.locator("article").count() > 0


def test_it_follows_the_colours_of_the_system(visit: Callable[[str], Any]) -> None:
    opened = visit("entities")
    colour = "getComputedStyle(document.body).backgroundColor"
    light = opened.evaluate(colour)
    opened.emulate_media(color_scheme="dark")
    dark = opened.evaluate(colour)
    assert sum(map(int, re.findall(r"\d+", light))) > 600 > 200 > sum(map(int, re.findall(r"\d+", dark)))
    opened.emulate_media(media="print")
    assert not opened.locator("nav").is_visible()


def test_texts_stay_texts(visit: Callable[[str], Any]) -> None:
    opened = visit("one label")
    assert opened.locator("script, main b:text-is('hot')").count() == 0
    assert "<script>alert(1)</script>" in opened.locator("article").first.inner_text()
