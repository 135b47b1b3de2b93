"""Numbers as reviews give them: ``4``, ``35%``, ``4.0 out of 5 stars``, ``4/5``, ``3½``, ``★★★★☆``, ``四星``."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

STARS = "stars"
_NUMBER = r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)"
_STAR_WORDS = (
    r"(?:-?stars?|star\(s\)|\W?stern(?:en?)?|étoiles?|estrellas?|estrelas?|stell[ae]|[★⭐]|星级?|颗星|つ星|sterren"
    r"|stjärn(?:a|or)|stjerner?|gwiazd(?:ka|ki|ek)|звёзд[аы]?|звезд[аы]?|yıldız|개)"
)
_RATING = re.compile(
    rf"(?:(?:rated|rating|stars?|score)\s*[:=]?\s*)?{_NUMBER}\s*"
    rf"(?:(?P<percent>%|percent)|(?:(?P<stars>{_STAR_WORDS})|分|点|points?|pts\.?)?"
    rf"\s*(?:(?:out\s+of|of|/|von|sur|de|su|di|van|av|af|z|из|,\s*最多)\s*(?P<top>\d+(?:\.0*)?)\s*{_STAR_WORDS}?)?)",
    re.IGNORECASE | re.ASCII,
)
_TOP_FIRST = re.compile(  # 5つ星のうち4.0, 별 5개 중 4.0개
    rf"(?P<top>\d+(?:\.0*)?)\s*(?:つ星のうち|点中|点満点中|颗星中|星中|점\s*만점에|yıldız\s+üzerinden)\s*{_NUMBER}\s*(?:点|점)?"
    rf"|별\s*(?P<top2>\d+)개\s*중\s*{_NUMBER}개?",
    re.IGNORECASE | re.ASCII,
)
_GLYPHS = re.compile(r"([★⭐]*)(½?)([☆✩✰]*)")
_HALF = re.compile(r"(?<![\d.,/])(\d*)(?:½|(?<=\d)[ -]1/2(?![\d/]))")
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
    text = name.strip().replace("\N{VARIATION SELECTOR-16}", "")
    if text and (glyphs := _GLYPHS.fullmatch(text)) and (glyphs[1] or glyphs[3]):
        full, half, empty = map(len, glyphs.groups())
        all_stars = full + half + empty
        return Rating(full + half / 2, STARS if not empty or all_stars == 5 else f"of {all_stars}")
    text = unicodedata.normalize("NFKC", _HALF.sub(lambda found: f"{found[1] or 0}.5", text))
    text = text.replace("\N{MINUS SIGN}", "-") if "\N{FRACTION SLASH}" not in text else ""
    if word := _WORD.fullmatch(text):
        return Rating(float(_WORDS[word[1].casefold()]), STARS)
    if first := _TOP_FIRST.fullmatch(text):
        text = f"{first[2] or first[4]}/{first['top'] or first['top2']}"
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
