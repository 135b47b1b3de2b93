"""Numbers as reviews give them: ``4``, ``35%``, ``4.0 out of 5 stars``, ``4/5``, ``★★★★☆``, ``四星``."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

STARS = "stars"
_NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)"
_STAR_WORDS = r"(?:-?stars?|star\(s\)|\W?sterne?|étoiles?|estrellas?|[★⭐]|星级?|颗星)"
_RATING = re.compile(
    rf"(?:(?:rated|rating|stars?|score)\s*[:=]?\s*)?{_NUMBER}\s*"
    rf"(?:(?P<percent>%|percent)|(?:(?P<stars>{_STAR_WORDS})|分|点|points?|pts\.?)?"
    rf"\s*(?:(?:out\s+of|of|/|von|sur|de)\s*(?P<top>\d+(?:\.0*)?)\s*{_STAR_WORDS}?)?)",
    re.IGNORECASE | re.ASCII,
)
_GLYPHS = re.compile(r"([★⭐]*)([☆✩✰]*)")
_WORDS = {
    word: value
    for value, words in enumerate(["zero", "one 一", "two 二 两", "three 三", "four 四", "five 五"])
    for word in words.split()
}
_WORD = re.compile(rf"({'|'.join(_WORDS)})\s*(?:-?stars?|星级?|颗星)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rating:
    """A number and what it counts: ``%``, ``stars`` (of five), ``of 10`` and the like, or nothing said."""

    value: float
    unit: str = ""

    def suits(self, other: Rating) -> bool:
        """Whether both can be compared: a plain number may be one of stars, but not one of percent."""
        return self.unit == other.unit or {self.unit, other.unit} == {"", STARS}


def rating(name: str) -> Rating | None:
    """The finite number that a label is, or ``None``."""
    text = unicodedata.normalize("NFKC", name.strip().replace("\N{VARIATION SELECTOR-16}", ""))
    text = text.replace("\N{MINUS SIGN}", "-") if "\N{FRACTION SLASH}" not in text else ""
    if word := _WORD.fullmatch(text):
        return Rating(float(_WORDS[word[1].casefold()]), STARS)
    if text and (glyphs := _GLYPHS.fullmatch(text)):
        full, empty = map(len, glyphs.groups())
        return Rating(float(full), STARS if not empty or full + empty == 5 else f"of {full + empty}")
    found = _RATING.fullmatch(text)
    if not found:
        return None
    value = float(found[1])
    if not math.isfinite(value):
        return None
    if found["percent"]:
        return Rating(value, "%")
    top = float(found["top"]) if found["top"] else None
    if top not in (None, 5.0):
        return Rating(value, f"of {top:g}")
    return Rating(value, STARS if found["stars"] or top else "")
