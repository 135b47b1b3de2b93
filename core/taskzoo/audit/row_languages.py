"""The language of each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from taskzoo.languages import as_language, script_language

RARE = 0.05
"""Share of the rows below which a language is taken for a mistake of the classifier."""
_SHORTEST = 20
"""Characters that are classified; shorter texts are together, where the others are in one language."""


def row_languages(texts: Sequence[str], known: str) -> list[str]:
    """A code for each text, ``""`` where it cannot be told.

    Args:
        texts: one for each row.
        known: the language that the run has for all of them, or ``""``.
    """
    if known:
        return [as_language(known) or ""] * len(texts)
    found = [script_language([text]) or _classified(text) for text in texts]
    if len(_frequent(found)) < 2:
        short = _classified(" ".join(text for text, code in zip(texts, found, strict=True) if not code))
        found = [code or short for code in found]
    frequent = _frequent(found)
    return [code if code in frequent or not code else frequent[0] for code in found]


def _classified(text: str) -> str:
    import py3langid

    return str(py3langid.classify(text)[0]) if len(text.strip()) >= _SHORTEST else ""


def _frequent(codes: Sequence[str]) -> list[str]:
    """The languages that are not :data:`RARE`, and at least the most frequent one, which is the first."""
    counts = Counter(filter(None, codes)).most_common()
    return [code for place, (code, count) in enumerate(counts) if not place or count >= RARE * len(codes)]
