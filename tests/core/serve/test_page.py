"""The page: what it may load, and in a browser what it shows of every kind of answer."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("uvicorn")

from taskzoo.serve.options import NAMES
from taskzoo.serve.served import Served

from .kit import Running, running

HOSTILE = "<img src=x onerror=\"document.title='owned'\">&amp;"
ANSWERS: dict[str, dict[str, Any]] = {
    "label": {"label": HOSTILE, "score": 0.9, "scores": {HOSTILE: 0.9, "other": 0.1}},
    "doubt": {
        "label": None,
        "score": 0.55,
        "scores": {"yes": 0.55, "no": 0.45},
        "abstained": True,
        "label_set": ["yes", "no"],
    },
    "labels": {"labels": ["a", "b"], "scores": {"a": 0.9, "b": 0.8, "c": 0.1}},
    "number": {"value": 4.25},
    "entities": {
        "tokens": [],
        "tags": [],
        "entities": [
            {"start": 2, "end": 5, "label": "PER", "text": "Ada", "score": 0.996},
            {"start": 10, "end": 14, "label": HOSTILE, "text": "<i>L", "score": 0.5},
        ],
    },
    "words": {"source": "x", "text": f"{HOSTILE} \u0645\u0631\u062d\u0628\u0627", "score": -0.4567},
    "empty": {"label": None},
}


class Fixed:
    """Gives one answer, with the text of the input where it is not one to a source."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer

    def predict(
        self, inputs: list[Any], *, min_confidence: float | None = None, coverage: float | None = None
    ) -> list[dict[str, Any]]:
        return [{"text": value["text"], **self._answer, "asked": [min_confidence, coverage]} for value in inputs]


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    models = [
        Served(name, "classification", ("text",), Fixed(answer), takes=NAMES if name == "doubt" else ())
        for name, answer in ANSWERS.items()
    ]
    with running(*models, key="s3cret") as found:
        yield found


def test_the_page_is_one_file_whose_own_code_alone_may_run(server: Running) -> None:
    response = server.get("/")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for kind in ("script", "style"):
        (code,) = re.findall(rf"<{kind}>(.*?)</{kind}>", response.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not re.findall(r"https?://|//[a-z]+\.", response.text)
    assert not re.findall(r"innerHTML|insertAdjacentHTML|document\.write|\beval\b|\son\w+=| style=", response.text)


@pytest.fixture
def page(browser: Any, server: Running) -> Iterator[Any]:
    """The page with its key, and nothing that it complains about."""
    found = browser.new_page(viewport={"width": 360, "height": 740})
    complaints: list[str] = []
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    found.goto(server.url)
    found.locator("#key").fill("s3cret")
    found.keyboard.press("Enter")
    found.locator("#field-0").wait_for()
    yield found
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []
    found.close()


def ask(page: Any, model: str, text: str) -> str:
    page.locator("#model").select_option(model)
    page.locator("#field-0").fill(text)
    page.keyboard.press("Control+Enter")
    page.locator("#shown > *").first.wait_for()
    page.locator("#go:enabled").wait_for()
    shown: str = page.locator("#shown").inner_text()
    return shown


@pytest.mark.browser
def test_labels_are_bars_and_are_never_read_as_html(page: Any) -> None:
    shown = ask(page, "label", HOSTILE)
    assert f"✓ {HOSTILE}" in shown
    assert "90.0%" in shown
    widths = page.locator(".fill").evaluate_all(
        "(all) => all.map((bar) => bar.offsetWidth / bar.parentElement.offsetWidth)"
    )
    assert widths == [pytest.approx(0.9, abs=0.02), pytest.approx(0.1, abs=0.02)]
    assert page.locator("#shown img").count() == 0
    assert page.title() == "label · Task Zoo"
    assert "POST /predict/label" in page.locator("#json").text_content()


@pytest.mark.browser
def test_entities_are_marked_where_they_are_after_an_emoji_too(page: Any) -> None:
    given = "\U0001f600 Ada and <i>Lima</i>"
    ask(page, "entities", given)
    read = "(all) => all.map((node) => node.nodeType === 3 ? node.data : node.firstChild.data)"
    assert page.locator("mark").evaluate_all(read) == ["Ada", "<i>L"]
    parts = page.locator("#shown .text").evaluate(f"(text) => ({read})([...text.childNodes])")
    assert "".join(parts) == given
    assert page.locator("#shown i, #shown img").count() == 0


@pytest.mark.browser
def test_what_else_there_is_to_show(page: Any) -> None:
    assert "below the limit" in ask(page, "doubt", "x")
    assert ask(page, "labels", "x").count("✓") == 2
    assert ask(page, "number", "x") == "4.25"
    shown = ask(page, "words", "x")
    assert HOSTILE in shown
    assert "Score -0.46" in shown
    assert "nothing to predict" in ask(page, "empty", "")


@pytest.mark.browser
def test_options_are_sent_and_a_refusal_is_shown(page: Any) -> None:
    page.locator("#model").select_option("doubt")
    page.locator("#min_confidence").fill("0.7")
    page.locator("#coverage").fill("0.95")
    shown = ask(page, "doubt", "x")
    assert "Label set: yes, no" in shown
    assert '{"inputs":{"text":"x"},"min_confidence":0.7,"coverage":0.95}' in page.locator("#json").text_content()
    assert page.locator("#json").text_content().count("0.95") == 2
    page.locator("#model").select_option("words")
    assert not page.locator("#coverage").is_visible()
    assert "characters, and 20000 are allowed" in ask(page, "label", "x" * 20_001)


@pytest.mark.browser
def test_it_fits_a_phone_and_follows_the_colours_of_the_system(page: Any) -> None:
    ask(page, "label", "word " * 50 + "x" * 300)
    ask(page, "entities", "x" * 300)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, re.findall(r"\d+", light))) > 600 > 200 > sum(map(int, re.findall(r"\d+", dark)))
    assert page.locator("#go").bounding_box()["height"] >= 44


@pytest.mark.browser
def test_it_is_used_by_keyboard_alone(page: Any) -> None:
    page.locator("#model").focus()
    focused = []
    for _ in range(3):
        page.keyboard.press("Tab")
        focused.append(page.evaluate("document.activeElement.id"))
    assert focused == ["key", "field-0", "go"]
