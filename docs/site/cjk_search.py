"""Search that finds Chinese: runs of Han characters are indexed, and asked for, as pairs of neighbours.

Chinese has no spaces, so that Sphinx takes a whole clause for a word and finds it by nothing shorter. Pairs need no
dictionary and find whatever two characters stand next to each other. Other text is searched as English.
"""

from __future__ import annotations

import re

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

RUNS = re.compile(r"[\u3400-\u9fff]+|[^\W\u3400-\u9fff]+")

SPLITTER = r"""
var splitQuery = (query) =>
  (query.match(/[\u3400-\u9fff]+|(?:(?![\u3400-\u9fff])[\p{Letter}\p{Number}_])+/gu) ?? []).flatMap((run) =>
    /[\u3400-\u9fff]/.test(run) && run.length > 1
      ? Array.from({length: run.length - 1}, (_, place) => run.slice(place, place + 2))
      : [run],
  );
"""


def pairs(text: str) -> list[str]:
    """The words of a text, and each two neighbours of a run of Han characters (of a single one, itself)."""
    found = []
    for run in RUNS.findall(text):
        han = "\u3400" <= run[0] <= "\u9fff" and len(run) > 1
        found += [run[place : place + 2] for place in range(len(run) - 1)] if han else [run]
    return found


class SearchEnglishAndHan(SearchEnglish):
    """English, and Han characters in pairs."""

    js_splitter_code = SPLITTER

    def split(self, input: str) -> list[str]:
        return pairs(input)


def setup(app: Sphinx) -> dict[str, bool]:
    """Takes the place of Sphinx's search in English."""
    app.add_search_language(SearchEnglishAndHan)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
