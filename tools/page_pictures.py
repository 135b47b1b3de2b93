"""Take the pictures of the page of ``zoo serve`` for the documentation, in a headless Chromium.

    python tools/page_pictures.py docs/pictures ner=runs/ner sentiment=runs/sentiment translation=runs/translation

Each run needs one of the names in TEXTS, which says what is typed. It needs the packages playwright and a Chromium
(``CHROMIUM`` names it, otherwise the one on the path).
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from taskzoo.testing.serving import serving

TEXTS = {
    "classification": "My bins were not emptied this week, and the next collection is in ten days.",
    "ner": "Lakshmi Agarwal of Ukraine won the women's race in Kraków ahead of Radcliffe.",
    "sentiment": "The plot is thin, but the two leads are wonderful and I would watch it again tomorrow.",
    "translation": "I will go to the station tomorrow.",
    "summarization": "The council met on Tuesday to discuss the new bridge. After three hours it decided to build it.",
}

LOOKS = {"light": (860, "light"), "dark": (860, "dark"), "phone": (390, "light"), "phone-dark": (390, "dark")}
"""Name -> width in pixels, colours."""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("runs", nargs="+", help="NAME=RUN")
    parser.add_argument("--text", action="append", default=[], help="NAME=TEXT: type this instead")
    parser.add_argument("--every", action="store_true", help="each page in every look")
    arguments = parser.parse_args()
    texts = TEXTS | dict(item.split("=", 1) for item in arguments.text)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with serving(arguments.runs) as server, browser() as chromium:
        names = [run.partition("=")[0] for run in arguments.runs]
        for file, (name, look) in pictures(names, every=arguments.every).items():
            take(chromium, server.url, name, texts[name], arguments.folder / file, look)


def pictures(names: list[str], *, every: bool) -> dict[str, tuple[str, str]]:
    """File -> model and look: each in light colours and the first on a phone in dark ones, or every one."""
    if every:
        return {f"serve-{name}-{look}.png": (name, look) for name in names for look in LOOKS}
    return {f"serve-{name}.png": (name, "light") for name in names} | {"serve-phone.png": (names[0], "phone-dark")}


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        try:
            yield found
        finally:
            found.close()


def chromium_path() -> str | None:
    """Where Chromium is: ``CHROMIUM``, or the first of its usual names on the path."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def take(chromium: Any, url: str, name: str, text: str, file: Path, look: str) -> None:
    """One picture: choose the model, type the text, predict."""
    width, scheme = LOOKS[look]
    viewport = {"width": width, "height": 10}
    page = chromium.new_page(viewport=viewport, color_scheme=scheme, device_scale_factor=1.5)
    page.goto(url)
    page.locator("#field-0").wait_for()
    if page.locator("#choice").is_visible():
        page.locator("#model").select_option(
            index=page.evaluate("(name) => models.findIndex((m) => m.name === name)", name)
        )
    page.locator("#field-0").fill(text)
    if page.locator("#coverage").is_visible():
        page.locator("#coverage").fill("0.9")
    page.locator("#go").click()
    page.locator("#shown > *").first.wait_for()
    page.locator("#go:enabled").wait_for()
    page.screenshot(path=str(file), full_page=True)
    page.close()


if __name__ == "__main__":
    main()
