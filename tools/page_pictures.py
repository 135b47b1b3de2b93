"""Take the pictures of the page of ``zoo serve`` for the documentation, in a headless Chromium.

    python tools/page_pictures.py docs/pictures ner=runs/ner sentiment=runs/sentiment translation=runs/translation

Each run needs one of the names in TEXTS, which says what is typed. It needs the packages playwright and a Chromium
(``CHROMIUM`` names it, otherwise the one on the path).
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TEXTS = {
    "classification": "My bins were not emptied this week, and the next collection is in ten days.",
    "ner": "Lakshmi Agarwal of Ukraine won the women's race in Kraków ahead of Radcliffe.",
    "sentiment": "The plot is thin, but the two leads are wonderful and I would watch it again tomorrow.",
    "translation": "I will go to the station tomorrow.",
    "summarization": "The council met on Tuesday to discuss the new bridge. After three hours it decided to build it.",
}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("runs", nargs="+", help="NAME=RUN")
    parser.add_argument("--text", action="append", default=[], help="NAME=TEXT: type this instead")
    arguments = parser.parse_args()
    texts = TEXTS | dict(item.split("=", 1) for item in arguments.text)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with server(arguments.runs) as url, browser() as chromium:
        names = [run.partition("=")[0] for run in arguments.runs]
        for name in names:
            take(chromium, url, name, texts[name], arguments.folder / f"serve-{name}.png")
        take(chromium, url, names[0], texts[names[0]], arguments.folder / "serve-phone.png", phone=True)


@contextmanager
def server(runs: list[str]) -> Iterator[str]:
    """The address of a server of these runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "taskzoo", "serve", *runs, "--port", str(port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        while "Serving" not in (line := process.stderr.readline()):
            if not line:
                raise SystemExit("the server did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


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


def take(chromium: Any, url: str, name: str, text: str, file: Path, *, phone: bool = False) -> None:
    """One picture: choose the model, type the text, predict. A phone shows dark colours."""
    width, scheme = (390, "dark") if phone else (860, "light")
    viewport = {"width": width, "height": 10}
    page = chromium.new_page(viewport=viewport, color_scheme=scheme, device_scale_factor=1.5)
    page.goto(url)
    page.locator("#field-0").wait_for()
    if page.locator("#choice").is_visible():
        page.locator("#model").select_option(
            index=page.evaluate("(name) => models.findIndex((m) => m.name === name)", name)
        )
    page.locator("#field-0").fill(text)
    page.locator("#go").click()
    page.locator("#shown > *").first.wait_for()
    page.locator("#go:enabled").wait_for()
    page.screenshot(path=str(file), full_page=True)
    page.close()


if __name__ == "__main__":
    main()
