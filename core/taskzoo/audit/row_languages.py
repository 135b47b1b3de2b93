"""The language of each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from taskzoo.languages import as_language, script_language

RARE = 0.05
"""Share of the rows below which a language is taken for a mistake of the classifier."""
_SHORTEST = 20
"""Characters that a text needs to be classified by."""


def row_languages(texts: Sequence[str], known: str) -> list[str]:
    """A code for each text, ``""`` where it cannot be told.

    Args:
        texts: one for each row.
        known: the language that the run has for all of them, or ``""``.
    """
    import py3langid

    if known:
        return [as_language(known) or ""] * len(texts)
    found = [
        script_language([text]) or (py3langid.classify(text)[0] if len(text) >= _SHORTEST else "") for text in texts
    ]
    counts = Counter(code for code in found if code)
    if not counts:
        return [""] * len(texts)
    usual = counts.most_common(1)[0][0]
    kept = {code for code, count in counts.items() if count >= RARE * len(texts)} | {usual}
    return [code if code in kept else usual for code in found]
