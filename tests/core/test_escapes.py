"""Labels and names that act on a terminal, or in Markdown, are shown and do not act."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from taskzoo.cli.output import print_facts, remark
from taskzoo.cli.results import print_scores
from taskzoo.escapes import markdown, markdown_code, visible, visible_cell, visible_json

ACTING = "\x00\x07\x1b\x7f\x9b\r\u202e\u2066\u2028\ud800"
TEXTS = st.text(st.one_of(st.sampled_from(f"{ACTING}\n\t\\`*_<>|[](){{}}#!&~$x"), st.characters()), max_size=30)


def test_control_characters_become_escapes_and_writing_stays() -> None:
    assert visible("\x1b[31mred\x07\n\tnext\x9b1m\u202eevil") == "\\x1b[31mred\\x07\n\tnext\\x9b1m\\u202eevil"
    assert visible_cell("a\nb\tc\rd") == "a\\nb\\tc\\rd"
    for text in ("می\u200cخواهم", "👩\u200d👧", "نص\u200f عربي", "naïve – 中文"):
        assert visible(text) == text


@settings(max_examples=25, deadline=None)
@given(TEXTS)
def test_nothing_that_acts_is_left(text: str) -> None:
    assert not set(ACTING) & set(visible(text))
    assert not set(f"{ACTING}\n\t") & set(visible_cell(text))
    written = visible_json(json.dumps({"label": text}, ensure_ascii=False))
    assert not set(ACTING) & set(written)
    assert json.loads(written) == {"label": text}
    assert len(written.splitlines()) == 1


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def tags(text: str) -> list[str]:
    """The tags of Markdown with tables and raw HTML, as sites render it."""
    parser = _Tags()
    parser.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))
    return parser.tags


@settings(max_examples=25, deadline=None)
@given(TEXTS)
def test_nothing_in_markdown_is_mark_up(text: str) -> None:
    assert set(tags(f"- rows ({markdown(text)})")) <= {"ul", "li"}
    table = tags(f"| metric | test |\n| --- | --- |\n| x{markdown(text)} | 1 |")
    assert table == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
    assert tags(f"x {markdown_code(text)} y") == (["p", "code"] if text else ["p"])


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "[x](javascript:alert(1))", "![x](http://a/b)", "a|b"])
def test_mark_up_is_shown_as_it_stands(text: str) -> None:
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(f"- {markdown(text)}")
    shown = re.sub(r"<[^>]+>", "", rendered).strip()
    assert shown.replace("&lt;", "<").replace("&gt;", ">") == text


def test_the_command_line_shows_control_characters_of_labels_and_texts(capsys: pytest.CaptureFixture[str]) -> None:
    label, text = "\x1b[31mred\nlabel\x07", "\x1b]0;title\x07same"
    scores = {"accuracy": 0.5, "rows": 20, "per_label": {label: {"f1": 0.5}}}
    verdict = [f'The model generated the same output for 20 of 20 test rows: "{text}"']
    print_scores({"test": scores}, verdict)
    print_facts(("labels", label))
    remark(f"warning   {text}")
    shown = "".join(capsys.readouterr())
    assert not set("\x1b\x07") & set(shown)
    assert "\\x1b[31mred\\nlabel\\x07" in shown
    assert '20 of 20 test rows: "\\x1b]0;title\\x07same"' in shown
