"""How an answer is compared with a gold answer: as the scripts of SQuAD and of CMRC 2018 do."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)

_SIGNS = "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』"
_CHINESE = re.compile(rf"[\u4e00-\u9fa5{re.escape(_SIGNS)}]|[^\s\u4e00-\u9fa5{re.escape(_SIGNS)}]+")
_LATIN = re.compile(r"\w+(?:['.,]\w+)*|[^\w\s]")


class Rules(NamedTuple):
    """How texts of a language are compared.

    Args:
        plain: what must be equal for an exact match.
        parts: what F1 counts.
        shared: how many parts two texts have in common.
    """

    plain: Callable[[str], str]
    parts: Callable[[str], list[str]]
    shared: Callable[[Sequence[str], Sequence[str]], int]


def compare(answer: str | None, gold: Sequence[str], rules: Rules) -> tuple[float, float]:
    """Exact match and F1 with the gold answer that is nearest; each maximum for itself.

    Args:
        answer: ``""``: no answer; ``None``: the question was not dealt with, which is always wrong.
        gold: texts; none: the question has no answer.
        rules: of the language.
    """
    if answer is None:
        return 0.0, 0.0
    candidates = [text for text in gold if rules.plain(text)] or [""]
    exact = max(float(rules.plain(answer) == rules.plain(text)) for text in candidates)
    return exact, max(_f1(rules.parts(answer), rules.parts(text), rules) for text in candidates)


def _f1(answer: list[str], gold: list[str], rules: Rules) -> float:
    if not answer or not gold:
        return float(answer == gold)
    shared = rules.shared(answer, gold)
    return 2 * shared / (len(answer) + len(gold))


# SQuAD: Rajpurkar et al. 2016, 2018


def normalise(text: str) -> str:
    """Lower case without ASCII punctuation, articles and superfluous whitespace."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def _common(answer: Sequence[str], gold: Sequence[str]) -> int:
    return (Counter(answer) & Counter(gold)).total()


SQUAD = Rules(normalise, lambda text: normalise(text).split(), _common)
"""A bag of words."""


# CMRC: Cui et al. 2019


def without_signs(text: str) -> str:
    """Lower case without the punctuation marks that the script of CMRC lists."""
    return "".join(char for char in text.lower().strip() if char not in _SIGNS)


def segments(text: str) -> list[str]:
    """Single Chinese characters, and words of what stands between them; punctuation marks are left out."""
    found = []
    for run in _CHINESE.findall("".join(char for char in text.lower().strip() if char not in _SIGNS)):
        found += [run] if len(run) == 1 else _LATIN.findall(run)
    return found


def _longest(answer: Sequence[str], gold: Sequence[str]) -> int:
    """The length of the longest run of segments that both have."""
    return SequenceMatcher(None, answer, gold, autojunk=False).find_longest_match().size


CMRC = Rules(without_signs, segments, _longest)
"""The longest common run of characters."""

RULES = {"en": SQUAD, "zh": CMRC}
