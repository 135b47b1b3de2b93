"""The web site: each page is in its navigation, it builds without a warning, links lead somewhere, Chinese is found."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
INDEX = ROOT / "docs" / "README.md"
PAGES = [*(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.ipynb")]


@pytest.mark.parametrize("page", sorted(set(PAGES) - {INDEX}), ids=lambda page: page.name)
def test_the_index_of_the_documentation_has_every_page(page: Path) -> None:
    links = re.findall(r"^\| \[[^\]]+\]\(([^)]+)\) \|", INDEX.read_text(encoding="utf-8"), re.MULTILINE)
    assert page in [(INDEX.parent / link).resolve() for link in links], "the site's navigation is docs/README.md"


def test_text_is_searched_by_words_and_by_pairs_of_han_characters() -> None:
    pytest.importorskip("sphinx")
    spec = importlib.util.spec_from_file_location("cjk_search", ROOT / "docs" / "site" / "cjk_search.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.pairs("用 minilm 微调模型, 3 步。好") == ["用", "minilm", "微调", "调模", "模型", "3", "步", "好"]
    assert module.pairs("train中文data_1") == ["train", "中文", "data_1"]


class Links(HTMLParser):
    """Where the links of a page lead, and its anchors."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self.language = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors |= {found["id"] or ""} if "id" in found else set()
        self.language = found.get("lang") or self.language if tag == "html" else self.language
        self.targets += [link for name in ("href", "src") if (link := found.get(name))]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, made as ``make site`` makes it."""
    for name in ("sphinx", "furo", "myst_nb"):
        pytest.importorskip(name)
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-c", "docs/site", "-b", "html", "-W", "--keep-going", "-n", "-q"]
    command += ["-d", str(folder / "cache"), ".", str(folder / "html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_is_built_without_a_warning_and_its_links_lead_somewhere(site: Path) -> None:
    pages = {page: Links(page) for page in site.rglob("*.html")}
    broken = [f"{page.relative_to(site)}: {link}" for page in pages for link in broken_links(page, pages)]
    assert not broken
    assert pages[site / "docs" / "quickstart.zh.html"].language == "zh"
    assert pages[site / "docs" / "quickstart.html"].language == "en"
    assert "taskzoo.Task.encode" in pages[site / "docs" / "api" / "task.html"].anchors
    assert "taskzoo.finetune" in pages[site / "docs" / "api" / "taskzoo.html"].anchors
    landing = (site / "index.html").read_text(encoding="utf-8")
    assert "<h1>Task Zoo" in landing
    assert 'href="docs/quickstart.html"' in landing
    assert "toctree" not in re.sub(r"<[^>]+>", "", landing)


def broken_links(page: Path, pages: dict[Path, Links]) -> Iterator[str]:
    """Relative links of a page that lead to no file, or to no anchor."""
    for link in pages[page].targets:
        name, _, anchor = unquote(link).partition("#")
        if re.match(r"[a-z]+:|//", link) or "search.html" in link:
            continue
        target = (page.parent / name.partition("?")[0]).resolve() if name else page
        if not target.exists() or (anchor and target in pages and anchor not in pages[target].anchors):
            yield link


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("asked", "found"), [("微调", "快速上手"), ("标注数据", "快速上手"), ("haiku", "plugin")])
def test_a_reader_searches_on_a_narrow_screen(site: Path, browser: Any, asked: str, found: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"{(site / 'search.html').as_uri()}?q={asked}")
    page.wait_for_selector("#search-results li a")
    titles = [link.inner_text() for link in page.query_selector_all("#search-results li a")]
    assert any(found in title for title in titles), titles
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
