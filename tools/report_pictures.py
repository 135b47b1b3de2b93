"""Take pictures of reports and comparisons for the documentation, in a headless Chromium.

    python tools/report_pictures.py docs/pictures topics=runs/topics/report.html --part scores --part confusion
    python tools/report_pictures.py docs/pictures ner=runs/ner/report.html --part outcomes --part errors --rows 3

Each picture is FOLDER/report-NAME.png, of the whole page or of the parts with these anchors. It needs what
``tools/page_pictures.py`` needs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tools.page_pictures import browser


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pages", nargs="+", help="NAME=FILE")
    parser.add_argument("--part", action="append", default=[], help="the anchor of a part (default: the whole page)")
    parser.add_argument("--rows", type=int, default=0, help="show this many rows with errors (default: all)")
    parser.add_argument("--width", type=int, default=860)
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    parser.add_argument("--scale", type=float, default=1.5)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with browser() as chromium:
        for page in arguments.pages:
            name, _, file = page.partition("=")
            take(chromium, Path(file), arguments.folder / f"report-{name}.png", arguments)


def take(chromium: Any, file: Path, picture: Path, wanted: argparse.Namespace) -> None:
    """One picture of a page, on which everything but the wanted parts is hidden."""
    viewport = {"width": wanted.width, "height": 10}
    page = chromium.new_page(viewport=viewport, color_scheme=wanted.scheme, device_scale_factor=wanted.scale)
    page.goto(file.absolute().as_uri())
    if wanted.part:
        kept = ", ".join(f"section[aria-labelledby={part}]" for part in wanted.part)
        page.add_style_tag(content=f"section:not({kept}), footer, nav, .hint {{ display: none }}")
    if wanted.rows:
        rows = f"article:nth-of-type(n + {wanted.rows + 1}), #errors ~ details, #errors ~ h3 ~ h3"
        page.add_style_tag(content=f"{rows} {{ display: none }}")
    page.screenshot(path=str(picture), full_page=True)
    page.close()


if __name__ == "__main__":
    main()
